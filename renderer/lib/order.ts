// Orders to the daemon: done and said, or failed and said why.

import { RemoteError } from '../../proto/ipc/verbs.ts';
import type { Translate } from '../../proto/translate.ts';
import { describeFailure } from './failure.ts';
import { toasts } from './toasts.svelte.ts';

/** Carries out `order`; gives whether it went well. `said` makes the note of its outcome. */
export async function carryOut<T>(
  order: Promise<T>,
  translate: Translate,
  said: (outcome: T) => string,
): Promise<boolean> {
  try {
    toasts.done(said(await order));
    return true;
  } catch (error) {
    // A person closed the question: nothing to be said about that.
    if (error instanceof RemoteError && error.code === 'request.cancelled') return false;
    const { text, remedy } = describeFailure(error, translate);
    toasts.failed(text, remedy);
    return false;
  }
}
