// The store of one of several replicas: the mapping is etcd's, written by the leader alone, guarded by
// its key; every replica's SQLite follows etcd's watch and is what is read. The rest is SQLite's.

import { SyncerError } from '../../proto/errors.ts';
import { backoff, type Backoff } from '../support/backoff.ts';
import type { Timer } from '../support/clock.ts';
import type { EtcdChange, EtcdGuard, EtcdKv, EtcdWatch } from './etcd-kv.ts';
import { factsKey, factsPrefix, readFactsKey } from './etcd-mapping.ts';
import { readFactsOf, readMappingSnapshot } from './etcd-snapshot.ts';
import { mappingDifference } from './mapping-difference.ts';
import { MappingWishes, type WishBatch } from './mapping-wishes.ts';
import type { MappingChange, MappingKey } from './operations.ts';
import type { Mapping, Store } from './ports.ts';
import type { StoreSurroundings } from './sqlite-store.ts';

/** How long writes are gathered. Raising it makes fewer transactions and loses more in a crash. */
const gatherMs = 20;
/** How long a reader waits for etcd before it takes what SQLite has. */
const catchUpMs = 5_000;
/** How long a stop waits for etcd to take more of what it does not have yet, and how often. */
const closeMs = 2_000;
const closeTries = 10;
/** Where etcd's revision, as SQLite has applied it, is kept. */
const revisionKey = 'etcd-mapping-revision';

export interface EtcdStore extends Store {
  /** Gives it etcd, as soon as there is one; follows it from then on. */
  attach(etcd: EtcdKv): void;
  /** We lead: writes go out, as long as the guard holds. `undefined`: we do not, and write nothing. */
  lead(guard: EtcdGuard | undefined): void;
  /** Waits until etcd has what was written; resolves with false when it did not within `limitMs`. */
  settled(limitMs: number): Promise<boolean>;
  readonly mapping: MappingState;
}

export interface MappingState {
  /** `apart`: there is no etcd yet; `reading`; `following`; `away`: etcd does not answer. */
  readonly state: 'apart' | 'reading' | 'following' | 'away';
  readonly detail: string;
  /** etcd's revision that SQLite has applied. */
  readonly revision: number;
  /** Changes that etcd does not have yet. */
  readonly waiting: number;
  /** Keys whose value cannot be read: kept, and left alone. */
  readonly unreadable: readonly string[];
}

/**
 * A syncer that is alone writes its mapping into SQLite only: what SQLite has applied of etcd says nothing
 * any more, and a replica that comes of it later reads etcd anew.
 */
export function forgetEtcd(sqlite: Store): void {
  sqlite.deleteState(revisionKey);
}

/** Wraps the SQLite store, which it closes with itself. */
export async function createEtcdStore(
  sqlite: Store,
  surroundings: StoreSurroundings,
): Promise<EtcdStore> {
  const revision = Number((await sqlite.loadState()).get(revisionKey) ?? '0');
  return new FollowingStore(sqlite, surroundings, revision);
}

class FollowingStore implements EtcdStore {
  readonly origin: Store['origin'];
  readonly audit: Store['audit'];
  readonly #sqlite: Store;
  readonly #surroundings: StoreSurroundings;
  readonly #retry: Backoff;
  readonly #unreadable = new Set<string>();
  readonly #wishes = new MappingWishes();
  #etcd: EtcdKv | undefined;
  #guard: EtcdGuard | undefined;
  #watch: EtcdWatch | undefined;
  #state: MappingState['state'] = 'apart';
  #detail = 'no etcd yet';
  #revision: number;
  #timer: Timer | undefined;
  #again: Timer | undefined;
  /** What our own transactions have put, at which revision: the watch tells it once more. */
  readonly #told = new Map<string, number>();
  #closed = false;
  #waiters: (() => void)[] = [];

  constructor(sqlite: Store, surroundings: StoreSurroundings, revision: number) {
    this.#sqlite = sqlite;
    this.#surroundings = surroundings;
    this.#revision = revision;
    this.#retry = backoff({ initialMs: 100, maxMs: 2_000, factor: 2 }, surroundings.random);
    this.origin = sqlite.origin;
    this.audit = sqlite.audit;
  }

  get trouble(): string | undefined {
    return this.#sqlite.trouble;
  }

