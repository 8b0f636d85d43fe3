// What `enable_cache=0` makes of reads: an answer stays as it was for two minutes from its first use,
// false "not modified" and false "does not exist" included (servicecenter-api.md §12).

import type { Clock } from '../support/clock.ts';
import type { Instance } from './content.ts';

/** What a find gives: the revision, and the instances unless the caller has them already. */
export interface Found {
  readonly rev: string;
  /** Undefined: not modified. */
  readonly instances: readonly Instance[] | undefined;
}

const frozenMs = 120_000;
/** Kept answers; the oldest goes first. Raising it costs memory only. */
const largestCount = 100_000;

interface Kept {
  found: Found;
  readonly untilMs: number;
  /** A differing revision made it read the data anew, which it does once. */
  refreshed: boolean;
}

export class Frozen {
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Gives the kept answer for `key`, or the present one, kept from now on. */
  answer(key: string, rev: string, read: () => Found): Found {
    const nowMs = this.#clock.monotonicMs();
    let kept = this.#kept.get(key);
    if (kept === undefined || kept.untilMs <= nowMs) {
      kept = { found: read(), untilMs: nowMs + frozenMs, refreshed: false };
      this.#kept.delete(key);
      this.#kept.set(key, kept);
      const oldest = this.#kept.keys().next().value;
      if (this.#kept.size > largestCount && oldest !== undefined) this.#kept.delete(oldest);
    }
    if (rev !== '' && rev !== kept.found.rev && !kept.refreshed) {
      kept.refreshed = true;
      kept.found = read();
    }
    return rev === kept.found.rev ? { rev, instances: undefined } : kept.found;
  }

  clear(): void {
    this.#kept.clear();
  }
}
