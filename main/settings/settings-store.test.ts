import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { settingsPatch } from '../../proto/ipc/settings.ts';
import { openSettings } from './settings-store.ts';
import { parseSettings } from './settings-file.ts';
import { migrations } from './migrations.ts';
import { settingsVersion } from '../../proto/ipc/settings.ts';

let folder: string;
let file: string;
let policyFile: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'syncer-settings-'));
  file = path.join(folder, 'settings.yaml');
  policyFile = path.join(folder, 'policy.yaml');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = () => openSettings({ file, policyFile, nowMs: Date.UTC(2026, 0, 2) });

describe('the settings', () => {
  it('are the defaults without a file, and make none by being read', () => {
    expect(open().state).toMatchObject({ locked: {}, setAside: '' });
    expect(open().state.settings).toMatchObject({ language: 'system', onClose: 'hide' });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('are written where they differ, for this user alone, and read back', () => {
    open().change({ theme: 'dark', notifications: { peers: false } });
    expect(readFileSync(file, 'utf8')).toMatch(
      /^#[^]*version: 1\ntheme: dark\nnotifications:\n {2}peers: false\n$/,
    );
    if (process.platform !== 'win32') expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(open().state.settings).toMatchObject({
      theme: 'dark',
      notifications: { peers: false, held: true },
    });
    open().change({ theme: 'system' });
    expect(readFileSync(file, 'utf8')).not.toContain('theme');
  });

  it('keep the comments of the person', () => {
    writeFileSync(file, '# mine\nversion: 1\n# because it is night\ntheme: dark # always\n');
    open().change({ language: 'zh-CN' });
    const text = readFileSync(file, 'utf8');
    for (const part of ['# mine', '# because it is night', 'theme: dark # always', 'zh-CN']) {
      expect(text).toContain(part);
    }
  });

  it.each([
    ['no YAML', 'theme: [', ''],
    ['no mapping', '- 1\n', ''],
    ['a value that is none', 'theme: pink\nlanguage: en\n', 'en'],
    ['a key that is none', 'thme: dark\nlanguage: en\n', 'en'],
    ['a newer version', 'version: 99\nlanguage: en\n', 'en'],
  ])('set a file aside that holds %s, and keep what is in order', (_, text, language) => {
    writeFileSync(file, text);
    const { state } = open();
    expect(readFileSync(state.setAside, 'utf8')).toBe(text);
    expect(state.settings.language).toBe(language === '' ? 'system' : language);
    expect(state.settings.theme).toBe('system');
  });

  it('that an administrator fixes are in force and cannot be changed', () => {
    writeFileSync(policyFile, 'startAtLogin: true\n');
    const store = open();
    expect(store.state.settings.startAtLogin).toBe(true);
    expect(store.state.locked).toEqual({ startAtLogin: policyFile });
    expect(() => store.change({ startAtLogin: false })).toThrow(/administrator/);
    expect(store.change({ theme: 'dark' }).settings.startAtLogin).toBe(true);
    expect(readFileSync(file, 'utf8')).not.toContain('startAtLogin');
  });

  it('travel by export and import', () => {
    const store = open();
    store.change({ theme: 'dark', onClose: 'quit' });
    const text = store.exportText();
    store.change({ theme: 'light', onClose: 'hide' });
    expect(store.importText(text, 'x.yaml').settings).toMatchObject({
      theme: 'dark',
      onClose: 'quit',
    });
    expect(() => store.importText('theme: pink', 'x.yaml')).toThrow(/x\.yaml.*theme/);
  });

  it('have a migration for every older version', () => {
    expect(migrations).toHaveLength(settingsVersion);
  });

  it.each([
    ['a key that is empty', '?'],
    ['a key that is a map', '? {a: 1}\n: 2\n'],
    ['an alias that leads nowhere', 'theme: *x\n'],
    ['a value that another points at', 'x: &x dark\ntheme: *x\n'],
    ['a list', '- theme\n'],
    ['nesting without end', '['.repeat(20_000)],
  ])('can be changed after %s', (_, text) => {
    writeFileSync(file, text);
    const store = open();
    expect(readFileSync(store.state.setAside, 'utf8')).toBe(text);
    store.change({ theme: 'light' });
    expect(open().state).toMatchObject({ setAside: '', settings: { theme: 'light' } });
  });

  it('may share values by aliases, and each can be changed alone', () => {
    writeFileSync(file, 'notifications: {peers: &no false, held: *no}\n');
    const store = open();
    expect(store.state.setAside).toBe('');
    store.change({ notifications: { peers: true } });
    expect(open().state.settings.notifications).toMatchObject({ peers: true, held: false });
  });

  it('survive any change after any text', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom('light', 'dark'), (text, theme) => {
        writeFileSync(file, text);
        open().change(settingsPatch.parse({ theme }));
        expect(open().state).toMatchObject({ setAside: '', settings: { theme } });
      }),
      { numRuns: 100 },
    );
  });

  it('never throw on a text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => void parseSettings(text)),
      { numRuns: 300 },
    );
  });
});
