// Lines for a person about what arrives wrongly: the first of a kind and source at once, then one
// a minute with the count, for a bounded number of sources.

import type { Clock } from '../../support/clock.ts';
import type { Trouble } from './delegate.ts';

const intervalMs = 60_000;
/** Sources remembered; more would let forged ones fill the memory. */
const maxSources = 256;

interface Seen {
  lastMs: number;
  count: number;
}

export class TroubleLog {
  readonly #clock: Clock;
  readonly #report: ((trouble: Trouble) => void) | undefined;
  readonly #seen = new Map<string, Seen>();
  #budget = maxSources;
  #budgetMs = 0;

  constructor(clock: Clock, report: ((trouble: Trouble) => void) | undefined) {
    this.#clock = clock;
    this.#report = report;
  }

  note(code: Trouble['code'], source: string, detail: string): void {
    if (this.#report === undefined) return;
    const nowMs = this.#clock.monotonicMs();
    const key = `${code} ${source}`;
    const seen = this.#seen.get(key);
    if (seen !== undefined && nowMs - seen.lastMs < intervalMs) {
      seen.count += 1;
      return;
    }
    if (!this.#withinBudget(nowMs)) return;
    const count = (seen?.count ?? 0) + 1;
    this.#seen.delete(key);
    this.#seen.set(key, { lastMs: nowMs, count: 0 });
    const [oldest] = this.#seen.keys();
    if (this.#seen.size > maxSources && oldest !== undefined) this.#seen.delete(oldest);
    this.#report({ code, source, detail, count });
  }

  /** Forged sources are new each time: all lines together are limited as well. */
  #withinBudget(nowMs: number): boolean {
    if (nowMs - this.#budgetMs >= intervalMs) {
      this.#budgetMs = nowMs;
      this.#budget = maxSources;
    }
    this.#budget -= 1;
    return this.#budget >= 0;
  }
}
