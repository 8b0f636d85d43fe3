import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../support/virtual-clock.ts';
import { RateMeter } from './rate-meter.ts';

function run(clock: VirtualClock, meter: RateMeter, forMs: number, everyMs: number): void {
  for (let atMs = 0; atMs < forMs; atMs += everyMs) {
    clock.advance(everyMs);
    meter.count();
  }
}

describe('RateMeter', () => {
  it('gives a steady rate as it is, wherever in a second it is asked', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(3, 10),
        fc.integer({ min: 2, max: 40 }),
        fc.integer({ min: 0, max: 2000 }),
        fc.integer({ min: 4000, max: 30_000 }),
        (window, everyMs, quietMs, forMs) => {
          const clock = new VirtualClock();
          clock.advance(quietMs);
          const meter = new RateMeter(clock);
          run(clock, meter, forMs, everyMs);
          const rate = 1000 / everyMs;
          expect(Math.abs(meter.perSecond(window) - rate) / rate).toBeLessThan(0.05);
        },
      ),
    );
  });

  it('follows a change within the seconds that it looks at', () => {
    const clock = new VirtualClock();
    const meter = new RateMeter(clock);
    run(clock, meter, 10_000, 100);
    run(clock, meter, 3000, 10);
    expect(meter.perSecond(3)).toBeGreaterThan(95);
    expect(meter.perSecond()).toBeLessThan(50);
  });

  it('forgets what is long ago', () => {
    const clock = new VirtualClock();
    const meter = new RateMeter(clock);
    run(clock, meter, 2000, 10);
    clock.advance(11_000);
    expect(meter.perSecond()).toBe(0);
  });
});
