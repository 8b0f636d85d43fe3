// Calls over a network that is slow, cut, or loses an answer: a request may be carried out though its
// caller hears nothing. The caller has a deadline by its own clock.

import type { Random } from '../../../daemon/support/random.ts';
import type { VirtualClock } from '../../../daemon/support/virtual-clock.ts';
import type { ModelProcess } from './process.ts';

/** The way from one process to one server. */
export interface Link {
  isCut: boolean;
  /** Longest travel in one direction. */
  travelMs: number;
}

export interface CallParts {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly process: ModelProcess;
  readonly link: Link;
  /** Of the server's own: `undefined`: it does not answer now. */
  readonly serverMs: () => number | undefined;
  readonly deadlineMs: number;
}

/** Asks the server: `apply` runs there. Rejects with what it throws, or at the deadline. */
export function call<T>(parts: CallParts, apply: () => T): Promise<T> {
  const { clock, random, process, link, serverMs, deadlineMs } = parts;
  const travel = (): number => 1 + random.next() * (link.travelMs - 1);
  return new Promise<T>((resolve, reject) => {
    const timer = process.after(deadlineMs, () => reject(new Error('deadline exceeded')));
    const answer = (settle: () => void): void => {
      clock.after(travel(), () => {
        if (link.isCut) return;
        process.hear(() => {
          timer.cancel();
          settle();
        });
      });
    };
    // Sent: it arrives though the process may end meanwhile.
    clock.after(travel(), () => {
      const tookMs = serverMs();
      if (link.isCut || tookMs === undefined) return;
      // Before it is carried out, and before that is said.
      const beforeMs = tookMs * random.next();
      clock.after(beforeMs, () => {
        const thenMs = tookMs - beforeMs;
        try {
          const value = apply();
          clock.after(thenMs, () => answer(() => resolve(value)));
        } catch (error) {
          const thrown = error instanceof Error ? error : new Error(String(error));
          clock.after(thenMs, () => answer(() => reject(thrown)));
        }
      });
    });
  });
}