  get mapping(): MappingState {
    return {
      state: this.#state,
      detail: this.#detail,
      revision: this.#revision,
      waiting: this.#wishes.size,
      unreadable: [...this.#unreadable],
    };
  }

  attach(etcd: EtcdKv): void {
    this.#etcd = etcd;
    this.#watch?.stop();
    void this.#follow();
  }

  lead(guard: EtcdGuard | undefined): void {
    this.#guard = guard;
    if (guard === undefined) this.#wishes.clear();
    else this.#schedule(0);
    this.#wake();
  }

  async settled(limitMs: number): Promise<boolean> {
    return this.#until(() => this.#wishes.isIdle, limitMs);
  }

  async loadMappings(): Promise<readonly Mapping[]> {
    if (this.#etcd !== undefined) {
      await this.#until(() => this.#state === 'following', catchUpMs);
    }
    const kept = await this.#sqlite.loadMappings();
    if (this.#wishes.size === 0) return kept;
    const found = new Map(kept.map((mapping) => [factsKey(mapping), mapping]));
    for (const [key, wish] of this.#wishes.entries()) {
      if ('put' in wish) found.set(key, wish.put);
      else found.delete(key);
    }
    return [...found.values()];
  }

  putMapping(mapping: Mapping): void {
    this.#wish({ put: mapping });
  }

  deleteMapping(key: MappingKey): void {
    this.#wish({ delete: key });
  }

  async flush(): Promise<void> {
    await this.#sqlite.flush();
    if (this.#guard !== undefined && !(await this.#finished())) {
      throw new SyncerError('store.unwritable', { file: 'etcd', reason: this.#detail });
    }
  }

  async close(): Promise<void> {
    if (this.#closed) {
      await this.#sqlite.close();
      return;
    }
    if (this.#guard !== undefined) await this.#finished();
    this.#closed = true;
    for (const timer of [this.#timer, this.#again]) timer?.cancel();
    this.#watch?.stop();
    await this.#sqlite.close();
  }

  /** Waits as long as etcd goes on taking what waits; false when it does not. */
  async #finished(): Promise<boolean> {
    for (let tries = 0; tries < closeTries; tries += 1) {
      const before = this.#wishes.size;
      if (await this.settled(closeMs)) return true;
      if (this.#wishes.size >= before) return false;
    }
    return false;
  }

  #wish(wish: MappingChange): void {
    // A follower's mapping comes from the leader, through etcd.
    if (this.#guard === undefined) return;
    this.#wishes.add(wish);
    this.#schedule(gatherMs);
  }

  #schedule(delayMs: number): void {
    if (this.#closed || this.#wishes.isFull || this.#wishes.size === 0) return;
    this.#timer ??= this.#surroundings.clock.after(delayMs, () => {
      this.#timer = undefined;
      this.#write();
    });
  }

  /** Sends what waits, as many transactions at once as may be. */
  #write(): void {
    const { etcd, guard } = { etcd: this.#etcd, guard: this.#guard };
    if (etcd === undefined || guard === undefined) return;
    for (let batch = this.#wishes.take(); batch !== undefined; batch = this.#wishes.take()) {
      void this.#commit(etcd, guard, batch);
    }
  }

  async #commit(etcd: EtcdKv, guard: EtcdGuard, batch: WishBatch): Promise<void> {
    let written = false;
    let delayMs = 0;
    try {
      const { succeeded, revision } = await etcd.commit([guard], batch.writes);
      if (succeeded) {
        written = true;
        this.#applyOwn(batch, revision);
        this.#retry.reset();
        this.#surroundings.logger.debug(
          { revision, mappings: batch.wishes.size },
          'mapping written',
        );
      } else {
        // Another leader writes now; what we wished, it knows from the stamps in the registry.
        this.#surroundings.logger.info({}, "the mapping is another leader's");
        if (this.#guard === guard) this.lead(undefined);
      }
    } catch (error) {
      this.#detail = `writing: ${String(error)}`;
      delayMs = this.#retry.nextMs();
    } finally {
      this.#wishes.over(batch, written);
    }
    this.#schedule(delayMs);
    this.#wake();
  }

  /** Applied at once: a reader must find what was settled, whether the watch was here or not. */
  #applyOwn({ wishes }: WishBatch, revision: number): void {
    if (revision <= this.#revision) return;
    for (const [key, wish] of wishes) {
      this.#told.set(key, revision);
      if ('put' in wish) this.#sqlite.putMapping(wish.put);
      else this.#sqlite.deleteMapping(wish.delete);
    }
  }

  /** Watches from where SQLite stands, or reads everything where that is told no more. */
  async #follow(reload = this.#revision === 0): Promise<void> {
    const etcd = this.#etcd;
    if (etcd === undefined || this.#closed) return;
    this.#again?.cancel();
    try {
      if (this.#state !== 'following') this.#state = 'reading';
      if (reload) await this.#reload(etcd);
      else if ((await etcd.get(factsPrefix)).revision < this.#revision) {
        // Another etcd than the one that SQLite followed.
        await this.#reload(etcd);
      }
    } catch (error) {
      this.#lost(String(error), reload);
      return;
    }
    if (this.#isOver(etcd)) return;
    const target = (await etcd.get(factsPrefix).catch(() => undefined))?.revision ?? 0;
    // Whatever was not told by the watch before, this one tells.
    this.#told.clear();
    this.#watch = etcd.watch(factsPrefix, this.#revision + 1, {
      started: () => {
        // etcd tells the changes since then first, if there are any.
        if (target <= this.#revision) this.#isFollowing();
        else this.#again = this.#surroundings.clock.after(100, () => this.#isFollowing());
      },
      changed: (changes, revision) => {
        for (const change of changes) if (!this.#isOwn(change)) this.#apply(change);
        this.#applied(revision);
        if (revision >= target) this.#isFollowing();
      },
      ended: ({ reason, compacted }) => {
        if (this.#etcd === etcd) this.#lost(reason, compacted);
      },
    });
  }

  /** Whether a change, or a later one of the same key, was applied when our transaction came through. */
  #isOwn({ key, changedRevision }: EtcdChange): boolean {
    const ownRevision = this.#told.get(key);
    if (ownRevision === undefined || changedRevision > ownRevision) return false;
    if (changedRevision === ownRevision) this.#told.delete(key);
    return true;
  }

  #isOver(etcd: EtcdKv): boolean {
    return this.#closed || this.#etcd !== etcd;
  }

  #isFollowing(): void {
    this.#state = 'following';
    this.#detail = '';
    this.#retry.reset();
    this.#wake();
  }

  #lost(reason: string, reload: boolean): void {
    this.#state = 'away';
    this.#detail = reason;
    this.#again?.cancel();
    if (this.#closed) return;
    this.#again = this.#surroundings.clock.after(this.#retry.nextMs(), () => {
      void this.#follow(reload || this.#revision === 0);
    });
  }

  /** Makes SQLite equal to etcd, and takes over what the original syncer left. */
  async #reload(etcd: EtcdKv): Promise<void> {
    const snapshot = await readMappingSnapshot(etcd);
    this.#unreadable.clear();
    for (const { key, error } of snapshot.unreadable) this.#refuse(key, error);
    const { mappings, original, revision } = snapshot;
    const difference = mappingDifference(mappings, await this.#sqlite.loadMappings());
    for (const change of difference.changes) {
      if ('put' in change) this.#sqlite.putMapping(change.put);
      else this.#sqlite.deleteMapping(change.delete);
    }
    this.#applied(revision);
    this.#surroundings.logger.info(
      { mappings: mappings.length, original },
      'the mapping was read from etcd',
    );
  }

  #apply(change: Pick<EtcdChange, 'type' | 'key'> & { readonly value?: Uint8Array }): void {
    if (change.type === 'delete') {
      const key = readFactsKey(change.key);
      this.#unreadable.delete(change.key);
      if (key !== undefined) this.#sqlite.deleteMapping(key);
      return;
    }
    try {
      this.#sqlite.putMapping(readFactsOf(change.key, change.value ?? new Uint8Array()));
      this.#unreadable.delete(change.key);
    } catch (error) {
      this.#refuse(change.key, error);
    }
  }

