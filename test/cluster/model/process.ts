// One process of the model: it has a clock of its own, is paused with all that comes in meanwhile, and
// killed without a word. What arrived during a pause is heard before its timers, as Node does it.

import type { Clock, Timer } from '../../../daemon/support/clock.ts';
import type { VirtualClock } from '../../../daemon/support/virtual-clock.ts';

export class ModelProcess implements Clock {
  isPaused = false;
  isDead = false;
  /** Its wall clock is wrong by so much. */
  wallOffsetMs = 0;
  readonly #clock: VirtualClock;
  #arrivals: (() => void)[] = [];
  #due: (() => void)[] = [];

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  get runs(): boolean {
    return !this.isDead && !this.isPaused;
  }

  nowMs(): number {
    return this.#clock.nowMs() + this.wallOffsetMs;
  }
  monotonicMs(): number {
    return this.#clock.monotonicMs();
  }
  after(delayMs: number, run: () => void): Timer {
    let cancelled = false;
    const fire = (): void => {
      if (this.isDead || cancelled) return;
      if (this.isPaused) this.#due.push(fire);
      else run();
    };
    this.#clock.after(delayMs, fire);
    return { cancel: () => void (cancelled = true) };
  }

  /** Something arrives from outside. */
  hear(run: () => void): void {
    if (this.isDead) return;
    if (this.isPaused) this.#arrivals.push(run);
    else run();
  }

  /** SIGSTOP. */
  pause(): void {
    this.isPaused = true;
  }

  /** SIGCONT. */
  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    const waiting = [...this.#arrivals.splice(0), ...this.#due.splice(0)];
    for (const run of waiting) this.#clock.after(0, () => this.hear(run));
  }

  /** SIGKILL. */
  kill(): void {
    this.isDead = true;
    this.#arrivals = [];
    this.#due = [];
  }
}
