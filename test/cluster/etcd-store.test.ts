// The store on etcd and SQLite keeps the contract of every store, against a real etcd process.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createEtcdClient, type EtcdClient } from '../../daemon/cluster/etcd-client.ts';
import type { EtcdMember } from '../../daemon/cluster/etcd-member.ts';
import type { EtcdKv } from '../../daemon/store/etcd-kv.ts';
import { factsKey, originalKey } from '../../daemon/store/etcd-mapping.ts';
import { readMappingSnapshot } from '../../daemon/store/etcd-snapshot.ts';
import { createEtcdStore, type EtcdStore } from '../../daemon/store/etcd-store.ts';
import type { Mapping } from '../../daemon/store/ports.ts';
import { openSqliteStore } from '../../daemon/store/sqlite-store.ts';
import { describeStoreContract, sampleMapping } from '../../daemon/store/store-contract.ts';
import { systemClock } from '../../daemon/support/clock.ts';
import { silentLogger } from '../../daemon/support/logger.ts';
import { systemRandom } from '../../daemon/support/random.ts';
import { startLoneEtcd } from '../support/lone-etcd.ts';
import { poll } from '../support/poll.ts';

const parts = { clock: systemClock, random: systemRandom, logger: silentLogger };
let root: string;
let member: EtcdMember;
let client: EtcdClient;
const guard = { key: '/leader', createdRevision: 0 };

beforeAll(async () => {
  root = mkdtempSync(path.join(tmpdir(), 'syncer-etcd-'));
  member = await startLoneEtcd(root);
  client = createEtcdClient({ endpoints: [member.clientUrl] });
});
afterAll(async () => {
  client.close();
  await member.stop();
  rmSync(root, { recursive: true, force: true });
});

/** A place of its own within etcd, for each directory. */
function within(space: string): EtcdKv {
  const strip = <T extends { readonly key: string }>(one: T): T => ({
    ...one,
    key: one.key.slice(space.length),
  });
  return {
    get: (key) => client.get(space + key),
    read: async (prefix, what) => {
      const { entries, revision } = await client.read(space + prefix, what);
      return { entries: entries.map(strip), revision };
    },
    commit: (guards, writes) =>
      client.commit(
        guards.map((one) => ({ ...one, key: space + one.key })),
        writes.map((one) => ({ ...one, key: space + one.key })),
      ),
    watch: (prefix, from, listener) =>
      client.watch(space + prefix, from, {
        ...listener,
        changed: (changes, revision) => listener.changed(changes.map(strip), revision),
      }),
  };
}

async function open(directory: string, etcd = within(directory)): Promise<EtcdStore> {
  const store = await createEtcdStore(await openSqliteStore({ directory }, parts), parts);
  store.attach(etcd);
  return store;
}

describeStoreContract('etcd with SQLite', async (directory) => {
  const store = await open(directory);
  store.lead(guard);
  return store;
});

const directory = (): string => mkdtempSync(path.join(root, 'data-'));

it('shows a follower what the leader writes, under the original keys too', async () => {
  const etcd = within('/shared');
  const [leader, follower] = [await open(directory(), etcd), await open(directory(), etcd)];
  leader.lead(guard);
  for (let number = 0; number < 500; number += 1) leader.putMapping(sampleMapping(number));
  expect(await leader.settled(20_000)).toBe(true);
  const has = (count: number): Promise<true> =>
    poll(async () => ((await follower.loadMappings()).length === count ? true : undefined), 20_000);
  await has(500);
  expect((await etcd.get(originalKey(sampleMapping(7)))).entry).toBeDefined();
  leader.deleteMapping(sampleMapping(7));
  await has(499);
  expect((await etcd.get(originalKey(sampleMapping(7)))).entry).toBeUndefined();
  // A follower writes nothing.
  follower.putMapping(sampleMapping(900));
  await follower.flush();
  expect((await etcd.get(factsKey(sampleMapping(900)))).entry).toBeUndefined();
  await leader.close();
  await follower.close();
});

it('writes nothing once another leader is there', async () => {
  const etcd = within('/fenced');
  const store = await open(directory(), etcd);
  store.lead(guard);
  await etcd.commit([], [{ type: 'put', key: '/leader', value: 'another' }]);
  store.putMapping(sampleMapping(1));
  await poll(() => (store.mapping.waiting === 0 ? true : undefined), 20_000);
  expect((await etcd.get(factsKey(sampleMapping(1)))).entry).toBeUndefined();
  await store.close();
});

it('keeps and reports a value that is no mapping', async () => {
  const etcd = within('/foreign');
  const key = factsKey(sampleMapping(1));
  await etcd.commit([], [{ type: 'put', key, value: 'no protobuf \xff' }]);
  const store = await open(directory(), etcd);
  await poll(() => (store.mapping.state === 'following' ? true : undefined), 20_000);
  expect(store.mapping.unreadable).toEqual([key]);
  expect(await store.loadMappings()).toEqual([]);
  expect((await etcd.get(key)).entry).toBeDefined();
  await store.close();
});

it('ends with the last of many quick changes of the same mappings, in etcd and on every replica', async () => {
  const etcd = within('/quick');
  // The watch tells late: what it says of a mapping is older than what the leader has written since.
  const late: EtcdKv = {
    ...etcd,
    watch: (prefix, from, listener) =>
      etcd.watch(prefix, from, {
        ...listener,
        changed: (...told) => void setTimeout(() => listener.changed(...told), 40),
      }),
  };
  const [leader, follower] = [await open(directory(), late), await open(directory(), etcd)];
  leader.lead(guard);
  const last = new Map<string, Mapping>();
  for (let round = 1; round <= 60; round += 1) {
    for (let number = 0; number < 300; number += 1 + (round % 7)) {
      const mapping = { ...sampleMapping(number), hash: round };
      const key = factsKey(mapping);
      if ((round + number) % 5 === 0) {
        leader.deleteMapping(mapping);
        last.delete(key);
      } else {
        leader.putMapping(mapping);
        last.set(key, mapping);
      }
    }
    // Transactions go out, come back and are told by the watch in between.
    if (round % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 15));
  }
  expect(await leader.settled(60_000)).toBe(true);
  const { revision } = await etcd.get('/nothing');
  for (const store of [leader, follower]) {
    await poll(() => (store.mapping.revision >= revision ? true : undefined), 60_000);
    const found = new Map((await store.loadMappings()).map((one) => [factsKey(one), one]));
    expect(found).toEqual(last);
  }
  expect(
    new Map((await readMappingSnapshot(etcd)).mappings.map((one) => [factsKey(one), one])),
  ).toEqual(last);
  await leader.close();
  await follower.close();
}, 120_000);
