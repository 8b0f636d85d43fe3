import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MemberStatus, PoolMember } from '../gossip/pool.ts';
import { hostPort, viewPool } from './peers.ts';
import { readTags, registryIdentity, writeTags } from './tags.ts';

const own = { cluster: 'beijing', registry: 'aaa' };

function member(
  name: string,
  cluster: string,
  more: Partial<{ status: MemberStatus; registry: string; api: number; address: string }> = {},
): PoolMember {
  return {
    name,
    address: more.address ?? '10.0.0.1',
    port: 30190,
    status: more.status ?? 'alive',
    tags: writeTags({
      cluster,
      rpcPort: 30191,
      tls: false,
      clusterPort: 30192,
      api: more.api ?? 1,
      registry: more.registry ?? 'bbb',
    }),
    roundTripMs: undefined,
    sinceMs: 0,
  };
}

describe('viewPool', () => {
  it('gives each other cluster once, with live members before failed ones, and no plain serf agent', () => {
    const view = viewPool(
      [
        member('b2', 'shanghai', { address: '10.0.0.3' }),
        member('b1', 'shanghai', { address: '10.0.0.2', status: 'failed' }),
        member('b3', 'shanghai', { address: '10.0.0.4', status: 'left' }),
        member('a1', 'beijing', { registry: 'aaa' }),
        { ...member('agent', ''), tags: { role: 'agent' } },
      ],
      own,
      new Map(),
    );
    expect(view.peers).toEqual([
      {
        cluster: 'shanghai',
        registry: 'bbb',
        addresses: ['10.0.0.3:30191', '10.0.0.2:30191'],
        tls: false,
        presence: 'live',
        replicates: true,
      },
    ]);
    expect(view.replicas.map(({ name }) => name)).toEqual(['a1']);
    expect(view.conflicts).toEqual([]);
  });

  it('tells failed from left, and a Go syncer from one of ours', () => {
    const view = viewPool(
      [
        member('x', 'x', { status: 'failed' }),
        member('y', 'y', { status: 'left' }),
        member('go', 'go', { api: 0, registry: '' }),
      ],
      own,
      new Map(),
    );
    expect(
      view.peers.map(({ cluster, presence, replicates }) => [cluster, presence, replicates]),
    ).toEqual([
      ['go', 'live', false],
      ['x', 'silent', true],
      ['y', 'left', true],
    ]);
  });

  it('refuses, by name, a second registry under a name that is taken, its own included', () => {
    const pins = new Map<string, string>();
    viewPool([member('b1', 'shanghai')], own, pins);
    const view = viewPool(
      [
        member('a2', 'beijing', { registry: 'zzz' }),
        member('a0', 'shanghai', { registry: 'ccc' }),
        member('b1', 'shanghai'),
      ],
      own,
      pins,
    );
    expect(view.peers.map(({ cluster, addresses }) => [cluster, addresses.length])).toEqual([
      ['shanghai', 1],
    ]);
    expect(view.conflicts).toEqual([
      {
        cluster: 'shanghai',
        kept: 'bbb',
        keptMembers: ['b1 (10.0.0.1:30190)'],
        refusedMembers: ['a0 (10.0.0.1:30190)'],
        own: false,
      },
      {
        cluster: 'beijing',
        kept: 'aaa',
        keptMembers: [],
        refusedMembers: ['a2 (10.0.0.1:30190)'],
        own: true,
      },
    ]);
  });

  it('keeps the name for a site that failed, and gives it on once that site has left', () => {
    const pins = new Map<string, string>();
    viewPool([member('b1', 'shanghai')], own, pins);
    const usurper = member('c1', 'shanghai', { registry: 'ccc', address: '10.0.0.9' });
    const failed = viewPool([member('b1', 'shanghai', { status: 'failed' }), usurper], own, pins);
    expect(failed.peers[0]).toMatchObject({ presence: 'silent', registry: 'bbb' });
    expect(failed.conflicts).toHaveLength(1);
    const left = viewPool([member('b1', 'shanghai', { status: 'left' }), usurper], own, pins);
    expect(left.peers[0]).toMatchObject({
      presence: 'live',
      registry: 'ccc',
      addresses: ['10.0.0.9:30191'],
    });
  });

  it('never depends on the order of the members, and never lists a cluster twice', () => {
    const arbitrary = fc.array(
      fc.tuple(
        fc.constantFrom('beijing', 'shanghai', 'lab'),
        fc.constantFrom<MemberStatus>('alive', 'failed', 'left', 'leaving'),
        fc.constantFrom('aaa', 'bbb', 'ccc', ''),
      ),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(arbitrary, fc.infiniteStream(fc.nat()), (rows, shuffle) => {
        const members = rows.map(([cluster, status, registry], index) =>
          member(`n${index}`, cluster, { status, registry }),
        );
        const keys = new Map(members.map((entry) => [entry.name, shuffle.next().value]));
        const shuffled = [...members].sort(
          (a, b) => (keys.get(a.name) ?? 0) - (keys.get(b.name) ?? 0),
        );
        const sorted = (view: ReturnType<typeof viewPool>): unknown => ({
          peers: [...view.peers].sort((a, b) => a.cluster.localeCompare(b.cluster)),
          conflicts: [...view.conflicts].sort((a, b) => a.cluster.localeCompare(b.cluster)),
        });
        const view = viewPool(members, own, new Map());
        expect(sorted(viewPool(shuffled, own, new Map()))).toEqual(sorted(view));
        expect(new Set(view.peers.map(({ cluster }) => cluster)).size).toBe(view.peers.length);
        expect(view.peers.some(({ cluster }) => cluster === own.cluster)).toBe(false);
      }),
    );
  });
});

describe('tags', () => {
  it('come back as they were written', () => {
    const tags = { cluster: 'c', rpcPort: 1, tls: true, clusterPort: 2, api: 1, registry: 'r' };
    expect(readTags({ tags: writeTags(tags) })).toEqual(tags);
  });

  it('of the Go syncer are read, and nonsense is no syncer', () => {
    const go = {
      'syncer-cluster-name': 'x',
      'syncer-rpc-port': '30191',
      'syncer-tls-enabled': 'false',
    };
    expect(readTags({ tags: go })).toMatchObject({ cluster: 'x', api: 0, registry: '' });
    expect(readTags({ tags: { ...go, 'syncer-rpc-port': '70000' } })).toBeUndefined();
    expect(readTags({ tags: {} })).toBeUndefined();
  });

  it('tell two loopback registries apart by their machine, and equal lists in any order the same', () => {
    const loopback = ['http://127.0.0.1:30100'];
    expect(registryIdentity(loopback, '10.0.0.10')).not.toBe(
      registryIdentity(loopback, '10.0.0.11'),
    );
    const pair = ['http://10.0.0.1:30100/', 'http://10.0.0.2:30100'];
    expect(registryIdentity(pair, 'x')).toBe(registryIdentity([...pair].reverse(), 'y'));
  });

  it('of IPv6 members are dialled in brackets', () => {
    expect(hostPort('fd00::2', 1)).toBe('[fd00::2]:1');
  });
});
