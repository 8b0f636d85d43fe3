// The writer's epoch, which stamps carry: a writer with an older one never overwrites a newer one's
// work. A counter that grows at each start, or the term of the leader's election.

import type { StateStore } from '../store/ports.ts';

const epochKey = 'writer-epoch';

/** Who of a cluster's replicas writes. Missing: one syncer alone, which always does. */
export interface SyncRole {
  readonly role: 'leader' | 'follower';
  /** The election's term; grows with each leader. */
  readonly epoch: number;
  /** Calls `listener` after each change; returns the way to stop it. */
  onChange(listener: () => void): () => void;
}

export class WriterEpoch {
  readonly #store: StateStore;
  readonly #role: SyncRole | undefined;
  #own = 0;

  constructor(store: StateStore, role: SyncRole | undefined) {
    this.#store = store;
    this.#role = role;
  }

  load(state: ReadonlyMap<string, string>): void {
    this.#set(Number(state.get(epochKey) ?? '0') + 1);
  }

  get value(): number {
    return this.#role?.epoch ?? this.#own;
  }

  /** The store was lost, and the stamps know of a later epoch: it was our own, so we go past it. */
  passBy(newestInRegistry: number): void {
    if (this.#role === undefined && newestInRegistry > this.#own) this.#set(newestInRegistry + 1);
  }

  #set(epoch: number): void {
    this.#own = epoch;
    this.#store.putState(epochKey, String(epoch));
  }
}
