// Bench: the mapping of 150,000 copies in etcd. How fast the leader's store writes it, beside a bare loop
// of the npm package etcd3 that writes the same keys and values; how long a fresh replica needs to have
// it. One etcd process, the store and the loop in this process, one after the other.

import { Etcd3 } from 'etcd3';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { createEtcdClient } from '../../../daemon/cluster/etcd-client.ts';
import { changeWrites, mappingsPerCommit } from '../../../daemon/store/etcd-mapping.ts';
import { batchesAtOnce } from '../../../daemon/store/mapping-wishes.ts';
import { createEtcdStore, type EtcdStore } from '../../../daemon/store/etcd-store.ts';
import type { Mapping } from '../../../daemon/store/ports.ts';
import { openSqliteStore } from '../../../daemon/store/sqlite-store.ts';
import { systemClock } from '../../../daemon/support/clock.ts';
import { silentLogger } from '../../../daemon/support/logger.ts';
import { systemRandom } from '../../../daemon/support/random.ts';
import { startLoneEtcd } from '../../support/lone-etcd.ts';
import { poll } from '../../support/poll.ts';
import { goal, type BenchContext } from '../bench.ts';
import { distribution } from '../statistics.ts';

const counts = { full: 150_000, quick: 20_000 };
/** The two are measured in turns, so that a machine that gets busier hits both. */
const turns = { full: 3, quick: 1 };
/** A key that nobody writes: it holds. */
const guard = { key: '/nobody', createdRevision: 0 };
const parts = { clock: systemClock, random: systemRandom, logger: silentLogger };

/** Runs the bench: about five minutes, half a minute if quick. Needs `etcd`. */
export async function runMappingBench({ quick, signal, say }: BenchContext): Promise<object> {
  const count = quick ? counts.quick : counts.full;
  await using stack = new AsyncDisposableStack();
  const root = await mkdtemp(path.join(tmpdir(), 'syncer-mapping-bench-'));
  stack.defer(() => rm(root, { recursive: true, force: true }));
  const [bare, ours, cold]: [number[], number[], number[]] = [[], [], []];
  for (let turn = 1; turn <= (quick ? turns.quick : turns.full); turn += 1) {
    const mappings = Array.from({ length: count }, (_, number) => madeMapping(turn, number));
    for (const side of turn % 2 === 0 ? (['ours', 'bare'] as const) : (['bare', 'ours'] as const)) {
      signal.throwIfAborted();
      // An etcd of its own each time: its file's size is part of what it costs.
      const directory = path.join(root, `${side}-${turn}`);
      const member = await startLoneEtcd(directory);
      try {
        if (side === 'bare') {
          bare.push(count / (await writeBare(member.clientUrl, mappings, signal)));
        } else {
          const seconds = await writeOurs(
            member.clientUrl,
            path.join(directory, 'leader'),
            mappings,
          );
          ours.push(count / seconds);
          cold.push(await startCold(member.clientUrl, path.join(directory, 'fresh'), count));
        }
      } finally {
        await member.stop();
        await rm(directory, { recursive: true, force: true });
      }
    }
    say(
      `turn ${turn}: ${Math.round(ours.at(-1) ?? 0)} mappings/s, ` +
        `bare ${Math.round(bare.at(-1) ?? 0)}, cold start ${cold.at(-1)?.toFixed(1)} s`,
    );
  }
  const [bareRate, ourRate, coldSeconds] = [bare, ours, cold].map((list) => distribution(list));
  return {
    ...{
      quick,
      mappings: count,
      keysPerTransaction: 2 * mappingsPerCommit,
      transactionsAtOnce: batchesAtOnce,
    },
    bareMappingsPerSecond: bareRate,
    mappingsPerSecond: ourRate,
    coldStartSeconds: coldSeconds,
    goals: [
      goal(
        'mapping: writes, part of a bare etcd3 loop',
        { atLeast: 0.8 },
        (ourRate?.p50 ?? Number.NaN) / (bareRate?.p50 ?? Number.NaN),
      ),
      goal('mapping: s to a fresh replica with all', { atMost: 10 }, coldSeconds?.p50, !quick),
    ],
  };
}

