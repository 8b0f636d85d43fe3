// Digests that show drift between an export log and what a peer holds of it: per bucket of keys the
// XOR of one number per record. Both sides compute them with this file.

import { bucketCount } from '../model/records.ts';
import { xor52 } from '../support/hash.ts';

const word = 2 ** 32;

/** The bucket of a record key, 0 to `bucketCount - 1` (FNV-1a over its UTF-16 units). */
export function bucketOf(key: string): number {
  return fnv(key) % bucketCount;
}

/** Per-bucket digests, kept up to date record by record. */
export class DigestTable {
  readonly #values = new Float64Array(bucketCount);

  /** Adds a record, or takes it out again: XOR undoes itself. */
  toggle(key: string, hash: number): void {
    const keyHash = fnv(key);
    const index = keyHash % bucketCount;
    this.#values[index] = xor52(this.#values[index] ?? 0, termOf(keyHash, hash));
  }

  values(): readonly number[] {
    return [...this.#values];
  }

  clear(): void {
    this.#values.fill(0);
  }
}

/** Binds a content hash to its key, so that contents that change places do not cancel out. */
function termOf(keyHash: number, hash: number): number {
  const low = Math.imul((hash % word) ^ keyHash, 0x9e3779b1) >>> 0;
  const high = (Math.floor(hash / word) ^ (Math.imul(keyHash, 0x85ebca6b) >>> 12)) & 0xfffff;
  return high * word + low;
}

function fnv(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}
