// The etcd of a cluster with real etcd processes: founded by two of three at once, joined by the
// third, killed, and come back without its data. Gossip between the replicas is a memory pool.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEtcdClient, type EtcdClient } from '../../daemon/cluster/etcd-client.ts';
import {
  checkEtcdBinary,
  startEtcdMember,
  type EtcdMember,
} from '../../daemon/cluster/etcd-member.ts';
import { createFormation, peerUrlOf } from '../../daemon/cluster/formation.ts';
import type { GossipPool, PoolMember } from '../../daemon/gossip/pool.ts';
import { writeTags } from '../../daemon/membership/tags.ts';
import { systemClock } from '../../daemon/support/clock.ts';
import { silentLogger } from '../../daemon/support/logger.ts';
import { systemRandom } from '../../daemon/support/random.ts';
import { freePort } from '../support/free-port.ts';
import { poll } from '../support/poll.ts';

const parts = { clock: systemClock, random: systemRandom, logger: silentLogger };

interface Replica {
  readonly directory: string;
  readonly member: EtcdMember;
  readonly client: EtcdClient;
  stop(): Promise<void>;
}

const root = mkdtempSync(path.join(tmpdir(), 'syncer-cluster-'));
const ports = new Map<string, number>();
const alive = new Map<string, { client: EtcdClient | undefined }>();
const handlers = new Map<string, Parameters<GossipPool['answer']>[1]>();
const running = new Map<string, Replica>();

function memberOf(name: string): PoolMember {
  const tags = writeTags({
    ...{ cluster: 'west', registry: 'r', rpcPort: 1, tls: false, api: 1 },
    clusterPort: ports.get(name) ?? 0,
  });
  const place = {
    address: '127.0.0.1',
    port: 1,
    status: 'alive',
    roundTripMs: 1,
    sinceMs: 0,
  } as const;
  return { name, tags, ...place };
}

async function start(name: string): Promise<Replica> {
  const directory = path.join(root, name);
  const self = { client: undefined as EtcdClient | undefined };
  alive.set(name, self);
  const pool = {
    answer: (_name: string, handler: Parameters<GossipPool['answer']>[1]) =>
      void handlers.set(name, handler),
    async query(query: string, payload: Uint8Array, options: { filterNodes?: readonly string[] }) {
      expect(payload.length).toBeLessThan(1_024);
      const asked = (options.filterNodes ?? []).filter((node) => alive.has(node));
      const responses = await Promise.all(
        asked.map(async (from) => ({
          from,
          payload: await handlers.get(from)?.({ name: query, payload, from: name }),
        })),
      );
      return { responses: responses.filter((one) => one.payload !== undefined) };
    },
  } as unknown as GossipPool;
  const formation = createFormation({
    ...{ cluster: 'west', node: name, pool, directory, ...parts },
    replicas: () => [...alive.keys()].sort().map(memberOf),
    etcd: () => self.client,
    signal: AbortSignal.timeout(90_000),
  });
  await formation.formed();
  const member = await startEtcdMember(
    {
      ...{ binary: 'etcd', directory, name, listenHost: '127.0.0.1', token: 'west' },
      formed: () => formation.formed(),
      lost: (how) => formation.lost(how),
      failed: (error) => expect(error).toBeUndefined(),
      peerUrl: peerUrlOf(memberOf(name)),
    },
    parts,
  );
  const client = createEtcdClient({ endpoints: [member.clientUrl] });
  self.client = client;
  const replica = {
    directory,
    member,
    client,
    async stop() {
      alive.delete(name);
      client.close();
      await member.stop();
    },
  };
  running.set(name, replica);
  return replica;
}

const names = async (client: EtcdClient): Promise<string[]> =>
  (await client.members()).map(({ name }) => name).sort();

/** Waits until etcd takes a write through this member. */
async function takesWrites(client: EtcdClient, value: string): Promise<void> {
  await poll(async () => {
    await client.commit([], [{ type: 'put', key: '/probe', value }]);
    return true;
  }, 60_000);
}

