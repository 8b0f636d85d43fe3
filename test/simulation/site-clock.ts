// The clock of one site: the world's time, with a wall clock of its own, and a process that can be
// killed with all its timers.

import type { Clock, Timer } from '../../daemon/support/clock.ts';

export class SiteClock implements Clock {
  readonly #world: Clock;
  /** How far this site's wall clock is ahead. */
  offsetMs = 0;
  #process = 0;

  constructor(world: Clock) {
    this.#world = world;
  }

  nowMs(): number {
    return this.#world.nowMs() + this.offsetMs;
  }
  monotonicMs(): number {
    return this.#world.monotonicMs();
  }
  after(delayMs: number, run: () => void): Timer {
    const process = this.#process;
    return this.#world.after(delayMs, () => {
      if (process === this.#process) run();
    });
  }

  /** kill -9: no timer of the process that ran until now fires. */
  halt(): void {
    this.#process++;
  }
}
