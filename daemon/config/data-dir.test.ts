import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SyncerError } from '../../proto/errors.ts';
import { findHolders, holdDataDir, isHeld } from './data-dir.ts';
import { stateRoot } from '../../proto/control/state-root.ts';

let root: string;
let directory: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  root = mkdtempSync(path.join(os.tmpdir(), 'syncer-data-dir-'));
  directory = path.join(root, 'alpha');
});

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
  rmSync(root, { recursive: true });
});

/** Another process that holds the directory until it is killed. */
async function holdElsewhere(): Promise<ChildProcess> {
  const module = new URL('data-dir.ts', import.meta.url).href;
  const program = `
    const { holdDataDir } = await import(${JSON.stringify(module)});
    holdDataDir(${JSON.stringify(directory)}, 1700000000000);
    console.log('held');
    setInterval(() => undefined, 1000);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program]);
  children.push(child);
  await once(child.stdout, 'data');
  return child;
}

function refusal(run: () => unknown): SyncerError {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof SyncerError) return thrown;
    throw thrown;
  }
  throw new Error('was not refused');
}

describe('a data directory', () => {
  it('is made for its owner alone, and given back', () => {
    const held = holdDataDir(directory, 5);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(isHeld(directory)).toBe(true);
    expect(findHolders(root)).toEqual([{ directory, pid: process.pid, startedAtMs: 5 }]);
    held.release();
    expect(isHeld(directory)).toBe(false);
    expect(findHolders(root)).toEqual([]);
    holdDataDir(directory, 6).release();
  });

  it('is refused while another process holds it, with that process named', async () => {
    const child = await holdElsewhere();
    const error = refusal(() => holdDataDir(directory, 0));
    expect(error.code).toBe('data-dir.held');
    expect(error.message).toContain(`in use by process ${child.pid}, started 2023-11-14T22:13:20`);
    expect(findHolders(root)).toHaveLength(1);
  });

  it('is free again the moment its holder is killed', async () => {
    const child = await holdElsewhere();
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    expect(findHolders(root)).toEqual([]);
    const held = holdDataDir(directory, 7);
    expect(findHolders(root)).toEqual([{ directory, pid: process.pid, startedAtMs: 7 }]);
    held.release();
  });

  it('survives garbage in its files', () => {
    holdDataDir(directory, 1).release();
    writeFileSync(path.join(directory, 'lock'), 'garbage '.repeat(1000));
    writeFileSync(path.join(directory, 'holder.json'), '{"pid": "x"');
    expect(findHolders(root)).toEqual([]);
    holdDataDir(directory, 2).release();
  });

  it('that cannot be made is an error with its reason', () => {
    writeFileSync(path.join(root, 'file'), '');
    const error = refusal(() => holdDataDir(path.join(root, 'file', 'sub'), 0));
    expect(error.code).toBe('data-dir.unusable');
    expect(error.message).toMatch(/ENOTDIR|EEXIST/);
  });
});

describe('the place for state', () => {
  it('is the custom of each platform', () => {
    expect(stateRoot('linux', '/home/a', {})).toBe('/home/a/.local/state/syncer');
    expect(stateRoot('linux', '/home/a', { XDG_STATE_HOME: '/s' })).toBe('/s/syncer');
    expect(stateRoot('linux', '/home/a', { XDG_STATE_HOME: 'relative' })).toBe(
      '/home/a/.local/state/syncer',
    );
    expect(stateRoot('darwin', '/Users/a', {})).toBe('/Users/a/Library/Application Support/syncer');
    expect(stateRoot('win32', 'C:\\U', { LOCALAPPDATA: 'C:\\L' })).toBe('C:\\L\\syncer');
  });
});
