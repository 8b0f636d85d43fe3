// A cold cache: a server that has begun to answer before it has read all of its data.

import { hash52 } from '../support/hash.ts';
import type { Context } from './context.ts';

const largest = 2 ** 52;

/** Whether the cache shows the record of this id; the same ids are hidden at a given share. */
export function isVisible(context: Context, id: string): boolean {
  const share = context.cache.visibleShare;
  return share >= 1 || hash52(id) / largest < share;
}
