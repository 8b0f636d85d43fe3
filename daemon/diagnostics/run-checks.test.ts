import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttp, type Server } from 'node:http';
import { createServer as createHttp2 } from 'node:http2';
import { createServer as createTcp, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SyncerError } from '../../proto/errors.ts';
import { renderText } from '../../proto/health.ts';
import { createTranslator } from '../../proto/translate.ts';
import { peerStatus, syncStatus } from '../control/backend.fixture.ts';
import { systemClock } from '../support/clock.ts';
import type { CheckContext, CheckResult } from './check.ts';
import { checks, runChecks } from './run-checks.ts';

let directory: string;
let registry: Server;
let registryDate: string | undefined;
let registryStatus = 200;

function portOf(server: { address(): AddressInfo | string | null }): number {
  return (server.address() as AddressInfo).port;
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'syncer-doctor-'));
  registry = createHttp((_, response) => {
    if (registryDate !== undefined) response.setHeader('date', registryDate);
    response.statusCode = registryStatus;
    response.end('{"version":"1.4.8"}');
  });
  await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
});

afterAll(async () => {
  await new Promise((resolve) => registry.close(resolve));
  await rm(directory, { recursive: true });
});

function context(more: Partial<CheckContext> = {}): CheckContext {
  return {
    clock: systemClock,
    dataDirectory: directory,
    storeFile: join(directory, 'absent.db'),
    bind: { host: '127.0.0.1', port: 0 },
    rpc: { host: '127.0.0.1', port: 0 },
    advertise: undefined,
    joinAddresses: [],
    registryAddresses: [`http://127.0.0.1:${portOf(registry)}`],
    etcd: undefined,
    running: undefined,
    ...more,
  };
}

async function check(id: string, more: Partial<CheckContext> = {}): Promise<CheckResult> {
  for await (const result of runChecks(context(more), [id], new AbortController().signal)) {
    return result;
  }
  throw new Error('no result');
}

