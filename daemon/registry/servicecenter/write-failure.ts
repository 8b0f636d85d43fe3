// What a refused or unanswered write means for the caller: one failure for each cause
// (servicecenter-api.md §2, §14).

import type { WriteFailure, WriteResult } from '../driver.ts';
import { codes, type Trouble } from './api.ts';

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

function failureOf(trouble: Trouble, what: string): WriteFailure {
  if (trouble.kind === 'failed') {
    const detail = `${what}: ${trouble.failure.detail}`;
    switch (trouble.failure.code) {
      case 'unreachable':
        return { code: 'unreachable', retry: true, detail };
      case 'timeout':
        return { code: 'timeout', retry: true, detail };
      case 'bad-answer':
        return { code: 'server-error', retry: true, detail };
    }
  }
  const { status, code, message } = trouble;
  const detail = `${what}: HTTP ${status} ${code} ${message}`.trim();
  if (/too large/i.test(message)) return { code: 'too-large', retry: false, detail };
  if (status === 401 || status === 403) return { code: 'rights', retry: true, detail };
  switch (code) {
    case codes.quota:
      return { code: 'quota', retry: true, detail };
    case codes.serviceGone:
      return { code: 'service-gone', retry: true, detail };
    case codes.serviceConflict:
    case codes.hasInstances:
    case codes.hasConsumers:
      return { code: 'conflict', retry: false, detail };
  }
  // 404 and 405 come from a proxy or another kind of server, 429 from a rate limit.
  if (status >= 500 || status === 404 || status === 405 || status === 429) {
    return { code: 'server-error', retry: true, detail };
  }
  return { code: 'invalid', retry: false, detail };
}
