// The end of one call: by time, or with a larger undertaking. `AbortSignal.any` over `AbortSignal.timeout`
// means the same, but its timer cannot be let go: at a thousand calls a second ten thousand wait to fire.

import { systemClock, type Clock } from './clock.ts';

export interface Deadline {
  readonly signal: AbortSignal;
  /** The call is done: lets the timer and the parent go. */
  readonly release: () => void;
}

/**
 * Gives a signal that is aborted after `limitMs` with a `TimeoutError`, or with `parent` for its reason.
 * Call `release` when the call is done.
 */
export function deadline(
  limitMs: number,
  parent: AbortSignal | undefined,
  clock: Pick<Clock, 'after'> = systemClock,
): Deadline {
  const controller = new AbortController();
  const follow = (): void => controller.abort(parent?.reason);
  if (parent?.aborted === true) follow();
  else parent?.addEventListener('abort', follow, { once: true });
  const timer = clock.after(limitMs, () => {
    controller.abort(new DOMException(`no answer within ${limitMs} ms`, 'TimeoutError'));
  });
  return {
    signal: controller.signal,
    release: () => {
      timer.cancel();
      parent?.removeEventListener('abort', follow);
    },
  };
}
