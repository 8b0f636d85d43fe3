// The clock of one simulated process, which can be stopped like a process is (SIGSTOP, a long
// garbage collection, a laptop lid): time goes on, but nothing of the process runs until it
// resumes; then everything that fell due runs at once, late.

import type { Clock, Timer } from '../../support/clock.ts';

export class ProcessClock implements Clock {
  readonly #clock: Clock;
  readonly #late: (() => void)[] = [];
  #paused = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  after(delayMs: number, run: () => void): Timer {
    let cancelled = false;
    const timer = this.#clock.after(delayMs, () => {
      if (this.#paused) this.#late.push(() => cancelled || run());
      else run();
    });
    return {
      cancel: () => {
        cancelled = true;
        timer.cancel();
      },
    };
  }

  get paused(): boolean {
    return this.#paused;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    for (const run of this.#late.splice(0)) this.#clock.after(0, run);
  }
}