async function reads(client: EtcdClient, value: string): Promise<void> {
  await poll(async () => {
    const { entry } = await client.get('/probe');
    return entry !== undefined && Buffer.from(entry.value).toString() === value ? true : undefined;
  }, 60_000);
}

describe('the etcd of a cluster', () => {
  beforeAll(async () => {
    for (const name of ['one', 'two', 'three', 'four']) ports.set(name, await freePort());
  });
  afterAll(async () => {
    for (const replica of running.values()) await replica.stop();
    rmSync(root, { recursive: true, force: true });
  });

  it('is founded by two, takes in the third, and refuses a fourth', async () => {
    const [one, two] = await Promise.all([start('one'), start('two')]);
    await takesWrites(one.client, 'founded');
    await reads(two.client, 'founded');
    expect(await names(two.client)).toEqual(['one', 'two']);
    const three = await start('three');
    await reads(three.client, 'founded');
    await poll(
      async () => ((await names(one.client)).includes('three') ? true : undefined),
      60_000,
    );
    await expect(start('four')).rejects.toMatchObject({ code: 'cluster.fourth-replica' });
    alive.delete('four');
  });

  it('starts a killed member again with its data, and the others go on meanwhile', async () => {
    const { directory, client } = running.get('two')!;
    const pid = Number(readFileSync(path.join(directory, 'etcd.pid'), 'utf8'));
    expect(
      execFileSync('ps', ['-o', 'comm=', '-p', String(pid)])
        .toString()
        .trim(),
    ).toBe('etcd');
    process.kill(pid, 'SIGKILL');
    await takesWrites(running.get('one')!.client, 'meanwhile');
    await reads(client, 'meanwhile');
    expect(await names(client)).toEqual(['one', 'three', 'two']);
  });

  it('starts as the member that it was, never as a new cluster', async () => {
    await running.get('three')!.stop();
    await takesWrites(running.get('one')!.client, 'without three');
    const again = await start('three');
    await reads(again.client, 'without three');
  });

  it('takes a replica back that has lost its data directory', async () => {
    const lost = running.get('three')!;
    await lost.stop();
    rmSync(lost.directory, { recursive: true });
    await takesWrites(running.get('one')!.client, 'lost one');
    const again = await start('three');
    await reads(again.client, 'lost one');
    expect(await names(again.client)).toEqual(['one', 'three', 'two']);
  });

  it('takes a member back that was taken out while it ran', async () => {
    const [one, three] = [running.get('one')!, running.get('three')!];
    const { id } = (await one.client.members()).find(({ name }) => name === 'three')!;
    // etcd takes nobody out while it has not heard all of them for five seconds.
    await poll(async () => {
      await one.client.removeMember(id);
      return true;
    }, 60_000);
    await poll(async () => {
      const again = (await one.client.members()).find(({ name }) => name === 'three');
      return again !== undefined && again.id !== id ? true : undefined;
    }, 60_000);
    await takesWrites(one.client, 'taken out');
    await reads(three.client, 'taken out');
  });

  it('never starts a member anew whose vote the founding did not have', async () => {
    // As one that has lost its data before it could ask: the others run, and say what was decided.
    const three = running.get('three')!;
    await three.stop();
    rmSync(three.directory, { recursive: true });
    for (const name of ['one', 'two']) await running.get(name)!.stop();
    const starting = start('three');
    const others = await Promise.all([start('one'), start('two')]);
    await takesWrites(others[0].client, 'all were away');
    const again = await starting;
    await reads(again.client, 'all were away');
    const formation = JSON.parse(
      readFileSync(path.join(again.directory, 'formation.json'), 'utf8'),
    ) as { formed: { initialState: string } };
    expect(formation.formed.initialState).toBe('existing');
  });

  it('needs an etcd that is there', async () => {
    await expect(checkEtcdBinary('/nowhere/etcd')).rejects.toMatchObject({ code: 'etcd.missing' });
    await expect(checkEtcdBinary('true')).rejects.toMatchObject({ code: 'etcd.unsupported' });
    expect(await checkEtcdBinary('etcd')).toMatch(/^3\./);
  });
});
