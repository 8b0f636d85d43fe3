import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClockFilter } from './clock-filter.ts';

/** One echo over a way of `outMs` there and `backMs` back; our clock is `offsetMs` ahead. */
function echo(
  filter: ClockFilter,
  nowMs: number,
  offsetMs: number,
  outMs: number,
  backMs: number,
): void {
  filter.add(nowMs + offsetMs, nowMs + outMs, nowMs + offsetMs + outMs + backMs, outMs + backMs);
}

describe('ClockFilter', () => {
  it('knows nothing before the first echo', () => {
    expect(new ClockFilter().best).toBeUndefined();
  });

  it('is never further off than half the best round trip', () => {
    const ways = fc.array(fc.tuple(fc.nat({ max: 500 }), fc.nat({ max: 500 })), { minLength: 1 });
    fc.assert(
      fc.property(ways, fc.integer({ min: -1e6, max: 1e6 }), (list, offsetMs) => {
        const filter = new ClockFilter();
        list.forEach(([out, back], index) => echo(filter, index * 1_000, offsetMs, out, back));
        const best = filter.best!;
        expect(Math.abs(best.offsetMs - offsetMs)).toBeLessThanOrEqual(best.roundTripMs / 2);
      }),
    );
  });

  it('follows a clock that is stepped at once', () => {
    const filter = new ClockFilter();
    for (let second = 0; second < 20; second++) echo(filter, second * 1_000, 0, 1, 1);
    echo(filter, 20_000, 600_000, 5, 5);
    expect(filter.best?.offsetMs).toBe(600_000);
  });
});
