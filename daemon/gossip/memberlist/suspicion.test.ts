import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { Awareness } from './awareness.ts';
import {
  expectedConfirmations,
  remainingSuspicionMs,
  Suspicion,
  suspicionTimeoutMs,
} from './suspicion.ts';

describe('suspicion timeouts', () => {
  it.each([
    [4, 1, 1000, 4000],
    [4, 10, 1000, 4000],
    [4, 30, 1000, 5908],
    [4, 50, 1000, 6792],
    [4, 100, 1000, 8000],
    [6, 10, 5000, 30_000],
    [6, 100, 5000, 60_000],
    [3, 10, 1000, 3000],
  ])('of mult %d, %d nodes, interval %d ms: %d ms (serf-wire.md §7)', (mult, n, interval, want) => {
    expect(suspicionTimeoutMs(mult, n, interval)).toBe(want);
  });

  it('expects confirmations only where the pool has enough members to give them', () => {
    expect([1, 2, 3, 4, 50].map((nodes) => expectedConfirmations(4, nodes))).toEqual([
      0, 0, 0, 2, 2,
    ]);
  });

  it('fall with each confirmation from the longest to the shortest', () => {
    const left = [0, 1, 2, 3].map((count) => remainingSuspicionMs(count, 3, 0, 2000, 30_000));
    expect(left).toEqual([30_000, 16_000, 7810, 2000]);
    expect(remainingSuspicionMs(3, 3, 5000, 2000, 30_000)).toBe(-3000);
  });
});

function suspicion(expected: number): {
  clock: VirtualClock;
  fired: number[];
  subject: Suspicion;
  stalls: number[];
} {
  const clock = new VirtualClock();
  const fired: number[] = [];
  const stalls: number[] = [];
  const subject = new Suspicion({
    clock,
    defer: (run) => void clock.after(0, run),
    stalled: (lateMs) => stalls.push(lateMs),
    graceMs: 500,
    from: 'first',
    expected,
    minMs: 4000,
    maxMs: 24_000,
    expired: () => fired.push(clock.monotonicMs()),
  });
  return { clock, fired, subject, stalls };
}

describe('Suspicion', () => {
  it('runs for the longest time when nobody confirms', () => {
    const { clock, fired } = suspicion(2);
    clock.advance(60_000);
    expect(fired).toEqual([24_000]);
  });

  it('runs for the shortest time when nobody could confirm', () => {
    const { clock, fired } = suspicion(0);
    clock.advance(60_000);
    expect(fired).toEqual([4000]);
  });

  it('counts each accuser once, the first not at all, and none beyond the expected', () => {
    const { clock, fired, subject } = suspicion(2);
    expect(['first', 'b', 'b', 'c', 'd'].map((from) => subject.confirm(from))).toEqual([
      false,
      true,
      false,
      true,
      false,
    ]);
    clock.advance(3999);
    expect(fired).toEqual([]);
    clock.advance(1);
    expect(fired).toEqual([4000]);
  });

  it('fires at once when the confirmation comes after its time', () => {
    const { clock, fired, subject } = suspicion(1);
    clock.advance(10_000);
    subject.confirm('b');
    clock.advance(0);
    expect(fired).toEqual([10_000]);
  });

  it('does not fire when cancelled', () => {
    const { clock, fired, subject } = suspicion(2);
    subject.cancel();
    clock.advance(60_000);
    expect(fired).toEqual([]);
  });
});

describe('Awareness', () => {
  it('stays within 0 and the maximum, and scales timeouts', () => {
    const awareness = new Awareness(8);
    awareness.applyDelta(-1);
    expect(awareness.healthScore).toBe(0);
    expect(awareness.scaleTimeoutMs(1000)).toBe(1000);
    awareness.applyDelta(3);
    expect(awareness.scaleTimeoutMs(1000)).toBe(4000);
    awareness.applyDelta(100);
    expect(awareness.healthScore).toBe(7);
  });
});
