import { describe, expect, it } from 'vitest';
import { LamportClock } from './lamport.ts';

describe('LamportClock', () => {
  it('starts at 1, counts on, and moves past what it sees', () => {
    const clock = new LamportClock();
    expect(clock.time).toBe(1);
    expect(clock.increment()).toBe(2);
    expect(clock.witness(2)).toBe(true);
    expect(clock.time).toBe(3);
    expect(clock.witness(1)).toBe(true);
    expect(clock.time).toBe(3);
  });

  it('is not poisoned by one packet with the largest time', () => {
    const clock = new LamportClock();
    expect(clock.witness(Number.MAX_SAFE_INTEGER)).toBe(false);
    expect(clock.time).toBe(1);
    expect(clock.witness(2 ** 31)).toBe(true);
    expect(clock.time).toBe(2 ** 31 + 1);
  });
});
