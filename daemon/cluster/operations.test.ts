// What `syncer cluster …` does, before members and an etcd that the test sets.

import { describe, expect, it } from 'vitest';
import type { GossipPool, PoolMember } from '../gossip/pool.ts';
import { writeTags } from '../membership/tags.ts';
import { silentLogger } from '../support/logger.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import type { LeaderEntry } from './election.ts';
import type { EtcdClient, EtcdMemberEntry } from './etcd-client.ts';
import { createOperations } from './operations.ts';

function place(more: { readonly leader?: string; readonly dead?: readonly string[] } = {}) {
  const clock = new VirtualClock();
  const orders: string[] = [];
  const names = ['one', 'two', 'three'];
  const refusals: string[] = [];
  const entry = (node: string, epoch: number): LeaderEntry => ({
    ...{ node, epoch, lease: `lease-${epoch}`, createdRevision: epoch },
  });
  const leadership = {
    leader: more.leader === undefined ? undefined : entry(more.leader, 1),
    foreign: undefined,
    leaderlessMs: more.leader === undefined ? 700 : undefined,
    async handOver() {
      orders.push('hand over');
      clock.after(200, () => (leadership.leader = entry('two', 2)));
      return true;
    },
  };
  const members: EtcdMemberEntry[] = names.map((name, index) => ({
    ...{ id: String(index), name, peerUrls: [`http://127.0.0.1:${7_001 + index}`] },
  }));
  const etcd = {
    members: async () => members,
    async removeMember(id: string) {
      const refusal = refusals.shift();
      if (refusal !== undefined) throw new Error(refusal);
      orders.push(`remove ${id}`);
    },
    async commit() {
      orders.push('forget');
      return { succeeded: true, revision: 1 };
    },
  } as unknown as EtcdClient;
  const pool = {
    answer: () => undefined,
    async query() {
      await leadership.handOver();
      return { responses: [{ from: 'two', payload: Buffer.from('done') }] };
    },
    async forceLeave(node: string) {
      orders.push(`force-leave ${node}`);
    },
  } as unknown as GossipPool;
  const replicas = names.map((name, index): PoolMember => ({
    ...{ name, address: '127.0.0.1', port: 1, roundTripMs: 1, sinceMs: 0 },
    status: more.dead?.includes(name) === true ? 'failed' : 'alive',
    tags: writeTags({
      ...{ cluster: 'west', registry: 'r', rpcPort: 5_000 + index, tls: false, api: 1 },
      clusterPort: 7_001 + index,
    }),
  }));
  const operations = createOperations({
    ...{ node: 'one', pool, replicas: () => replicas, leadership: () => leadership },
    etcd: () => etcd,
    etcdView: () => ({
      trouble: undefined,
      answering: undefined,
      members,
      version: '3.4.23',
      dbBytes: 1,
    }),
    ...{ ownsEtcd: true, trouble: () => 'starting', clock, logger: silentLogger },
    single: () => undefined,
    reach: () => ({ own: true, others: new Map() }),
    etcdRuns: () => true,
    memberTrouble: () => undefined,
    mapping: () => ({ state: 'following', detail: '', revision: 1, waiting: 0, unreadable: [] }),
  });
  /** Runs time until the promise is settled. */
  const settle = async <T>(promise: Promise<T>): Promise<T> => {
    let over = false;
    promise.then(
      () => (over = true),
      () => (over = true),
    );
    expect(await clock.runUntil(() => over, 60_000)).toBe(true);
    return promise;
  };
  return { operations, orders, refusals, members, settle, clock };
}

describe('the operations of a cluster', () => {
  it('shows every replica with its part in the election and in etcd', () => {
    const { operations, members } = place({ leader: 'two', dead: ['three'] });
    members[0] = { ...members[0]!, name: '' };
    const { replicas, leader } = operations.view();
    expect(leader?.node).toBe('two');
    expect(replicas.map(({ node, status, leads, etcd }) => [node, status, leads, etcd])).toEqual([
      ['one', 'alive', false, 'added'],
      ['three', 'failed', false, 'started'],
      ['two', 'alive', true, 'started'],
    ]);
  });

  it.each(['one', 'two'])('hands the lead of %s over, and says who has it', async (leader) => {
    const { operations, orders, settle } = place({ leader });
    const outcome = await settle(operations.transferLeader());
    expect(outcome).toEqual({ from: leader, to: 'two' });
    expect(orders).toEqual(['hand over']);
  });

  it('hands nothing over when nobody leads or nobody else lives', async () => {
    const nobody = place().operations.transferLeader();
    await expect(nobody).rejects.toMatchObject({ code: 'cluster.no-leader' });
    const alone = place({ leader: 'one', dead: ['two', 'three'] }).operations.transferLeader();
    await expect(alone).rejects.toMatchObject({ code: 'cluster.nobody-else' });
  });

  it('forgets a replica that has stopped, and none that runs', async () => {
    const { operations, orders } = place({ leader: 'one', dead: ['three'] });
    const running = operations.remove('two', false);
    await expect(running).rejects.toMatchObject({ code: 'cluster.still-alive' });
    await operations.remove('three', false);
    expect(orders).toEqual(['remove 2', 'forget', 'force-leave three']);
    const unknown = operations.remove('nine', false);
    await expect(unknown).rejects.toMatchObject({ code: 'request.not-found' });
  });

  it('replaces the leader only after the lead has moved', async () => {
    const { operations, orders, settle } = place({ leader: 'one' });
    await settle(operations.remove('one', true));
    expect(orders).toEqual(['hand over', 'remove 0', 'forget']);
  });

  it('waits while etcd is unhealthy, and passes on what it refuses', async () => {
    const { operations, orders, refusals, settle } = place({ leader: 'one', dead: ['three'] });
    refusals.push('etcdserver: unhealthy cluster', 'etcdserver: unhealthy cluster');
    await settle(operations.remove('three', false));
    expect(orders[0]).toBe('remove 2');
    refusals.push('etcdserver: re-configuration failed due to not enough started members');
    const refused = settle(operations.remove('three', false));
    await expect(refused).rejects.toMatchObject({ code: 'cluster.etcd-refused' });
  });
});
