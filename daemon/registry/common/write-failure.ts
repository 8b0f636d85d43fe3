// What a refused or unanswered write means for the caller, where the registry has no codes of its own;
// a registry that has some looks at those first.

import type { WriteFailure, WriteResult } from '../driver.ts';
import type { Trouble } from './trouble.ts';

/** A write that did not happen. */
export interface Failed {
  readonly ok: false;
  readonly failure: WriteFailure;
}

export const done: WriteResult<void> = { ok: true, value: undefined };

/** Gives the failure of a call; its detail names what was tried. */
export function failedBy(trouble: Trouble, what: string): Failed {
  return { ok: false, failure: failureOf(trouble, what) };
}

export function notOurs(detail: string): Failed {
  return { ok: false, failure: { code: 'not-ours', retry: false, detail } };
}

export function tooLarge(detail: string): Failed {
  return { ok: false, failure: { code: 'too-large', retry: false, detail } };
}

export function conflict(detail: string): Failed {
  return { ok: false, failure: { code: 'conflict', retry: false, detail } };
}

/** Gives the words for a trouble: what was tried, and what came of it. */
export function detailOf(trouble: Trouble, what: string): string {
  if (trouble.kind === 'failed') return `${what}: ${trouble.failure.detail}`;
  return `${what}: HTTP ${trouble.status} ${trouble.code} ${trouble.message}`.trim();
}

function failureOf(trouble: Trouble, what: string): WriteFailure {
  const detail = detailOf(trouble, what);
  if (trouble.kind === 'failed') {
    switch (trouble.failure.code) {
      case 'unreachable':
        return { code: 'unreachable', retry: true, detail };
      case 'timeout':
        return { code: 'timeout', retry: true, detail };
      case 'bad-answer':
        return { code: 'server-error', retry: true, detail };
    }
  }
  const { status, message } = trouble;
  if (/too large/i.test(message)) return { code: 'too-large', retry: false, detail };
  if (status === 401 || status === 403) return { code: 'rights', retry: true, detail };
  // 404 and 405 come from a proxy or another kind of server, 429 from a rate limit.
  if (status >= 500 || status === 404 || status === 405 || status === 429) {
    return { code: 'server-error', retry: true, detail };
  }
  return { code: 'invalid', retry: false, detail };
}
