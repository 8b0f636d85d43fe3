// What a call to a registry over HTTP came to, when it did not give what it should.

import type { CallFailure } from './call-failure.ts';

/** Why a call did not give what it should. */
export type Trouble =
  /** An answer with another status than 2xx; `code` is the registry's own, empty where it has none. */
  | {
      readonly kind: 'refused';
      readonly status: number;
      readonly code: string;
      readonly message: string;
    }
  /** No answer, or none that can be read. */
  | { readonly kind: 'failed'; readonly failure: CallFailure };

/** What a call gave, or why it gave nothing. */
export type Outcome<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly trouble: Trouble };

/** Gives the trouble of an answer that was read and cannot be used; half an answer is none. */
export function badAnswer(detail: string): Trouble {
  return {
    kind: 'failed',
    failure: { code: 'bad-answer', interrupts: false, sent: true, detail },
  };
}
