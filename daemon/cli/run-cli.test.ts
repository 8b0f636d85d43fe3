// The command line in process, against a real socket, in both languages.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { exitCodes } from '../../proto/errors.ts';
import { controlAddress } from '../../proto/control/address.ts';
import {
  fixtureBackend,
  instanceRow,
  peerStatus,
  syncStatus,
  type FixtureBackend,
} from '../control/backend.fixture.ts';
import { startControlServer, type ControlServer } from '../control/server.ts';
import { systemClock } from '../support/clock.ts';
import { commands } from './commands.ts';
import { runCli } from './run-cli.ts';
import { displayWidth } from './width.ts';

let directory: string;
let backend: FixtureBackend;
let server: ControlServer;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'syncer-cli-'));
  backend = fixtureBackend(directory);
  server = await startControlServer(controlAddress(directory), backend);
});

beforeEach(() => {
  backend.status = syncStatus();
  backend.rows = [instanceRow(0), instanceRow(1), instanceRow(2)];
  backend.orders.length = 0;
});

afterAll(async () => {
  await server.stop();
  await rm(directory, { recursive: true });
});

interface Run {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

async function run(
  argv: readonly string[],
  more: { terminal?: boolean; noColour?: string } = {},
): Promise<Run> {
  let out = '';
  let error = '';
  const code = await runCli(argv, {
    out: (text) => (out += text),
    error: (text) => (error += text),
    environment: {
      SYNCER_DATA_DIR: directory,
      LANG: 'C',
      ...(more.noColour === undefined ? {} : { NO_COLOR: more.noColour }),
    },
    isTerminal: more.terminal ?? false,
    columns: 80,
    clock: systemClock,
    interrupt: new AbortController().signal,
  });
  return { code, out, error };
}

const readers = [
  ['status'],
  ['clusters'],
  ['services'],
  ['instances'],
  ['explain', 'payments'],
  ['plan'],
  ['held'],
  ['activity'],
  ['members'],
  ['keys'],
  ['logs'],
  ['version'],
  ['config', 'show'],
  ['doctor', 'open-files', 'peer-clocks'],
];

describe('every command that reads', () => {
  it.each(readers)('%s %s fits 80 columns in both languages', async (...words) => {
    for (const language of ['en', 'zh-CN']) {
      const { code, out, error } = await run([...words.filter(Boolean), '--lang', language]);
      expect(error.replaceAll(/^! .*\n/gm, '')).toBe('');
      expect(code).toBe(exitCodes.ok);
      expect(out).not.toMatch(/%cli\.|undefined|NaN/);
      expect(out).not.toContain('\u001B');
      for (const line of out.split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(80);
    }
  });

  it.each(readers.filter(([name]) => name !== 'logs'))('%s %s prints JSON', async (...words) => {
    const { code, out } = await run([...words.filter(Boolean), '--json']);
    expect(code).toBe(exitCodes.ok);
    expect(typeof JSON.parse(out)).toBe('object');
  });

  it('has help with examples and exit codes', async () => {
    const leaves = commands.flatMap((spec) =>
      spec.subcommands === undefined
        ? [[spec.name]]
        : spec.subcommands.map((sub) => [spec.name, sub.name]),
    );
    for (const leaf of leaves) {
      const { code, out } = await run([...leaf, '--help']);
      expect(code).toBe(exitCodes.ok);
      expect(out).toContain(`syncer ${leaf.join(' ')}`);
      expect(out).toMatch(/Examples:\n {2}syncer/);
      expect(out).toMatch(/Exit codes:\n {4}0 {2}done/);
    }
  });
});

describe('status', () => {
  it('says the sentence first, then figures and tables', async () => {
    const { out } = await run(['status']);
    expect(out.split('\n')[0]).toBe('● In sync with 1 cluster; median delay 84 ms, worst 310 ms.');
    expect(out).toContain('exported 1,204');
    expect(out).toMatch(/shanghai → beijing +● connected +84 ms/);
    expect(out).toMatch(/beijing → shanghai +● connected +–/);
  });

  it('shows a silent link as unknown since then, and the way out', async () => {
    const sinceMs = Date.now() - 41_000;
    backend.status = syncStatus({
      peers: [peerStatus({ link: 'silent', sinceMs, lastHeardMs: sinceMs })],
    });
    const { out } = await run(['status']);
    expect(out).toMatch(/shanghai → beijing +\? silent +unknown since \d\d:\d\d:\d\d/);
    expect(out).toContain('  → Check that the syncer of shanghai runs');
  });

  it('uses colour on a terminal alone, and not where it is unwanted', async () => {
    expect((await run(['status'], { terminal: true })).out).toContain('\u001B[32m●');
    expect((await run(['status'], { terminal: true, noColour: '1' })).out).not.toContain('\u001B');
  });

  it('takes out what a name could do to the terminal', async () => {
    backend.status = syncStatus({ peers: [peerStatus({ cluster: 'x\u001B[2Jy' })] });
    expect((await run(['status'])).out).not.toContain('\u001B');
  });
});

describe('orders', () => {
  it.each([
    [['pause', 'shanghai'], 'pause shanghai'],
    [['resume'], 'resume all'],
    [['held', 'approve', '--cluster', 'shanghai'], 'approve {"cluster":"shanghai"}'],
    [['held', 'keep', '3f1c', '--for', '1h'], 'keep {"ids":["3f1c"]} until'],
    [['force-leave', 'sh-1', '--prune'], 'force-leave sh-1 prune'],
    [['leave'], 'leave'],
    [['keys', 'use', 'AAAAAAAAAAAAAAAAAAAAAA=='], 'keys use AAAAAAAAAAAAAAAAAAAAAA=='],
  ])('%j', async (argv, order) => {
    expect(await run(argv)).toMatchObject({ code: exitCodes.ok, error: '' });
    expect(backend.orders).toEqual([order]);
  });
});

describe('what goes wrong', () => {
  it.each([
    [['statsu'], exitCodes.usage, 'Did you mean status?'],
    [['held', 'aprove'], exitCodes.usage, 'Did you mean approve?'],
    [['instances', '--stat', 'x'], exitCodes.usage, 'Did you mean --state?'],
    [['instances', '--limit', 'many'], exitCodes.usage, '--limit cannot be many'],
    [['status', '--output', 'x'], exitCodes.usage, 'table, wide'],
    [['explain'], exitCodes.usage, 'syncer explain needs <subject>'],
    [['held', 'approve'], exitCodes.usage, '--cluster'],
    [['pause', 'nowhere'], exitCodes.notFound, 'There is no cluster nowhere'],
    [['force-leave', 'nobody'], exitCodes.notFound, 'There is no member nobody'],
    [['plan', '--rules', '/nowhere/rules'], exitCodes.notFound, '/nowhere/rules cannot be read'],
    [['status', '--data-dir', '/nowhere'], exitCodes.unavailable, 'syncer daemon'],
    [['config', 'check', '--mode', 'double'], exitCodes.config, 'mode'],
  ])('%j', async (argv, code, text) => {
    const result = await run(argv);
    expect(result.error).toContain(text);
    expect(result.code).toBe(code);
  });

  it('is said in Chinese, too, and as JSON where asked', async () => {
    expect((await run(['statsu', '--lang', 'zh-CN'])).error).toContain('您是否想写 status？');
    const { error } = await run(['pause', 'nowhere', '--json']);
    expect(JSON.parse(error)).toMatchObject({ error: { code: 'request.not-found' } });
  });

  it('ends with what was found', async () => {
    expect((await run(['explain', 'nothing'])).code).toBe(exitCodes.notFound);
    expect((await run(['query', 'payments'])).code).toBe(exitCodes.notFound);
    const file = join(directory, 'rules.yaml');
    await writeFile(file, 'wrong: 1');
    const plan = await run(['plan', '--rules', file]);
    expect(plan.code).toBe(exitCodes.config);
    expect(plan.out).toContain('wrong');
  });
});

describe('completion', () => {
  it.each(['bash', 'zsh', 'fish'])('knows every command in %s', async (shell) => {
    const { out } = await run(['completion', shell]);
    for (const { name } of commands) expect(out).toContain(name);
    expect(out).toContain('prune');
  });
});
