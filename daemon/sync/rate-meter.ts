// How many a second, over the last seconds.

import type { Clock } from '../support/clock.ts';

const slots = 10;

export class RateMeter {
  readonly #clock: Clock;
  readonly #counts = new Float64Array(slots);
  #second = 0;
  #startedMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
  }

  count(): void {
    this.#move();
    const slot = this.#second % slots;
    this.#counts[slot] = (this.#counts[slot] ?? 0) + 1;
  }

  /** Over the last `seconds` at most (1 to 10), the running one in part; 0 in the first half second. */
  perSecond(seconds = slots): number {
    this.#move();
    let sum = 0;
    for (let ago = 0; ago < Math.min(seconds, this.#second + 1); ago++) {
      sum += this.#counts[(this.#second - ago) % slots] ?? 0;
    }
    const nowMs = this.#clock.monotonicMs();
    const intoSecondMs = nowMs - this.#second * 1000;
    const coveredMs = Math.min(nowMs - this.#startedMs, (seconds - 1) * 1000 + intoSecondMs);
    return coveredMs < 500 ? 0 : (1000 * sum) / coveredMs;
  }

  #move(): void {
    const second = Math.floor(this.#clock.monotonicMs() / 1000);
    if (second === this.#second) return;
    if (this.#counts.every((count) => count === 0)) this.#startedMs = this.#clock.monotonicMs();
    const from = Math.max(this.#second + 1, second - slots + 1);
    for (let each = from; each <= second; each++) this.#counts[each % slots] = 0;
    this.#second = second;
  }
}
