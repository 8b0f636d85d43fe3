// Digests of a set of records: what both ends of a replication compare to prove that they hold the
// same. A record falls into one of 256 buckets by its key; a bucket's digest is the exclusive or of
// its records' digests, so records can be put in and taken out in any order. Both ends must compute
// them alike: a change here is a new replication version.

import { xor52 } from '../support/hash.ts';
import { bucketCount } from './records.ts';

/** The bucket of a key, in [0, `bucketCount`). */
export function bucketOf(key: string): number {
  let state = 0x811c9dc5;
  for (let index = 0; index < key.length; index++) {
    state = Math.imul(state ^ key.charCodeAt(index), 0x01000193);
  }
  return finish(state) % bucketCount;
}

/**
 * The digest of one record, an integer in [0, 2^52). Key and hash are mixed, not combined: two
 * records that have swapped their contents give another digest.
 */
export function recordDigest(key: string, hash: number): number {
  let left = 0xdeadbeef ^ Math.floor(hash / 2 ** 32);
  let right = 0x41c6ce57 ^ (hash % 2 ** 32);
  for (let index = 0; index < key.length; index++) {
    const code = key.charCodeAt(index);
    left = Math.imul(left ^ code, 0x9e3779b1);
    right = Math.imul(right ^ code, 0x5f356495);
  }
  const low = finish(left ^ Math.imul(right, 0x85ebca6b));
  const high = finish(right ^ Math.imul(left, 0xc2b2ae35)) & 0xfffff;
  return high * 2 ** 32 + low;
}

/** Digests of a changing set: one number a bucket. */
export class DigestTable {
  readonly #digests: number[] = new Array<number>(bucketCount).fill(0);

  /** Puts a record in, or takes out one that is in. */
  toggle(key: string, hash: number): void {
    const bucket = bucketOf(key);
    this.#digests[bucket] = xor52(this.#digests[bucket] ?? 0, recordDigest(key, hash));
  }

  /** The digests as of now, `bucketCount` of them; later changes do not show in what was given. */
  values(): readonly number[] {
    return this.#digests.slice();
  }
}

function finish(state: number): number {
  let mixed = state ^ (state >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
