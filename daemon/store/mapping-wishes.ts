// Changes of the mapping that etcd does not have yet: the last wish of each mapping, handed out in
// batches that are one transaction each and never touch a key of another one under way.

import { changeWrites, factsKey, mappingsPerCommit, originalKey } from './etcd-mapping.ts';
import type { EtcdWrite } from './etcd-kv.ts';
import type { MappingChange } from './operations.ts';

/**
 * Transactions that are under way at once: etcd writes those that wait together to its disk at one go.
 * Raising it hastens a large import, and makes more of it to be repeated when the lead is lost.
 */
const batchesAtOnce = 4;

/** One transaction's part. */
export interface WishBatch {
  readonly wishes: ReadonlyMap<string, MappingChange>;
  readonly writes: readonly EtcdWrite[];
}

export class MappingWishes {
  readonly #wishes = new Map<string, MappingChange>();
  /** Keys that a transaction under way writes: another one with them waits, so that order is kept. */
  readonly #underWay = new Set<string>();
  #batches = 0;

  /** Wishes that etcd does not have, those under way among them. */
  get size(): number {
    return this.#wishes.size;
  }
  get isIdle(): boolean {
    return this.#wishes.size === 0 && this.#batches === 0;
  }
  get isFull(): boolean {
    return this.#batches >= batchesAtOnce;
  }

  /** By key of ours. */
  entries(): Iterable<readonly [string, MappingChange]> {
    return this.#wishes;
  }

  add(wish: MappingChange): void {
    const key = keyOf(wish);
    this.#wishes.delete(key);
    this.#wishes.set(key, wish);
  }

  clear(): void {
    this.#wishes.clear();
  }

  /** The oldest wishes that wait for no transaction; `undefined`: none, or enough is under way. */
  take(): WishBatch | undefined {
    if (this.isFull) return undefined;
    const wishes = new Map<string, MappingChange>();
    let looked = 0;
    for (const [key, wish] of this.#wishes) {
      // Those under way come first, and are all that is passed over.
      looked += 1;
      if (wishes.size === mappingsPerCommit || looked > (batchesAtOnce + 1) * mappingsPerCommit) {
        break;
      }
      const other = originalKey('put' in wish ? wish.put : wish.delete);
      if (!this.#underWay.has(key) && !this.#underWay.has(other)) wishes.set(key, wish);
    }
    if (wishes.size === 0) return undefined;
    const writes = changeWrites([...wishes.values()]);
    for (const { key } of writes) this.#underWay.add(key);
    this.#batches += 1;
    return { wishes, writes };
  }

  /** The transaction is over. `written`: what was not wished otherwise meanwhile waits no more. */
  over({ wishes, writes }: WishBatch, written: boolean): void {
    for (const { key } of writes) this.#underWay.delete(key);
    this.#batches -= 1;
    if (!written) return;
    for (const [key, wish] of wishes) {
      if (this.#wishes.get(key) === wish) this.#wishes.delete(key);
    }
  }
}

function keyOf(wish: MappingChange): string {
  return factsKey('put' in wish ? wish.put : wish.delete);
}
