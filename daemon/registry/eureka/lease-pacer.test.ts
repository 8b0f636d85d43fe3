import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../support/virtual-clock.ts';
import type { InstanceRef } from '../driver.ts';
import { createLeasePacer } from './lease-pacer.ts';

const ref: InstanceRef = { domain: 'd', project: 'p', serviceId: 'A', instanceId: 'i' };

function pacerAt(clock: VirtualClock, missing: readonly InstanceRef[] = []) {
  const renewedAtMs: number[] = [];
  const lost: InstanceRef[] = [];
  const pacer = createLeasePacer({
    everyMs: 25_000,
    clock,
    async renew() {
      renewedAtMs.push(clock.monotonicMs());
      return missing;
    },
    lost: (each) => lost.push(each),
  });
  return { pacer, renewedAtMs, lost };
}

describe('the lease pacer', () => {
  it('renews at least each 30 s, until the caller was silent for one lease', async () => {
    const clock = new VirtualClock();
    const { pacer, renewedAtMs } = pacerAt(clock);
    const beganMs = clock.monotonicMs();
    pacer.kept(ref, 600_000);
    await clock.advanceAsync(700_000);
    const times = [beganMs, ...renewedAtMs];
    const gaps = times.slice(1).map((atMs, index) => atMs - (times[index] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(30_000);
    const last = renewedAtMs.at(-1) ?? 0;
    expect(last - beganMs).toBeLessThan(600_000);
    expect(last - beganMs).toBeGreaterThan(560_000);
    expect(pacer.knows(ref)).toBe(false);
  });

  it('goes on when the caller renews, without being told the lease again', async () => {
    const clock = new VirtualClock();
    const { pacer, renewedAtMs } = pacerAt(clock);
    pacer.kept(ref, 600_000);
    await clock.advanceAsync(400_000);
    pacer.kept(ref, undefined);
    const before = renewedAtMs.length;
    await clock.advanceAsync(400_000);
    expect(renewedAtMs.length).toBeGreaterThan(before + 10);
    expect(pacer.knows(ref)).toBe(true);
    pacer.stop();
  });

  it('lets go what the registry does not know, and says so', async () => {
    const clock = new VirtualClock();
    const { pacer, lost, renewedAtMs } = pacerAt(clock, [ref]);
    pacer.kept(ref, 600_000);
    await clock.advanceAsync(100_000);
    expect(lost).toEqual([ref]);
    expect(renewedAtMs).toHaveLength(1);
  });
});
