// Writes to the registry under way in one term: each begins with a permit, asks it again before each of
// its requests, and is waited for when the lead is given back, so that none lands after the next one's.

import type { Clock } from '../support/clock.ts';

/** Leave to make one write. */
export interface WritePermit {
  /** Of the term: what the write is stamped with. */
  readonly epoch: number;
  /** Aborts with the one that asked, and once the write may not go on. */
  readonly signal: AbortSignal;
  /** The write is over. */
  end(): void;
}

/** What the permits ask of the election. */
export interface PermitRules {
  /** The term in which writes may begin at some time; `undefined`: in none. */
  readonly term: () => { readonly epoch: number; readonly lease: string } | undefined;
  /** Whether one may begin at this moment. */
  readonly mayBegin: () => boolean;
  /** Whether one of this term may send its next request at this moment. */
  readonly mayGoOn: (lease: string) => boolean;
  readonly clock: Clock;
}

/** How often one that waits looks again by itself. */
const againMs = 100;

export class WritePermits {
  readonly #rules: PermitRules;
  #underWay = 0;
  #waiters: (() => void)[] = [];

  constructor(rules: PermitRules) {
    this.#rules = rules;
  }

  /** Waits until a write may begin; `undefined`: the term has ended, or `signal` came first. */
  async begin(signal: AbortSignal): Promise<WritePermit | undefined> {
    const { term, mayBegin } = this.#rules;
    const begun = term();
    while (begun !== undefined && term()?.lease === begun.lease && !signal.aborted) {
      if (mayBegin()) return this.#permit(begun, signal);
      await this.#changed(againMs);
    }
    return undefined;
  }

  /** What the rules say may have changed. */
  wake(): void {
    for (const waiter of this.#waiters.splice(0)) waiter();
  }

  /** Waits until no write is under way; false: one was still after `limitMs`. */
  async drained(limitMs: number): Promise<boolean> {
    const { clock } = this.#rules;
    const endMs = clock.monotonicMs() + limitMs;
    while (this.#underWay > 0 && clock.monotonicMs() < endMs) {
      await this.#changed(endMs - clock.monotonicMs());
    }
    return this.#underWay === 0;
  }

  #permit({ epoch, lease }: { epoch: number; lease: string }, asking: AbortSignal): WritePermit {
    const { mayGoOn } = this.#rules;
    const controller = new AbortController();
    const { signal } = controller;
    const follow = (): void => controller.abort(asking.reason);
    asking.addEventListener('abort', follow, { once: true });
    // Asked by each request as it begins (support/deadline.ts). No timer would do: a process that wakes
    // hears the answers that have come meanwhile before its timers.
    let aborted = asking.aborted;
    Object.defineProperty(signal, 'aborted', {
      get: () => {
        if (!aborted && (asking.aborted || !mayGoOn(lease))) {
          aborted = true;
          controller.abort(asking.aborted ? asking.reason : new Error('the term is over'));
        }
        return aborted;
      },
    });
    this.#underWay += 1;
    let ended = false;
    return {
      epoch,
      signal,
      end: () => {
        if (ended) return;
        ended = true;
        asking.removeEventListener('abort', follow);
        this.#underWay -= 1;
        this.wake();
      },
    };
  }

  /** Resolves at the next change, or after so long. */
  #changed(limitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#rules.clock.after(limitMs, resolve);
      this.#waiters.push(() => {
        timer.cancel();
        resolve();
      });
    });
  }
}
