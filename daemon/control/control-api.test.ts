// Server and client over a real socket.

import { chmod, lstat, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { because } from '../model/reason.ts';
import { SyncerError } from '../../proto/errors.ts';
import type { State } from '../../proto/gen/syncer/control/v1/control.ts';
import { controlAddress } from '../../proto/control/address.ts';
import { fixtureBackend, peerStatus, syncStatus, type FixtureBackend } from './backend.fixture.ts';
import { connectControl, type ControlClient } from '../../proto/control/client.ts';
import { startControlServer, type ControlServer } from './server.ts';

let directory: string;
let backend: FixtureBackend;
let server: ControlServer;
let client: ControlClient;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'syncer-control-'));
  backend = fixtureBackend(directory);
  server = await startControlServer(controlAddress(directory), backend);
  client = await connectControl(server.address, { version: '9.9.9' });
});

afterEach(async () => {
  client.close();
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'no error',
    (error: unknown) => (error instanceof SyncerError ? error.code : String(error)),
  );
}

const posix = process.platform !== 'win32';

describe('the socket', () => {
  it.runIf(posix)('is open to its user alone, in a directory that is, too', async () => {
    const socket = await lstat(server.address.path);
    expect(socket.isSocket()).toBe(true);
    expect(socket.mode & 0o777).toBe(0o600);
    expect((await lstat(join(directory, 'control'))).mode & 0o777).toBe(0o700);
  });

  it('refuses a second daemon, and leaves the first one its socket', async () => {
    expect(await codeOf(startControlServer(server.address, backend))).toBe('listen.in-use');
    expect((await client.call('getState', {})).identity?.cluster).toBe('beijing');
  });

  it.runIf(posix)('takes the place of one whose daemon died', async () => {
    const other = await mkdtemp(join(tmpdir(), 'syncer-control-'));
    const address = controlAddress(other);
    await mkdir(join(other, 'control'));
    // A file at that place answers no connection, as the remains of a killed process do not.
    await writeFile(address.path, '');
    await chmod(join(other, 'control'), 0o755);
    const second = await startControlServer(address, fixtureBackend(other));
    expect((await lstat(join(other, 'control'))).mode & 0o777).toBe(0o700);
    await second.stop();
    expect(await codeOf(connectControl(address, { version: '1' }))).toBe('control.not-running');
    await rm(other, { recursive: true });
  });

  it('is found by a short path where the data directory is deep', () => {
    const deep = `/${'deep/'.repeat(40)}`;
    const address = controlAddress(deep, 'linux');
    expect(Buffer.byteLength(address.path)).toBeLessThanOrEqual(103);
    expect(controlAddress(deep, 'linux')).toEqual(address);
    expect(controlAddress(`${deep}er`, 'linux')).not.toEqual(address);
    expect(controlAddress(deep, 'win32').path).toMatch(/^\\\\\.\\pipe\\syncer-[0-9a-f]{16}$/);
  });

  it.runIf(posix)('that says nothing is given up after the deadline', async () => {
    const opened: Socket[] = [];
    const mute = createServer((socket) => opened.push(socket));
    const path = join(directory, 'mute.sock');
    await new Promise<void>((resolve) => mute.listen(path, resolve));
    const address = { kind: 'socket', path, directory } as const;
    const code = await codeOf(connectControl(address, { version: '1' }, 300));
    expect(['control.no-answer', 'control.not-running']).toContain(code);
    for (const socket of opened) socket.destroy();
    await new Promise((resolve) => mute.close(resolve));
  });
});

