// `syncer cluster migrate` as people run it, between a state file and a real etcd: both ways, killed in
// the middle and run again, beside a daemon that holds the directory, and refused where it must be.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createEtcdClient, type EtcdClient } from '../../daemon/cluster/etcd-client.ts';
import type { EtcdMember } from '../../daemon/cluster/etcd-member.ts';
import { clusterKey, leaderKey } from '../../daemon/cluster/keys.ts';
import { holdDataDir } from '../../daemon/config/data-dir.ts';
import { factsKey, factsPrefix, ownPrefix } from '../../daemon/store/etcd-mapping.ts';
import { readMappingSnapshot } from '../../daemon/store/etcd-snapshot.ts';
import type { Mapping } from '../../daemon/store/ports.ts';
import { openSqliteStore } from '../../daemon/store/sqlite-store.ts';
import { sampleMapping } from '../../daemon/store/store-contract.ts';
import { systemClock } from '../../daemon/support/clock.ts';
import { silentLogger } from '../../daemon/support/logger.ts';
import { systemRandom } from '../../daemon/support/random.ts';
import { startLoneEtcd } from '../support/lone-etcd.ts';

const entry = new URL('../../daemon/index.ts', import.meta.url).pathname;
const parts = { clock: systemClock, random: systemRandom, logger: silentLogger };
let root: string;
let member: EtcdMember;
let client: EtcdClient;
let directory: string;

beforeAll(async () => {
  root = mkdtempSync(path.join(tmpdir(), 'syncer-migration-'));
  member = await startLoneEtcd(path.join(root, 'etcd'));
  client = createEtcdClient({ endpoints: [member.clientUrl] });
}, 90_000);
afterAll(async () => {
  client.close();
  await member.stop();
  rmSync(root, { recursive: true, force: true });
});
beforeEach(async () => {
  directory = mkdtempSync(path.join(root, 'data-'));
  for (const prefix of [ownPrefix, '/syncer/v1/']) {
    const { entries } = await client.read(prefix);
    for (let at = 0; at < entries.length; at += 128) {
      const part = entries.slice(at, at + 128).map(({ key }) => ({ type: 'delete', key }) as const);
      await client.commit([], part);
    }
  }
}, 60_000);

interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly error: string;
}

/** Runs the command; `killAt`: ends it the hard way when it says so of its progress. */
function migrate(target: string, words: readonly string[] = [], killAt?: RegExp): Promise<Run> {
  const argv = [entry, 'cluster', 'migrate', target, '--data-dir', directory, '--lang', 'en'];
  const child = spawn(
    process.execPath,
    [...argv, '--cluster-name', 'beijing', '--etcd-addr', member.clientUrl, ...words],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let [out, error] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  child.stderr.on('data', (data: Buffer) => {
    error += data.toString();
    if (killAt?.test(error) === true) child.kill('SIGKILL');
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, error })));
}

const report = ({ out }: Run): Record<string, unknown> =>
  JSON.parse(out) as Record<string, unknown>;

async function fill(numbers: Iterable<number>): Promise<void> {
  const store = await openSqliteStore({ directory }, parts);
  for (const number of numbers) store.putMapping(sampleMapping(number));
  await store.close();
}

async function inSqlite(): Promise<ReadonlyMap<string, Mapping>> {
  const store = await openSqliteStore({ directory }, parts);
  const mappings = await store.loadMappings();
  await store.close();
  return byKey(mappings);
}

const inEtcd = async (): Promise<ReadonlyMap<string, Mapping>> =>
  byKey((await readMappingSnapshot(client)).mappings);

const byKey = (mappings: readonly Mapping[]): ReadonlyMap<string, Mapping> =>
  new Map(mappings.map((mapping) => [factsKey(mapping), mapping]));

const range = (from: number, to: number): readonly number[] =>
  Array.from({ length: to - from }, (_, index) => from + index);

/** What was there is not written twice. */
function isRest(outcome: Record<string, unknown>, there: number, count: number): void {
  const { equal, puts, deletes } = outcome.plan as Record<'equal' | 'puts' | 'deletes', number>;
  // The last transaction of the one that was killed may have come through after we looked.
  expect(equal).toBeGreaterThanOrEqual(there);
  expect(equal).toBeLessThan(count);
  expect({ puts, deletes }).toEqual({ puts: count - equal, deletes: 0 });
  expect(outcome.written).toBe(puts);
}

