// Why nobody leads, from what one replica knows.

import { describe, expect, it } from 'vitest';
import { clusterTrouble, type ClusterFacts } from './trouble.ts';

const well: ClusterFacts = {
  leader: 'two',
  single: undefined,
  etcd: undefined,
  foreign: undefined,
  reaches: true,
  othersReach: new Map(),
  others: ['two', 'three'],
};
const quorum = { type: 'quorum', answering: 1, members: 3 } as const;
const reason = (facts: Partial<ClusterFacts>) =>
  clusterTrouble({ ...well, leader: undefined, ...facts });

describe('the trouble of a cluster', () => {
  it('is none while somebody leads and etcd answers', () => {
    expect(clusterTrouble(well)).toBeUndefined();
    // Its registry does not answer this one alone: the leader is somebody else's matter.
    expect(clusterTrouble({ ...well, reaches: false })).toBeUndefined();
  });

  it('is etcd, whether a leader is known from before or not', () => {
    expect(reason({ etcd: quorum })).toEqual({ code: 'no-leader', reason: quorum });
    expect(clusterTrouble({ ...well, etcd: quorum })).toEqual({
      ...{ code: 'etcd-away', leader: 'two', reason: quorum },
    });
  });

  it('is the registry, of all only where all have said so', () => {
    const heard = new Map([['two', false]]);
    expect(reason({ reaches: false, othersReach: heard })).toEqual({
      code: 'no-leader',
      reason: { type: 'registry', replicas: 2, all: false },
    });
    const all = new Map([...heard, ['three', false]] as const);
    expect(reason({ reaches: false, othersReach: all })).toEqual({
      code: 'no-leader',
      reason: { type: 'registry', replicas: 3, all: true },
    });
    const better = new Map([...heard, ['three', true]] as const);
    expect(reason({ reaches: false, othersReach: better })).toMatchObject({
      reason: { replicas: 2, all: false },
    });
  });

  it('is a key of the election that holds what no syncer wrote', () => {
    const foreign = '/servicecenter-syncer/v1/leader';
    expect(reason({ foreign })).toMatchObject({ reason: { type: 'foreign', detail: foreign } });
  });

  it('is a moment where nothing is in the way, and a single syncer before all else', () => {
    expect(reason({})).toEqual({ code: 'no-leader', reason: { type: 'electing' } });
    const waits = { code: 'waits-for-single', single: 'one' };
    expect(clusterTrouble({ ...well, single: 'one', etcd: quorum })).toEqual(waits);
  });
});
