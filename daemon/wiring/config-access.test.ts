import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../config/load.ts';
import { readConfigText } from '../config/machine.ts';
import type { Config } from '../config/schema.ts';
import { createConfigAccess } from './config-access.ts';
import { editedText } from './config-text.ts';

let folder: string;
let file: string;
let applied: Config[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'syncer-config-'));
  file = join(folder, 'syncer.yaml');
  applied = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function access(text: string) {
  writeFileSync(file, text);
  return reopened();
}

function reopened() {
  const input = {
    flags: { config: file },
    environment: {},
    readFile: readConfigText,
    machine: { hostname: 'host', stateRoot: folder },
  };
  return createConfigAccess({
    input,
    loaded: loadConfig(input),
    onApplied: (config) => applied.push(config),
  });
}

const text = (): string => readFileSync(file, 'utf8');
const own = '# ours\nclusterName: beijing # the capital\n';

describe('the configuration file', () => {
  it('keeps comments, and says what takes a restart', async () => {
    const config = access(own);
    const { version } = config.view();
    const outcome = await config.apply(version, [
      { key: 'gossip.bind', value: '127.0.0.1:7946' },
      { key: 'guard.count', value: 80 },
    ]);
    expect(outcome.problems).toEqual([]);
    expect(outcome.restartKeys).toContain('gossip.bind');
    expect(outcome.restartKeys).not.toContain('guard.count');
    expect(text()).toContain('# ours\nclusterName: beijing # the capital\n');
    expect(text()).toContain('bind: 127.0.0.1:7946');
    expect(applied.map(({ guard }) => guard.count)).toEqual([80]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(outcome.version).toBe(config.view().version);
  });

  it('says that another password takes a restart, and does not say the password', async () => {
    const secret = (word: string): string =>
      `registry:\n  credentials:\n    account: syncer\n    password: ${word}\n`;
    const config = access(own + secret('one'));
    const { version } = config.view();
    const edit = { key: 'registry.credentials.password', value: 'two' };
    expect(config.validate([{ ...edit, value: 'one' }]).restartKeys).toEqual([]);
    const outcome = await config.apply(version, [edit]);
    expect(outcome.restartKeys).toEqual(['registry.credentials.password']);
    expect(JSON.stringify([outcome, config.view()])).not.toContain('two');
  });

  it('goes back to the version before, in another process too', async () => {
    const config = access(own);
    await config.apply(config.view().version, [{ key: 'guard.count', value: 80 }]);
    const after = reopened();
    const { version, previousVersion } = after.view();
    expect(previousVersion).toBeDefined();
    const outcome = await after.rollBack(version);
    expect(text()).toBe(own);
    expect(outcome.version).toBe(previousVersion);
    // And back again from there.
    await after.rollBack(outcome.version);
    expect(text()).toContain('count: 80');
  });

  it('has nothing to go back to before the first change', async () => {
    const config = access(own);
    await expect(config.rollBack(config.view().version)).rejects.toMatchObject({
      code: 'config.changed-meanwhile',
    });
  });

  it('takes no change over what somebody has written meanwhile, and loses none of it', async () => {
    const config = access(own);
    const { version } = config.view();
    writeFileSync(file, `${own}mode: single\n`);
    await expect(config.apply(version, [{ key: 'guard.count', value: 80 }])).rejects.toMatchObject({
      code: 'config.changed-meanwhile',
    });
    await config.apply(config.view().version, [{ key: 'guard.count', value: 80 }]);
    expect(text()).toContain('mode: single');
  });

  it('tells restarts that are still due from those that a way back has made needless', async () => {
    const config = access(own);
    const first = await config.apply(config.view().version, [{ key: 'node', value: 'a' }]);
    const second = await config.apply(first.version, [{ key: 'rpc.bind', value: '127.0.0.1:1' }]);
    expect(second.restartKeys).toEqual(expect.arrayContaining(['node', 'rpc.bind']));
    expect((await config.rollBack(second.version)).restartKeys).not.toContain('rpc.bind');
  });

  it('writes nothing that is wrong', async () => {
    const config = access(own);
    const outcome = await config.apply(config.view().version, [{ key: 'guard.count', value: -1 }]);
    expect(outcome.problems.map(({ key }) => key)).toEqual(['guard.count']);
    expect(text()).toBe(own);
  });

  it.each([
    ['is no YAML', 'gossip: [\n', 'config.file-syntax'],
    ['is a list', '- 1\n', 'config.wrong-value'],
    ['has a number where keys belong', 'gossip: 5\n', 'config.wrong-value'],
  ])('that %s is left as it is, and says so', async (_, broken, code) => {
    const config = access(broken);
    const edits = [{ key: 'gossip.bind', value: '127.0.0.1:7946' }];
    expect(config.validate(edits).problems.map((problem) => problem.code)).toContain(code);
    const outcome = await config.apply(config.view().version, edits);
    expect(outcome.problems.map((problem) => problem.code)).toContain(code);
    expect(text()).toBe(broken);
  });
});

describe('an edit of the text', () => {
  it('fills a group that is empty, and takes out a key that is not there', () => {
    expect(editedText('gossip:\n', [{ key: 'gossip.bind', value: 'x' }])).toBe(
      'gossip:\n  bind: x\n',
    );
    expect(editedText('', [{ key: 'gossip.bind', value: undefined }])).toBe('');
    expect(editedText('a: 1\n', [{ key: 'b.c', value: undefined }])).toBe('a: 1\n');
  });
});
