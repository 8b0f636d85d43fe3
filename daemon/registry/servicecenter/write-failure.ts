// What a refused write means, by ServiceCenter's own error codes (servicecenter-api.md §2, §14); the
// rest is as in any registry.

import { detailOf, failedBy as failedByAnswer, type Failed } from '../common/write-failure.ts';
import type { Trouble } from '../common/trouble.ts';
import { codes } from './api.ts';

/** Gives the failure of a call; its detail names what was tried. */
export function failedBy(trouble: Trouble, what: string): Failed {
  const general = failedByAnswer(trouble, what);
  const { code } = general.failure;
  if (trouble.kind === 'failed' || code === 'too-large' || code === 'rights') return general;
  const detail = detailOf(trouble, what);
  switch (trouble.code) {
    case codes.quota:
      return { ok: false, failure: { code: 'quota', retry: true, detail } };
    case codes.serviceGone:
      return { ok: false, failure: { code: 'service-gone', retry: true, detail } };
    case codes.serviceConflict:
    case codes.hasInstances:
    case codes.hasConsumers:
      return { ok: false, failure: { code: 'conflict', retry: false, detail } };
    default:
      return general;
  }
}
