// Waiting longer after each failure, with jitter so that many do not return at once.

import type { Random } from './random.ts';

export interface BackoffOptions {
  /** The first wait, milliseconds. */
  readonly initialMs: number;
  /** The longest wait. Raising it spares a dead peer and finds its return later. */
  readonly maxMs: number;
  /** Each wait is this many times the last. */
  readonly factor: number;
}

export interface Backoff {
  /** The next wait in milliseconds, ±20 %. */
  nextMs(): number;
  /** After a success. */
  reset(): void;
}

/** Gives exponential waits with ±20 % jitter. */
export function backoff(options: BackoffOptions, random: Random): Backoff {
  let currentMs = options.initialMs;
  return {
    nextMs() {
      const waitMs = currentMs * (0.8 + 0.4 * random.next());
      currentMs = Math.min(options.maxMs, currentMs * options.factor);
      return waitMs;
    },
    reset() {
      currentMs = options.initialMs;
    },
  };
}
