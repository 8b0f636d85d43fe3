// Which page a client asks for, within bounds.

import { SyncerError } from '../../proto/errors.ts';
import type { Page } from './page.ts';

export interface PageWish {
  readonly offset: number;
  /** 0: the usual number. */
  readonly limit: number;
  readonly sortBy: string;
  readonly descending: boolean;
}

const usualLimit = 200;
/** Most rows in one answer. Raising it makes answers that hold up all others on the socket. */
const largestLimit = 10_000;

/** Gives the page with its defaults filled in. Throws `request.wrong-argument`. */
export function pageOf(wish: PageWish | undefined): Page & Pick<PageWish, 'sortBy' | 'descending'> {
  if (wish === undefined) return { offset: 0, limit: usualLimit, sortBy: '', descending: false };
  if (wish.limit > largestLimit) {
    throw new SyncerError('request.wrong-argument', {
      argument: 'limit',
      value: wish.limit,
      expected: `1..${largestLimit}`,
    });
  }
  return { ...wish, limit: wish.limit === 0 ? usualLimit : wish.limit };
}