describe('the self-checks', () => {
  it('each give one result, with texts and titles in both languages', async () => {
    const ids: string[] = [];
    for await (const result of runChecks(context(), [], new AbortController().signal)) {
      ids.push(result.id);
      for (const locale of ['en', 'zh-CN'] as const) {
        const say = createTranslator(locale);
        for (const part of [result.text, ...(result.remedy ? [result.remedy] : [])]) {
          expect(renderText(part, say, Date.now())).not.toMatch(/[{}]|undefined|NaN|%doctor/);
        }
        expect(say(`doctor.title.${result.id}` as never)).not.toContain('%');
      }
      expect(result.remedy === undefined).toBe(['ok', 'skipped'].includes(result.status));
    }
    expect(ids.sort()).toEqual(checks.map(({ id }) => id).sort());
  });

  it('find a port that is taken, and that a daemon which should hold it does not', async () => {
    const holder = createTcp();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const rpc = { host: '127.0.0.1', port: portOf(holder) };
    const running = { node: 'n', sync: syncStatus(), members: [], etcd: undefined };
    expect((await check('ports')).status).toBe('ok');
    expect((await check('ports', { rpc })).text.key).toBe('doctor.text.ports-taken');
    expect((await check('ports', { bind: rpc, rpc, running })).status).toBe('ok');
    await new Promise((resolve) => holder.close(resolve));
    expect((await check('ports', { bind: rpc, rpc, running })).text.key).toBe(
      'doctor.text.ports-silent',
    );
  });

  it('tell an RPC port, a web server and a quiet port apart', async () => {
    const rpc = createHttp2();
    const quiet = createTcp((socket) => socket.on('error', () => undefined));
    for (const server of [rpc, quiet]) {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    }
    const keyFor = async (server: { address(): AddressInfo | string | null }): Promise<string> =>
      (await check('join-ports', { joinAddresses: [`127.0.0.1:${portOf(server)}`] })).text.key;
    expect(await keyFor(rpc)).toBe('errors.join.rpc-port.text');
    expect(await keyFor(registry)).toBe('errors.join.http-port.text');
    expect(await keyFor(quiet)).toBe('doctor.text.join-ports');
    const port = portOf(quiet);
    for (const server of [rpc, quiet]) server.close();
    const gone = await check('join-ports', { joinAddresses: [`127.0.0.1:${port}`] });
    expect(gone.text.key).toBe('errors.join.unreachable.text');
  });

  it('warn of a loopback address that is told to a peer elsewhere', async () => {
    const joinAddresses = ['10.9.8.7:30190'];
    expect((await check('advertise-address', { joinAddresses })).status).toBe('fail');
    expect((await check('advertise-address')).status).toBe('warn');
    const advertise = { host: '10.0.0.1', port: 30_190 };
    expect((await check('advertise-address', { joinAddresses, advertise })).status).toBe('ok');
    const foreign = { host: '203.0.113.9', port: 1 };
    expect((await check('bind-address', { bind: foreign })).status).toBe('fail');
  });

  it('see a registry refuse, vanish and run by another clock', async () => {
    expect((await check('registry')).status).toBe('ok');
    expect((await check('registry-clock')).status).toBe('ok');
    registryDate = new Date(Date.now() - 600_000).toUTCString();
    expect((await check('registry-clock')).text.key).toBe('doctor.text.registry-clock-off');
    registryDate = undefined;
    registryStatus = 403;
    expect((await check('registry')).text.key).toBe('doctor.text.registry-rights');
    registryStatus = 200;
    const good = context().registryAddresses[0] ?? '';
    const registryAddresses = [good, 'http://127.0.0.1:1'];
    expect((await check('registry', { registryAddresses })).status).toBe('warn');
    expect((await check('registry', { registryAddresses: ['http://127.0.0.1:1'] })).status).toBe(
      'fail',
    );
  });

  it('tell a whole store from a garbled one', async () => {
    const whole = join(directory, 'whole.db');
    const database = new Database(whole);
    database.exec('create table t (x)');
    database.close();
    const garbled = join(directory, 'garbled.db');
    await writeFile(garbled, 'this is no database, and long enough to be looked at as one');
    expect((await check('store', { storeFile: whole })).status).toBe('ok');
    expect((await check('store', { storeFile: garbled })).status).toBe('fail');
    expect((await check('store')).status).toBe('skipped');
  });

  it('see the etcd of a replica: none needed, missing, silent, there, and as the daemon sees it', async () => {
    expect((await check('etcd')).status).toBe('skipped');
    const of = (probe: () => Promise<string>): CheckContext['etcd'] => {
      return { place: 'http://127.0.0.1:2379', own: false, probe };
    };
    const missing = new SyncerError('etcd.missing', { binary: 'etcd', reason: 'ENOENT' });
    const refused = await check('etcd', { etcd: of(() => Promise.reject(missing)) });
    expect(refused.text.key).toBe('errors.etcd.missing.text');
    const silent = await check('etcd', { etcd: of(() => Promise.reject(new Error('late'))) });
    expect(silent.text.key).toBe('doctor.text.etcd-silent');
    const here = of(() => Promise.resolve('3.4.23'));
    expect((await check('etcd', { etcd: here })).status).toBe('ok');
    const statuses = [];
    for (const state of ['answering', 'forming', 'away'] as const) {
      const seen = { state, detail: 'why', version: '3.4.23', members: 3 };
      const running = { node: 'n', sync: syncStatus(), members: [], etcd: seen };
      statuses.push((await check('etcd', { etcd: here, running })).status);
    }
    expect(statuses).toEqual(['ok', 'warn', 'fail']);
  });

  it('name the peer whose clock is off', async () => {
    const peers = [peerStatus(), peerStatus({ cluster: 'wuhan', clockOffsetMs: -600_000 })];
    const running = { node: 'n', sync: syncStatus({ peers }), members: [], etcd: undefined };
    const result = await check('peer-clocks', { running });
    expect(result.status).toBe('warn');
    expect(renderText(result.text, createTranslator('en'), 0)).toContain(
      'The clock of wuhan is 10 min 0 s behind ours',
    );
  });
});
