// How many a second, over the last ten seconds.

import type { Clock } from '../support/clock.ts';

const windowSeconds = 10;

export class RateMeter {
  readonly #clock: Clock;
  readonly #counts = new Float64Array(windowSeconds);
  #second = 0;
  #startedMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
  }

  count(): void {
    this.#move();
    const slot = this.#second % windowSeconds;
    this.#counts[slot] = (this.#counts[slot] ?? 0) + 1;
  }

  perSecond(): number {
    this.#move();
    const sum = this.#counts.reduce((total, count) => total + count, 0);
    const elapsedSeconds = (this.#clock.monotonicMs() - this.#startedMs) / 1000;
    return sum / Math.max(1, Math.min(windowSeconds, elapsedSeconds));
  }

  #move(): void {
    const second = Math.floor(this.#clock.monotonicMs() / 1000);
    if (second === this.#second) return;
    if (this.#counts.every((count) => count === 0)) this.#startedMs = this.#clock.monotonicMs();
    const from = Math.max(this.#second + 1, second - windowSeconds + 1);
    for (let each = from; each <= second; each++) this.#counts[each % windowSeconds] = 0;
    this.#second = second;
  }
}
