import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../support/logger.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { createRoundLoop, type RoundLoop } from './round-loop.ts';

/** No jitter: 0.8 + 0.4 × 0.5 is 1. */
const evenly = { next: () => 0.5 };

function loopOf(
  round: (loop: RoundLoop) => Promise<void>,
  pollMinMs = 200,
): { clock: VirtualClock; loop: RoundLoop; starts: number[] } {
  const clock = new VirtualClock();
  const starts: number[] = [];
  const loop = createRoundLoop({
    clock,
    random: evenly,
    logger: silentLogger,
    pollMinMs,
    round() {
      starts.push(clock.monotonicMs());
      return round(loop);
    },
  });
  return { clock, loop, starts };
}

describe('round loop', () => {
  it('lets the interval follow what the cheapest of the last rounds cost, within bounds', async () => {
    const costs = [3, 50, 80];
    const { clock, loop, starts } = loopOf(async () => {
      loop.succeeded(costs.shift() ?? 1_000);
    });
    loop.start();
    await clock.advanceAsync(500);
    expect(starts).toEqual([0, 200, 400]);
    expect(loop.roundMs).toBe(80);
    await clock.advanceAsync(20_000);
    expect(loop.intervalMs).toBe(5_000);
    await loop.stop();
  });

  it('counts no more than what a round can have cost, and keeps to a longer shortest interval', async () => {
    const { loop } = loopOf(async () => undefined);
    loop.succeeded(400, { mostMs: 30 });
    expect(loop.intervalMs).toBe(300);
    loop.succeeded(400, { mostMs: 30, shortestMs: 1_000 });
    expect(loop.intervalMs).toBe(1_000);
  });

  it('waits longer after each round that failed or broke, and begins anew after a good one', async () => {
    let rounds = 0;
    const { clock, loop, starts } = loopOf(async () => {
      rounds += 1;
      if (rounds === 2) throw new Error('a bug');
      if (rounds < 4) loop.failed();
      else loop.succeeded(1);
    }, 100);
    loop.start();
    await clock.advanceAsync(620);
    expect(starts).toEqual([0, 100, 260, 516, 616]);
    await loop.stop();
  });

  it('takes an early look where one is asked for, once, and says which round was hinted at', async () => {
    const hints: boolean[] = [];
    const { clock, loop, starts } = loopOf(async () => {
      loop.succeeded(100);
      if (starts.length === 2) loop.sooner(30);
    });
    loop.start();
    await clock.advanceAsync(3_040);
    expect(starts).toEqual([0, 1_000, 1_030, 2_030, 3_030]);
    await loop.stop();

    const hinted = createRoundLoop({
      clock,
      random: evenly,
      logger: silentLogger,
      pollMinMs: 200,
      async round(isHinted) {
        hints.push(isHinted);
        hinted.succeeded(1);
      },
    });
    hinted.start();
    await clock.advanceAsync(100);
    hinted.wake();
    await clock.advanceAsync(500);
    expect(hints).toEqual([false, true, false, false]);
    await hinted.stop();
  });

  it('lets a part of the reading leave time for the rest', async () => {
    const { loop } = loopOf(async () => undefined);
    loop.succeeded(35, { share: 0.5 });
    expect(loop.intervalMs).toBe(700);
  });

  it('comes sooner for hints, never two rounds at a time, at a bounded rate', async () => {
    let running = 0;
    let most = 0;
    const { clock, loop, starts } = loopOf(async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise<void>((resolve) => clock.after(10, resolve));
      running -= 1;
      loop.succeeded(10);
    }, 10_000);
    loop.wake();
    expect(starts).toEqual([]);
    loop.start();
    for (let at = 0; at < 100; at += 1) {
      await clock.advanceAsync(5);
      loop.wake();
    }
    expect(most).toBe(1);
    expect(starts.length).toBeGreaterThan(5);
    for (const [index, atMs] of starts.slice(1).entries()) {
      expect(atMs - (starts[index] ?? 0)).toBeGreaterThanOrEqual(50);
    }
    const stopping = loop.stop();
    await clock.advanceAsync(10);
    await stopping;
    const count = starts.length;
    loop.wake();
    await clock.advanceAsync(60_000);
    expect(starts).toHaveLength(count);
  });

  it('ends only when the round under way has ended', async () => {
    let ended = false;
    const { clock, loop } = loopOf(async () => {
      await new Promise<void>((resolve) => clock.after(1_000, resolve));
      ended = true;
    });
    loop.start();
    await clock.advanceAsync(10);
    const stopping = loop.stop();
    await clock.advanceAsync(1_000);
    await stopping;
    expect(ended).toBe(true);
  });
});
