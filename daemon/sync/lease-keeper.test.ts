import { describe, expect, it } from 'vitest';
import type { InstanceRef, RegistryDriver } from '../registry/driver.ts';
import { seededRandom } from '../support/random.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { LeaseKeeper } from './lease-keeper.ts';

const ref = (index: number): InstanceRef => ({
  domain: 'default',
  project: 'default',
  serviceId: 'service',
  instanceId: `copy-${index}`,
});

function setUp(count: number, leaseSeconds: number) {
  const clock = new VirtualClock();
  const endsMs = new Map<string, number>();
  const perSecond = new Map<number, number>();
  const gone = new Set<string>();
  const missing: InstanceRef[] = [];
  let answering = true;
  const renew: RegistryDriver['renew'] = async (refs) => {
    if (!answering) {
      return { ok: false, failure: { code: 'unreachable', retry: true, detail: 'down' } };
    }
    const second = Math.floor(clock.monotonicMs() / 1000);
    perSecond.set(second, (perSecond.get(second) ?? 0) + refs.length);
    const lost = refs.filter(({ instanceId }) => gone.has(instanceId));
    for (const { instanceId } of refs) {
      endsMs.set(instanceId, clock.monotonicMs() + leaseSeconds * 1000);
    }
    return { ok: true, value: { missing: lost } };
  };
  const keeper = new LeaseKeeper({
    driver: { renew, renewBatchSize: 100 },
    clock,
    random: seededRandom(1),
    missing: (refs) => missing.push(...refs),
  });
  for (let index = 0; index < count; index++) {
    keeper.keep(ref(index), leaseSeconds, false);
    endsMs.set(`copy-${index}`, clock.monotonicMs() + leaseSeconds * 1000);
  }
  keeper.setRunning(true);
  return {
    clock,
    keeper,
    endsMs,
    perSecond,
    gone,
    missing,
    setAnswering: (value: boolean) => (answering = value),
  };
}

const expired = (endsMs: ReadonlyMap<string, number>, nowMs: number): number =>
  [...endsMs.values()].filter((endMs) => endMs <= nowMs).length;

describe('LeaseKeeper', () => {
  it('lets no lease end, and spreads renewals over a third of the lease', async () => {
    const { clock, keeper, endsMs, perSecond } = setUp(3000, 60);
    for (let second = 0; second < 600; second += 5) {
      await clock.advanceAsync(5000);
      expect(expired(endsMs, clock.monotonicMs())).toBe(0);
    }
    // 3,000 leases over 20 s are 150 a second; no second may carry many times that.
    const late = [...perSecond].filter(([second]) => second > 60).map(([, renewals]) => renewals);
    expect(Math.max(...late)).toBeLessThan(900);
    expect(keeper.figures()).toMatchObject({ kept: 3000, inTimeShare: 1 });
    keeper.stop();
  });

  it('outlives a registry that does not answer for half a lease', async () => {
    const { clock, keeper, endsMs, setAnswering } = setUp(500, 60);
    await clock.advanceAsync(30_000);
    setAnswering(false);
    await clock.advanceAsync(30_000);
    setAnswering(true);
    await clock.advanceAsync(5000);
    expect(expired(endsMs, clock.monotonicMs())).toBe(0);
    keeper.stop();
  });

  it('says which the registry no longer knows, once, and forgets them', async () => {
    const { clock, keeper, gone, missing } = setUp(50, 60);
    gone.add('copy-7');
    await clock.advanceAsync(60_000);
    expect(missing.map(({ instanceId }) => instanceId)).toEqual(['copy-7']);
    expect(keeper.figures().kept).toBe(49);
    keeper.stop();
  });

  it('renews nothing while it does not run', async () => {
    const { clock, keeper, perSecond } = setUp(10, 60);
    keeper.setRunning(false);
    perSecond.clear();
    await clock.advanceAsync(120_000);
    expect(perSecond.size).toBe(0);
  });
});
