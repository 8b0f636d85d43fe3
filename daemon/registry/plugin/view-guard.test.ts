import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Instance, Service } from '../../model/service.ts';
import type { RegistryChange } from '../driver.ts';
import { createViewGuard, type ChangeCircumstances, type ViewGuard } from './view-guard.ts';

const service = { domain: 'd', project: 'p', serviceId: 's' } as Service;
const leaseMs = 20_000;
const instanceOf = (id: number): Instance => ({
  serviceId: 's',
  instanceId: `i${id}`,
  endpoints: [],
  hostName: '',
  status: 'UP',
  properties: {},
  healthCheck: { mode: 'push', port: 0, interval: 5, times: 3, url: '' },
  dataCenterInfo: undefined,
  version: '',
});
const refOf = (id: number) => ({
  ...{ domain: 'd', project: 'p', serviceId: 's' },
  instanceId: `i${id}`,
});
const ids = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const changeOf = (change: Partial<RegistryChange>): RegistryChange => ({
  services: [],
  instances: [],
  removedInstances: [],
  removedServices: [],
  seenAtMs: 0,
  ...change,
});
const removalOf = (gone: readonly number[], proof: 'tombstone' | 'absence' = 'tombstone') =>
  changeOf({ removedInstances: gone.map((id) => ({ ...refOf(id), proof })) });
const at = (nowMs: number, more: Partial<ChangeCircumstances> = {}): ChangeCircumstances => ({
  nowMs,
  whole: false,
  unknownSinceMs: undefined,
  ...more,
});
const whole = (named: readonly number[]): RegistryChange =>
  changeOf({ services: [service], instances: named.map(instanceOf) });

function guardOf(count: number): ViewGuard {
  const guard = createViewGuard();
  guard.take(whole(ids(count)), at(0, { whole: true }));
  return guard;
}

describe('what a driver may remove', () => {
  it('one that it proves, and nothing that was never there', () => {
    const guard = guardOf(20);
    const told = guard.take(removalOf([3, 77]), at(1_000));
    expect(told.removedInstances).toEqual([{ ...refOf(3), proof: 'tombstone' }]);
    expect(guard.held()).toBeUndefined();
  });

  it('not more than half at once: held for a lease, and gone only when it is not there', () => {
    const guard = guardOf(20);
    const told = guard.take(removalOf(ids(12)), at(1_000));
    expect(told.removedInstances).toEqual([]);
    expect(guard.held()).toMatchObject({ reason: 'suspicious-loss', instances: 12 });
    expect(guard.due(1_000 + leaseMs)).toEqual([]);
    const due = guard.due(1_000 + leaseMs + 2_000);
    expect(due).toHaveLength(12);
    guard.refuted(refOf(0));
    const removed = guard.confirmed(due, 30_000).removedInstances;
    expect(removed).toHaveLength(11);
    expect(removed.every(({ proof }) => proof === 'absence')).toBe(true);
    expect(guard.held()).toBeUndefined();
  });

  it('not in steps either', () => {
    const guard = guardOf(20);
    const told = ids(20).flatMap(
      (id) => guard.take(removalOf([id]), at(1_000 + id)).removedInstances,
    );
    expect(told.length).toBeLessThan(12);
  });

  it('many at once after a lease in which its registry was unknown', () => {
    const guard = guardOf(20);
    const waited = at(60_000, { unknownSinceMs: 60_000 - leaseMs });
    expect(guard.take(removalOf(ids(12), 'absence'), waited).removedInstances).toHaveLength(12);
    const hasty = guardOf(20);
    const early = at(60_000, { unknownSinceMs: 59_000 });
    expect(hasty.take(removalOf(ids(12), 'absence'), early).removedInstances).toEqual([]);
  });

  it('nothing by not naming it after it was begun anew', () => {
    const guard = guardOf(20);
    const told = guard.take(whole(ids(10)), at(5_000, { whole: true }));
    expect(told.removedInstances).toEqual([]);
    expect(guard.held()).toMatchObject({ reason: 'waiting-for-owners', instances: 10 });
    // Named again, it is held no longer.
    guard.take(changeOf({ instances: [instanceOf(15)] }), at(6_000));
    expect(guard.held()?.instances).toBe(9);
  });

  it('no service before its instances', () => {
    const guard = guardOf(3);
    const removedServices = [{ ...refOf(0), proof: 'tombstone' as const }];
    expect(guard.take(changeOf({ removedServices }), at(1_000)).removedServices).toEqual([]);
    guard.take(removalOf([0, 1, 2]), at(2_000));
    expect(guard.confirmed([], 3_000).removedServices).toHaveLength(1);
    expect(guard.size).toBe(0);
  });

  it('refuses an instance of a service that was never told', () => {
    const guard = createViewGuard();
    expect(() => guard.take(changeOf({ instances: [instanceOf(1)] }), at(0))).toThrow(
      /i1 belongs to no service/,
    );
  });

  it('never tells more than half as gone without a held lease, whatever the driver says', () => {
    const step = fc.record({
      gone: fc.uniqueArray(fc.nat(29), { maxLength: 30 }),
      back: fc.uniqueArray(fc.nat(29), { maxLength: 5 }),
      waitMs: fc.integer({ min: 0, max: 3_000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const guard = guardOf(30);
        let nowMs = 0;
        const recent: { atMs: number; count: number }[] = [];
        let present = 30;
        for (const { gone, back, waitMs } of steps) {
          nowMs += waitMs;
          const before = guard.size;
          guard.take(changeOf({ instances: back.map(instanceOf) }), at(nowMs));
          present += guard.size - before;
          const told = guard.take(removalOf(gone), at(nowMs)).removedInstances.length;
          recent.push({ atMs: nowMs, count: told });
          const lost = recent
            .filter(({ atMs }) => atMs > nowMs - 10_000)
            .reduce((sum, { count }) => sum + count, 0);
          // Fewer than five are never too many.
          if (told > 0 && lost >= 5) expect(lost * 2).toBeLessThanOrEqual(present - told + lost);
          present -= told;
        }
      }),
    );
  });
});
