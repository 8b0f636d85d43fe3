import { describe, expect, it } from 'vitest';
import type { Instance } from '../../model/service.ts';
import { stampInstance } from '../../model/stamp.ts';
import { inBatches } from './batches.ts';
import { createLeaseTable } from './lease-table.ts';
import { refusalToRemove, refusalToReplace } from './ownership.ts';

const stamped = (originCluster: string, epoch: number, originInstance = 'i'): Instance => ({
  serviceId: 's',
  instanceId: 'copy',
  endpoints: [],
  hostName: '',
  status: 'UP',
  properties: stampInstance(
    {},
    { originCluster, originService: 'o', originInstance, epoch },
    undefined,
  ),
  healthCheck: undefined,
  dataCenterInfo: undefined,
  version: '',
});
const native: Instance = { ...stamped('a', 1), properties: {} };

describe('ownership', () => {
  it.each([
    ['nothing', undefined, undefined],
    ['our own older copy', stamped('a', 1), undefined],
    ['our own copy of this epoch', stamped('a', 2), undefined],
    ['our own newer copy', stamped('a', 3), 'fenced'],
    ["another origin's", stamped('b', 1), 'not-ours'],
    ['another instance of the origin', stamped('a', 1, 'other'), 'not-ours'],
    ['an instance of an application', native, 'not-ours'],
  ])('over %s a copy may be written or not', (_what, found, code) => {
    expect(refusalToReplace(found, stamped('a', 2))?.failure.code).toBe(code);
  });

  it.each([
    ['nothing', undefined, undefined],
    ['its own copy', stamped('a', 9), undefined],
    ["another origin's", stamped('b', 1), 'not-ours'],
    ['an instance of an application', native, 'not-ours'],
  ])('%s may be removed or not', (_what, found, code) => {
    expect(refusalToRemove(found, 'a')?.failure.code).toBe(code);
  });

  it('takes a copy without a stamp for a broken call', () => {
    expect(() => refusalToReplace(undefined, native)).toThrow(/no stamp/);
  });
});

describe('a table of leases', () => {
  it('keeps, renews for the own length, ends and forgets', () => {
    let nowMs = 0;
    const leases = createLeaseTable(() => nowMs);
    leases.keep('a', 1_000);
    leases.keep('b', 5_000);
    nowMs = 900;
    expect(leases.renew('a')).toBe(true);
    expect(leases.renew('c')).toBe(false);
    nowMs = 1_899;
    expect(leases.ended()).toEqual([]);
    nowMs = 1_900;
    expect(leases.ended()).toEqual(['a']);
    leases.forget('a');
    expect(leases.ended()).toEqual([]);
    expect(leases.untilMs('b')).toBe(5_000);
  });
});

describe('batches', () => {
  it('hold everything once, in order', () => {
    expect([...inBatches([1, 2, 3, 4, 5], 2)]).toEqual([[1, 2], [3, 4], [5]]);
    expect([...inBatches([], 2)]).toEqual([]);
    expect(() => [...inBatches([1], 0)]).toThrow(RangeError);
  });
});