  /** A value that is no mapping is kept as it is, and said. */
  #refuse(key: string, error: unknown): void {
    if (this.#unreadable.size < 1_000) this.#unreadable.add(key);
    this.#surroundings.logger.warn(
      { key, error: String(error) },
      'a mapping in etcd is unreadable',
    );
  }

  #applied(revision: number): void {
    if (revision === this.#revision) return;
    this.#revision = revision;
    this.#sqlite.putState(revisionKey, String(revision));
  }

  #wake(): void {
    for (const waiter of this.#waiters.splice(0)) waiter();
  }

  /** Waits for a condition, which `#wake` makes it look at again; false when time ran out. */
  async #until(condition: () => boolean, limitMs: number): Promise<boolean> {
    const { clock } = this.#surroundings;
    const endMs = clock.monotonicMs() + limitMs;
    while (!condition()) {
      const leftMs = endMs - clock.monotonicMs();
      if (leftMs <= 0) return false;
      await new Promise<void>((resolve) => {
        const timer = clock.after(leftMs, resolve);
        this.#waiters.push(() => {
          timer.cancel();
          resolve();
        });
      });
    }
    return true;
  }

  // The rest is SQLite's alone.
  loadExport(): ReturnType<Store['loadExport']> {
    return this.#sqlite.loadExport();
  }
  startEpoch(epoch: string): void {
    this.#sqlite.startEpoch(epoch);
  }
  putExported(entry: Parameters<Store['putExported']>[0]): void {
    this.#sqlite.putExported(entry);
  }
  putTombstone(entry: Parameters<Store['putTombstone']>[0]): void {
    this.#sqlite.putTombstone(entry);
  }
  trimTombstones(upToRevision: number): void {
    this.#sqlite.trimTombstones(upToRevision);
  }
  loadHeld(): ReturnType<Store['loadHeld']> {
    return this.#sqlite.loadHeld();
  }
  putHeld(held: Parameters<Store['putHeld']>[0]): void {
    this.#sqlite.putHeld(held);
  }
  deleteHeld(id: string): void {
    this.#sqlite.deleteHeld(id);
  }
  async loadState(): Promise<ReadonlyMap<string, string>> {
    const state = new Map(await this.#sqlite.loadState());
    state.delete(revisionKey);
    return state;
  }
  putState(key: string, value: string): void {
    this.#sqlite.putState(key, value);
  }
  deleteState(key: string): void {
    this.#sqlite.deleteState(key);
  }
}
