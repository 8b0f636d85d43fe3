import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GossipPace } from './gossip-pace.ts';

/** Spends rounds as early as allowed until `untilMs`; gives their times. */
function rounds(pace: GossipPace, fromMs: number, untilMs: number): number[] {
  const times: number[] = [];
  for (let nowMs = pace.earliestMs(fromMs); nowMs < untilMs; nowMs = pace.earliestMs(nowMs)) {
    pace.spend(nowMs);
    times.push(nowMs);
  }
  return times;
}

describe('the pace of gossip', () => {
  it('lets news of a quiet pool out at once', () => {
    const pace = new GossipPace(200);
    expect(pace.earliestMs(5)).toBe(5);
    pace.spend(5);
    expect(pace.earliestMs(10_000)).toBe(10_000);
  });

  it('keeps a tenth of an interval between two rounds, and falls back to the beat', () => {
    const times = rounds(new GossipPace(200), 0, 2000);
    expect(times.slice(0, 5)).toEqual([0, 20, 40, 60, 80]);
    expect(times.slice(-3).map((atMs, index, all) => atMs - (all[index - 1] ?? atMs))).toEqual([
      0, 200, 200,
    ]);
  });

  it('never allows more rounds than the beat and what was saved', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(500), { maxLength: 60 }), (pauses) => {
        const pace = new GossipPace(100);
        const times: number[] = [];
        let nowMs = 0;
        for (const pauseMs of pauses) {
          nowMs = pace.earliestMs(nowMs + pauseMs);
          pace.spend(nowMs);
          times.push(nowMs);
        }
        for (const [first, fromMs] of times.entries()) {
          for (const [last, untilMs] of times.entries()) {
            if (last < first) continue;
            expect(last - first + 1).toBeLessThanOrEqual((untilMs - fromMs) / 100 + 5.001);
          }
        }
      }),
    );
  });
});