describe('requests', () => {
  it('shakes hands with what both sides speak', () => {
    expect(client.daemon).toMatchObject({ version: '9.9.9', compatible: true, pid: process.pid });
  });

  it('keeps what was not measured absent', async () => {
    backend.status = syncStatus({
      peers: [peerStatus({ lastHeardMs: undefined, clockOffsetMs: undefined })],
    });
    const [peer] = (await client.call('getState', {})).peers?.peers ?? [];
    expect(peer?.lastHeardMs).toBeUndefined();
    expect(peer?.clockOffsetMs).toBeUndefined();
    expect(peer?.roundTripMs).toBe(12);
  });

  it('pauses a peer, and calls one that nobody knows by its name', async () => {
    await client.call('pause', { cluster: 'shanghai' });
    await client.call('resume', { cluster: '' });
    expect(backend.orders).toEqual(['pause shanghai', 'resume all']);
    const failure = client.call('pause', { cluster: 'shangai' });
    await expect(failure).rejects.toMatchObject({
      code: 'request.not-found',
      parameters: { kind: 'cluster', name: 'shangai' },
    });
  });

  it('wants to be told which held removals are meant', async () => {
    expect(await codeOf(client.call('approve', { which: undefined }))).toBe(
      'request.wrong-argument',
    );
    const all = { $case: 'all', all: false } as const;
    expect(await codeOf(client.call('approve', { which: all }))).toBe('request.wrong-argument');
    expect(backend.orders).toEqual([]);
    await client.call('approve', { which: { $case: 'ids', ids: { ids: ['3f1c'] } } });
    expect(backend.orders).toEqual(['approve {"ids":["3f1c"]}']);
  });

  it('refuses a key of a wrong length without repeating it', async () => {
    const failure = client.call('keys', { operation: 'install', key: 'c2VjcmV0' });
    await expect(failure).rejects.toMatchObject({ code: 'request.wrong-argument' });
    await expect(failure).rejects.not.toThrow(/c2VjcmV0/);
    expect(backend.orders).toEqual([]);
  });

  it('names the mistakes of rules, and plans nothing then', async () => {
    const plan = await client.call('plan', { rules: 'wrong: 1' });
    expect(plan.items).toEqual([]);
    expect(plan.problems.map(({ code }) => code)).toEqual(['config.unknown-key']);
    expect((await client.call('plan', { rules: 'export: []' })).items[0]?.reason).toEqual(
      because('excluded', { rule: 'no-lab' }),
    );
  });

  it('gives both directions in the topology, and nothing of what only the other side knows', async () => {
    const { clusters, links } = await client.call('getTopology', {});
    expect(clusters.map(({ name, self }) => [name, self])).toEqual([
      ['beijing', true],
      ['shanghai', false],
    ]);
    expect(clusters[1]?.registryKind).toBeUndefined();
    expect(links.map(({ from, to, lag }) => [from, to, lag?.p50Ms])).toEqual([
      ['shanghai', 'beijing', 84],
      ['beijing', 'shanghai', undefined],
    ]);
  });

  it('answers before it shuts down', async () => {
    await client.call('shutdown', { reason: 'test' });
    await expect.poll(() => backend.orders).toEqual(['shutdown test']);
  });

  it('calls a bug a bug, and goes on', async () => {
    const broken = fixtureBackend(directory, {
      engine: {
        held: () => {
          throw new TypeError('x is undefined');
        },
      },
    });
    const place = await mkdtemp(join(tmpdir(), 'syncer-control-'));
    const second = await startControlServer(controlAddress(place), broken);
    const other = await connectControl(second.address, { version: '1' });
    expect(await codeOf(other.call('listHeld', { cluster: '' }))).toBe('internal.bug');
    expect((await other.call('getState', {})).summary?.overall).toBe('in-sync');
    other.close();
    await second.stop();
    await rm(place, { recursive: true });
  });
});

describe('streams', () => {
  it('sends the whole state, then the sections that changed', async () => {
    const stop = new AbortController();
    const seen: State[] = [];
    for await (const state of client.stream('watchState', { minIntervalMs: 10 }, stop.signal)) {
      seen.push(state);
      if (seen.length === 1) {
        backend.status = syncStatus({ ...backend.status, exportRevision: 900 });
        backend.changed();
      }
      if (seen.some(({ figures }) => figures?.exportRevision === 900)) stop.abort();
    }
    expect(Object.values(seen[0] ?? {})).not.toContain(undefined);
    const last = seen.at(-1);
    expect(last?.figures?.exportRevision).toBe(900);
    expect(last?.identity).toBeUndefined();
    expect(last?.registry).toBeUndefined();
  });

  it('follows the log by level and part', async () => {
    const line = { timeMs: 1, part: 'gossip', fields: { member: 'x' } };
    backend.log({ ...line, level: 'info', message: 'quiet' });
    backend.log({ ...line, level: 'warn', message: 'kept' });
    const stop = new AbortController();
    const request = { level: 'warn', part: 'gossip', follow: true, tail: undefined };
    const messages: string[] = [];
    for await (const entry of client.stream('streamLogs', request, stop.signal)) {
      messages.push(entry.message);
      if (messages.length === 1) {
        backend.log({ ...line, level: 'error', part: 'sync', message: 'other part' });
        backend.log({ ...line, level: 'error', message: 'new' });
      } else stop.abort();
    }
    expect(messages).toEqual(['kept', 'new']);
  });

  it('gives each check as it ends, and refuses one that there is not', async () => {
    const ids: string[] = [];
    const signal = new AbortController().signal;
    const checks = ['data-directory', 'open-files', 'peer-clocks'];
    for await (const result of client.stream('runDiagnostics', { checks }, signal)) {
      expect(['ok', 'warn', 'fail', 'skipped']).toContain(result.status);
      ids.push(result.id);
    }
    expect(ids.sort()).toEqual(checks);
    const stream = client.stream('runDiagnostics', { checks: ['weather'] }, signal);
    const drain = async (): Promise<void> => {
      for await (const result of stream) expect(result).toBeUndefined();
    };
    expect(await codeOf(drain())).toBe('request.wrong-argument');
  });

  it('ends when the server stops', async () => {
    const signal = new AbortController().signal;
    let seen = 0;
    for await (const _ of client.stream('watchState', { minIntervalMs: 10 }, signal)) {
      seen += 1;
      void server.stop();
    }
    expect(seen).toBeGreaterThan(0);
  });
});
