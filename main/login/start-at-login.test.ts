import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { xdgAutostart } from './start-at-login.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'syncer-login-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('writes an entry with its arguments quoted, and takes it away again', () => {
  const item = xdgAutostart(path.join(folder, 'autostart'), [
    '/opt/ServiceCenter Syncer/syncer-desktop',
    '--hidden',
    '50% $HOME',
  ]);
  item.set(true);
  const file = path.join(folder, 'autostart', 'servicecenter-syncer.desktop');
  const text = readFileSync(file, 'utf8');
  expect(text).toContain(
    String.raw`Exec="/opt/ServiceCenter Syncer/syncer-desktop" --hidden "50%% \\$HOME"`,
  );
  item.set(true);
  expect(readFileSync(file, 'utf8')).toBe(text);
  item.set(false);
  item.set(false);
  expect(readdirSync(path.join(folder, 'autostart'))).toEqual([]);
});