/**
 * The loop: as many transactions at once, of the same size and under the same guard as the store's, made
 * before the clock runs. Gives seconds.
 */
async function writeBare(
  url: string,
  mappings: readonly Mapping[],
  signal: AbortSignal,
): Promise<number> {
  const client = new Etcd3({ hosts: url });
  try {
    const transactions = [];
    for (let at = 0; at < mappings.length; at += mappingsPerCommit) {
      const part = mappings.slice(at, at + mappingsPerCommit).map((put) => ({ put }));
      transactions.push(
        changeWrites(part).flatMap((write) =>
          write.type === 'put'
            ? [{ request_put: { key: Buffer.from(write.key), value: Buffer.from(write.value) } }]
            : [],
        ),
      );
    }
    const startMs = performance.now();
    const compare = [
      {
        key: Buffer.from(guard.key),
        result: 'Equal' as const,
        ...{ target: 'Create' as const, create_revision: guard.createdRevision },
      },
    ];
    const next = transactions.values();
    const writer = async (): Promise<void> => {
      for (const success of next) {
        signal.throwIfAborted();
        const { succeeded } = await client.kv.txn({ compare, success, failure: [] });
        if (!succeeded) throw new Error('the guard of the bare loop did not hold');
      }
    };
    await Promise.all(Array.from({ length: batchesAtOnce }, writer));
    return (performance.now() - startMs) / 1_000;
  } finally {
    client.close();
  }
}

/** The leader's store, SQLite included, from the first wish until etcd has all. Gives seconds. */
async function writeOurs(
  url: string,
  directory: string,
  mappings: readonly Mapping[],
): Promise<number> {
  const client = createEtcdClient({ endpoints: [url] });
  const store = await openStore(directory);
  try {
    store.attach(client);
    await isFollowing(store);
    const startMs = performance.now();
    store.lead(guard);
    for (const mapping of mappings) store.putMapping(mapping);
    if (!(await store.settled(600_000))) throw new Error('the mapping was not written');
    return (performance.now() - startMs) / 1_000;
  } finally {
    await store.close();
    client.close();
  }
}

/** From an empty directory until the store gives everything. Gives seconds. */
async function startCold(url: string, directory: string, count: number): Promise<number> {
  const client = createEtcdClient({ endpoints: [url] });
  const startMs = performance.now();
  const store = await openStore(directory);
  try {
    store.attach(client);
    await isFollowing(store);
    const { length } = await store.loadMappings();
    if (length !== count) throw new Error(`${length} mappings came instead of ${count}`);
    return (performance.now() - startMs) / 1_000;
  } finally {
    await store.close();
    client.close();
  }
}

async function openStore(directory: string): Promise<EtcdStore> {
  await mkdir(directory, { recursive: true });
  return createEtcdStore(await openSqliteStore({ directory }, parts), parts);
}

const isFollowing = (store: EtcdStore): Promise<true> =>
  poll(() => (store.mapping.state === 'following' ? true : undefined), 120_000, 5);

/** Ids as a ServiceCenter makes them. */
function madeMapping(turn: number, number: number): Mapping {
  const hex = (salt: number): string =>
    `${turn}${salt}${number.toString(16).padStart(8, '0')}`.padEnd(32, '0123456789abcdef');
  return {
    ...{ cluster: 'shanghai', domain: 'default', project: 'default' },
    originServiceId: hex(1 + (number % 7)).slice(0, 32),
    ...{ originInstanceId: hex(8), serviceId: hex(2), instanceId: hex(9) },
    ...{ hash: number * 7_919 + 1, leaseSeconds: 120 },
  };
}
