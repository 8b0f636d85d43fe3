// Changes of the mapping that etcd does not have yet: the last wish of each mapping, handed out in
// batches that are one transaction each and never touch a key of another one under way.

import { changeWrites, factsKey, mappingsPerCommit, originalKey } from './etcd-mapping.ts';
import type { EtcdWrite } from './etcd-kv.ts';
import type { MappingChange } from './operations.ts';

/**
 * Transactions that are under way at once: etcd writes those that wait together to its disk at one go.
 * Raising it hastens a large import, and makes more of it to be repeated when the lead is lost.
 */
export const batchesAtOnce = 4;

/** Wishes that may wait for keys under way before a batch looks no further. */
const mostPassedOver = batchesAtOnce * mappingsPerCommit;

/** One transaction's part. */
export interface WishBatch {
  readonly wishes: ReadonlyMap<string, MappingChange>;
  readonly writes: readonly EtcdWrite[];
}

export class MappingWishes {
  readonly #wishes = new Map<string, MappingChange>();
  /** Keys that a transaction under way writes: another one with them waits, so that order is kept. */
  readonly #underWay = new Set<string>();
  /** What is under way itself. */
  readonly #sent = new Set<MappingChange>();
  /** Where the next batch begins: a walk from the front steps over every wish that was deleted there. */
  #rest: MapIterator<[string, MappingChange]> | undefined;
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
    this.#rest = undefined;
  }

  /** The oldest wishes that wait for no transaction; `undefined`: none, or enough is under way. */
  take(): WishBatch | undefined {
    if (this.isFull) return undefined;
    const wishes = new Map<string, MappingChange>();
    let passedOver = 0;
    this.#rest ??= this.#wishes.entries();
    while (wishes.size < mappingsPerCommit && passedOver < mostPassedOver) {
      const next = this.#rest.next();
      if (next.done === true) {
        this.#rest = undefined;
        break;
      }
      const [key, wish] = next.value;
      if (this.#sent.has(wish)) continue;
      const other = originalKey('put' in wish ? wish.put : wish.delete);
      if (this.#underWay.has(key) || this.#underWay.has(other)) passedOver += 1;
      else wishes.set(key, wish);
    }
    // What waits for a key is older than what comes behind it: the next batch begins there.
    if (passedOver > 0) this.#rest = undefined;
    if (wishes.size === 0) return undefined;
    const writes = changeWrites([...wishes.values()]);
    for (const { key } of writes) this.#underWay.add(key);
    for (const wish of wishes.values()) this.#sent.add(wish);
    this.#batches += 1;
    return { wishes, writes };
  }

  /** The transaction is over. `written`: what was not wished otherwise meanwhile waits no more. */
  over({ wishes, writes }: WishBatch, written: boolean): void {
    for (const { key } of writes) this.#underWay.delete(key);
    for (const wish of wishes.values()) this.#sent.delete(wish);
    this.#batches -= 1;
    if (!written) {
      this.#rest = undefined;
      return;
    }
    for (const [key, wish] of wishes) {
      if (this.#wishes.get(key) === wish) this.#wishes.delete(key);
    }
  }
}

function keyOf(wish: MappingChange): string {
  return factsKey('put' in wish ? wish.put : wish.delete);
}