describe('syncer cluster migrate', () => {
  it('says what it would do, and does nothing', async () => {
    await fill(range(0, 10));
    const run = await migrate('etcd', ['--plan']);
    expect(run).toMatchObject({ code: 0, error: '' });
    expect(run.out).toContain('10 mappings to write, 0 mappings to remove, 0 there already');
    expect(run.out).toContain('--mode cluster');
    expect((await client.read('/')).entries).toEqual([]);
  }, 60_000);

  it('goes to etcd, killed in the middle and run again, and back, killed and run again', async () => {
    const count = 20_000;
    await fill(range(0, count));
    const killed = await migrate('etcd', [], /of 20,000/);
    expect(killed.code).toBeNull();
    const half = await inEtcd();
    expect(half.size).toBeGreaterThan(0);
    expect(half.size).toBeLessThan(count);
    const resumed = report(await migrate('etcd', ['--json']));
    expect(resumed).toMatchObject({ total: count, differing: 0, planOnly: false });
    isRest(resumed, half.size, count);
    expect(await inEtcd()).toEqual(await inSqlite());

    directory = mkdtempSync(path.join(root, 'back-'));
    const killedBack = await migrate('sqlite', [], /of 20,000/);
    expect(killedBack.code).toBeNull();
    const halfBack = await inSqlite();
    expect(halfBack.size).toBeGreaterThan(0);
    expect(halfBack.size).toBeLessThan(count);
    const resumedBack = report(await migrate('sqlite', ['--json']));
    expect(resumedBack).toMatchObject({ total: count, differing: 0 });
    isRest(resumedBack, halfBack.size, count);
    expect(await inSqlite()).toEqual(await inEtcd());
  }, 180_000);

  it('removes what is gone, keeps what is no mapping, and runs beside a daemon', async () => {
    await fill(range(0, 20));
    expect((await migrate('etcd')).code).toBe(0);
    const foreign = `${factsPrefix}x/y/z`;
    await client.commit([], [{ type: 'put', key: foreign, value: 'no protobuf \u00ff' }]);
    directory = mkdtempSync(path.join(root, 'other-'));
    await fill(range(10, 30));
    const held = holdDataDir(directory, Date.now());
    const run = await migrate('etcd');
    expect(run.out).toContain('10 mappings to write, 10 mappings to remove, 10 there already');
    expect(run.out).toContain('1 value in etcd is no mapping');
    expect(run.code).toBe(0);
    expect((await client.get(foreign)).entry).toBeDefined();
    // The other way the daemon's file would be written behind its back; equal, it is said to be.
    expect((await migrate('sqlite')).code).toBe(0);
    await client.commit([], [{ type: 'delete', key: factsKey(sampleMapping(10)) }]);
    const refused = await migrate('sqlite');
    expect(refused.code).toBe(75);
    expect(refused.error).toContain('is in use by process');
    held.release();
    expect((await inSqlite()).size).toBe(20);
  }, 120_000);

  it('leaves the mapping of a leader, and of another cluster, alone', async () => {
    await fill(range(0, 3));
    const leader = JSON.stringify({ node: 'syncer012', epoch: 3 });
    await client.commit([], [{ type: 'put', key: leaderKey, value: leader }]);
    const led = await migrate('etcd');
    expect(led.code).toBe(1);
    expect(led.error).toContain('syncer012 leads the cluster of this etcd');
    expect((await inEtcd()).size).toBe(0);
    await client.commit([], [{ type: 'delete', key: leaderKey }]);
    await client.commit([], [{ type: 'put', key: clusterKey, value: 'shanghai' }]);
    const other = await migrate('etcd');
    expect(other.code).toBe(78);
    expect(other.error).toContain('shanghai');
  }, 60_000);

  it('says what is missing', async () => {
    expect((await migrate('etcd', ['--json'])).code).toBe(66);
    const away = await migrate('sqlite', ['--etcd-addr', 'http://127.0.0.1:1']);
    expect(away.code).toBe(69);
    expect(away.error).toContain('etcd does not answer');
    writeFileSync(
      path.join(directory, 'state.db'),
      'this is no database, but long enough to be read',
    );
    const broken = await migrate('etcd');
    expect(broken.code).toBe(74);
    expect(broken.error).toContain('state.db cannot be read');
  }, 60_000);
});
