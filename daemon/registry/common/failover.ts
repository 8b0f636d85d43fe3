// Several addresses of one registry: one is in use, and the others are asked in turn when it cannot be
// reached. The one that answers is in use from then on.

import type { CallFailure } from './call-failure.ts';
import type { Trouble } from './trouble.ts';

export interface FailoverEvents {
  /** A connection was refused or cut, or another address answers now. */
  interrupted(detail: string): void;
  /** A read was answered. */
  answered(): void;
}

export interface Failover<A> {
  /** The address in use. */
  readonly address: A;
  /** Gives the first answer that is worth something, or the last failure. Rejects as `send` does. */
  ask<R extends { readonly kind: 'ok' } | Trouble>(
    use: 'read' | 'write' | 'watch',
    send: (address: A) => Promise<R>,
  ): Promise<R>;
}

/** Gives the failover over `addresses`, of which `first` is in use; `shown` names one for people. */
export function createFailover<A>(
  first: A,
  addresses: readonly A[],
  shown: (address: A) => string,
  events: FailoverEvents,
): Failover<A> {
  let current = first;
  return {
    get address() {
      return current;
    },
    async ask(use, send) {
      const begun = current;
      let answer = await send(begun);
      const start = addresses.indexOf(begun);
      for (let step = 1; step < addresses.length; step += 1) {
        if (answer.kind !== 'failed' || !mayAskAnother(use, answer.failure)) break;
        const next = addresses[(start + step) % addresses.length] ?? begun;
        answer = await send(next);
        if (answer.kind !== 'failed' && current === begun) {
          current = next;
          events.interrupted(`from ${shown(begun)} to ${shown(next)}`);
        }
      }
      if (answer.kind === 'failed') {
        if (answer.failure.interrupts) events.interrupted(answer.failure.detail);
      } else if (use === 'read' && (answer.kind === 'ok' || answer.status < 500)) {
        events.answered();
      }
      return answer;
    },
  };
}

/** A write that was perhaps done is not sent again elsewhere; its caller decides by a fresh read. */
function mayAskAnother(use: 'read' | 'write' | 'watch', failure: CallFailure): boolean {
  return failure.code === 'unreachable' && (use !== 'write' || !failure.sent);
}
