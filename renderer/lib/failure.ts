// What is said about a request that failed: the table of errors has a text and a remedy for every
// code; what never reached the daemon is said by the page itself.

import { describeError, isErrorCode } from '../../proto/errors.ts';
import { RemoteError } from '../../proto/ipc/verbs.ts';
import type { Translate } from '../../proto/translate.ts';

export interface Failure {
  readonly text: string;
  /** What to do; empty: nothing is known that helps. */
  readonly remedy: string;
}

/** Gives what went wrong and what to do, in the translator's language. */
export function describeFailure(error: unknown, translate: Translate): Failure {
  if (!(error instanceof RemoteError)) {
    return { text: translate('ui.failure.unexpected', { detail: String(error) }), remedy: '' };
  }
  const { code, parameters, message } = error;
  if (isErrorCode(code)) return describeError({ code, parameters }, translate);
  if (code === 'unreachable') {
    return {
      text: translate('ui.failure.unreachable'),
      remedy: translate('ui.failure.unreachable-remedy'),
    };
  }
  if (code === 'http' && (parameters.status === 401 || parameters.status === 403)) {
    return {
      text: translate('ui.failure.session'),
      remedy: translate('ui.failure.session-remedy'),
    };
  }
  return { text: translate('ui.failure.unexpected', { detail: message }), remedy: '' };
}
