// The export log: what is native here, as ordered, revisioned records that any number of peers read
// from where they stand. Removals stay as tombstones until there are too many.

import { randomUUID } from 'node:crypto';
import type {
  ExportHealth,
  ExportRecord,
  ExportSource,
  LogEntry,
  Position,
  RecordKind,
  RemovalProof,
  RemovalRecord,
} from '../model/records.ts';
import type { ExportStateStore, StateStore } from '../store/ports.ts';
import { hash52 } from '../support/hash.ts';
import { randomInt, type Random } from '../support/random.ts';
import { copyBytes } from './copy-bytes.ts';
import { bucketOf, DigestTable } from '../model/digest.ts';

/**
 * Removals that are remembered. A peer that was away for longer needs a snapshot, and what is gone
 * then counts as absent instead of removed. Raising it costs about 150 bytes each.
 */
const maxTombstones = 200_000;

/** The order array is rebuilt when it has grown to this many times what is alive. */
const compactionFactor = 2;

/**
 * Revisions that a restart skips, at least. What the last process told its peers in its final moment
 * may not have reached the disk: revisions are never given twice, and a peer that stands in the gap
 * gets a snapshot. The same holds for a replica that takes the log over from another.
 */
const restartGap = 1_000_000;

const floorKey = 'export/floor';

/** A live key of an earlier process whose content the registry has not shown yet. */
interface Ghost {
  readonly kind: RecordKind;
  readonly revision: number;
  readonly hash: number;
  readonly originTimeMs: number;
}

/** `ExportSource` over the native set; the exporter writes it. */
export class ExportLog implements ExportSource {
  readonly cluster: string;
  readonly #store: ExportStateStore & StateStore;
  #epoch = '';
  #revision = 0;
  #health: ExportHealth = { state: 'unknown', reason: 'the registry has not been read yet' };
  #ready = false;
  readonly #records = new Map<string, ExportRecord>();
  readonly #tombstones = new Map<string, RemovalRecord>();
  readonly #ghosts = new Map<string, Ghost>();
  /** Keys by revision, ascending; an entry is stale when its key has moved on. */
  #order: { readonly revision: number; readonly key: string }[] = [];
  /** The log tells everything after this revision. */
  #floor = 0;
  /** Revisions between these two belong to the last process, and may be lost. */
  #gap = { after: 0, before: 0 };
  #services = 0;
  readonly #digests = new DigestTable();
  readonly #listeners = new Set<() => void>();

  constructor(cluster: string, store: ExportStateStore & StateStore) {
    this.cluster = cluster;
    this.#store = store;
  }

  get epoch(): string {
    return this.#epoch;
  }
  get revision(): number {
    return this.#revision;
  }
  get health(): ExportHealth {
    return this.#health;
  }
  get ready(): boolean {
    return this.#ready;
  }
  /** Records of an earlier run that the registry has not shown again yet. */
  get remembered(): number {
    return this.#ghosts.size;
  }

  get size(): number {
    return this.#records.size;
  }
  /** Live records that are services. */
  get serviceCount(): number {
    return this.#services;
  }

  /**
   * Takes up the log of the last run, or starts an epoch. `state`: what `loadState` gave. `replica`:
   * one of several, which skips revisions when it takes the log over from the leader, not before.
   */
  async load(state: ReadonlyMap<string, string>, random: Random, replica = false): Promise<void> {
    const kept = await this.#store.loadExport();
    if (kept === undefined) {
      this.#epoch = randomUUID();
      this.#store.startEpoch(this.#epoch);
      return;
    }
    this.#epoch = kept.epoch;
    this.#floor = Number(state.get(floorKey) ?? '0');
    this.#revision = kept.revision;
    if (!replica) this.#skip(random);
    for (const { key, ...ghost } of kept.keys) this.#ghosts.set(key, ghost);
    const tombstones = [...kept.tombstones].sort((left, right) => left.revision - right.revision);
    for (const tombstone of tombstones) this.#tombstones.set(tombstone.key, tombstone);
    this.#order = [...kept.keys, ...tombstones]
      .map(({ revision, key }) => ({ revision, key }))
      .sort((left, right) => left.revision - right.revision);
  }

  /** The keys of an earlier process that the registry has not shown since. */
  ghostKeys(): readonly string[] {
    return [...this.#ghosts.keys()];
  }

  has(key: string): boolean {
    return this.#records.has(key) || this.#ghosts.has(key);
  }

  record(key: string): ExportRecord | undefined {
    return this.#records.get(key);
  }

  /** Puts content under `key`; gives false when it is there already. Announce with `notify`. */
  upsert(kind: RecordKind, key: string, payload: Uint8Array, nowMs: number): boolean {
    const hash = hash52(payload);
    const before = this.#records.get(key);
    if (before?.hash === hash) return false;
    const ghost = this.#ghosts.get(key);
    this.#ghosts.delete(key);
    if (ghost?.hash === hash) {
      // What peers hold since the last run: same revision, nothing to tell them.
      if (kind === 'service') this.#services++;
      this.#records.set(key, { ...ghost, key, payload: copyBytes(payload) });
      this.#digests.toggle(key, hash);
      return true;
    }
    if (before !== undefined) this.#digests.toggle(key, before.hash);
    else if (kind === 'service') this.#services++;
    this.#tombstones.delete(key);
    const revision = this.#next(key);
    const entry = { kind, key, revision, hash, originTimeMs: nowMs };
    this.#records.set(key, { ...entry, payload: copyBytes(payload) });
    this.#digests.toggle(key, hash);
    this.#store.putExported(entry);
    return true;
  }

  /** Removes `key`; gives false when it is not there. Announce with `notify`. */
  remove(key: string, proof: RemovalProof, nowMs: number): boolean {
    const record = this.#records.get(key) ?? this.#ghosts.get(key);
    if (record === undefined) return false;
    if (this.#records.delete(key)) {
      this.#digests.toggle(key, record.hash);
      if (record.kind === 'service') this.#services--;
    }
    this.#ghosts.delete(key);
    const revision = this.#next(key);
    const tombstone = { kind: record.kind, key, revision, proof, originTimeMs: nowMs };
    this.#tombstones.set(key, tombstone);
    this.#store.putTombstone(tombstone);
    this.#trim();
    return true;
  }

  /**
   * Becomes the log's writer in place of another replica: what that one told its peers in its final
   * moment may not have reached us, so revisions are skipped as after a restart; every record counts
   * as remembered until our own view of the registry shows it.
   */
  takeOver(random: Random): void {
    for (const { key, kind, revision, hash, originTimeMs } of this.#records.values()) {
      this.#digests.toggle(key, hash);
      this.#ghosts.set(key, { kind, revision, hash, originTimeMs });
    }
    this.#records.clear();
    this.#services = 0;
    this.#skip(random);
  }

  /** Takes the leader's epoch; what is held of another one is forgotten. */
  adoptEpoch(epoch: string): void {
    if (epoch === this.#epoch) return;
    for (const { key, hash } of this.#records.values()) this.#digests.toggle(key, hash);
    for (const held of [this.#records, this.#tombstones, this.#ghosts]) held.clear();
    this.#order = [];
    this.#services = 0;
    this.#revision = 0;
    this.#floor = 0;
    this.#gap = { after: 0, before: 0 };
    this.#epoch = epoch;
    this.#store.startEpoch(epoch);
    this.#store.putState(floorKey, '0');
  }

  /** Takes an entry of the leader's log, with its revision. Announce with `notify`. */
  mirror(entry: LogEntry): void {
    const { kind, key, revision, originTimeMs } = entry;
    const before = this.#records.get(key);
    if (before !== undefined) {
      this.#records.delete(key);
      this.#digests.toggle(key, before.hash);
      if (before.kind === 'service') this.#services--;
    }
    this.#ghosts.delete(key);
    this.#tombstones.delete(key);
    if (entry.type === 'upsert') {
      const { hash } = entry;
      if (kind === 'service') this.#services++;
      const record = { kind, key, revision, hash, originTimeMs };
      this.#records.set(key, { ...record, payload: copyBytes(entry.payload) });
      this.#digests.toggle(key, hash);
      this.#store.putExported(record);
    } else {
      const tombstone = { kind, key, revision, proof: entry.proof, originTimeMs };
      this.#tombstones.set(key, tombstone);
      this.#store.putTombstone(tombstone);
      this.#trim();
    }
    const last = this.#order.at(-1);
    if (last === undefined || last.revision < revision) this.#order.push({ revision, key });
    else this.#order.splice(this.#indexAfter(revision), 0, { revision, key });
    this.#revision = Math.max(this.#revision, revision);
    this.#compact();
  }

  /** The leader's log stands here. A leader that took over has skipped revisions: so do we. */
  mirrorTo(revision: number): void {
    if (revision - this.#revision >= restartGap) {
      this.#gap = { after: this.#revision, before: revision };
    }
    this.#revision = revision;
  }

  /** A whole snapshot of the leader's log: what it did not name goes, and nothing older is told. */
  mirrorWhole(named: ReadonlySet<string>, revision: number): void {
    for (const [key, { kind, originTimeMs }] of [...this.#records, ...this.#ghosts]) {
      if (named.has(key)) continue;
      const tombstone = { kind, key, revision, proof: 'absence', originTimeMs } as const;
      this.mirror({ type: 'removal', ...tombstone });
    }
    this.#tombstones.clear();
    this.#floor = revision;
    this.#revision = revision;
    this.#gap = { after: 0, before: 0 };
    this.#order = [...this.#records.values()]
      .map((record) => ({ revision: record.revision, key: record.key }))
      .sort((left, right) => left.revision - right.revision);
    this.#store.trimTombstones(revision);
    this.#store.putState(floorKey, String(revision));
  }

  setHealth(health: ExportHealth): boolean {
    if (health.state === this.#health.state && health.reason === this.#health.reason) return false;
    this.#health = health;
    return true;
  }

  markReady(): void {
    this.#ready = true;
  }

  /** Tells the listeners that the revision or the health changed. */
  notify(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  since(position: Position, limit: number): readonly LogEntry[] | undefined {
    if (position.epoch !== this.#epoch || position.revision > this.#revision) return undefined;
    if (position.revision < this.#floor) return undefined;
    if (position.revision > this.#gap.after && position.revision < this.#gap.before) {
      return undefined;
    }
    const entries: LogEntry[] = [];
    for (let index = this.#indexAfter(position.revision); index < this.#order.length; index++) {
      if (entries.length >= limit) break;
      const { revision, key } = this.#order[index] ?? { revision: 0, key: '' };
      const record = this.#records.get(key);
      if (record?.revision === revision) entries.push({ type: 'upsert', ...record });
      const tombstone = this.#tombstones.get(key);
      if (tombstone?.revision === revision) entries.push({ type: 'removal', ...tombstone });
      // A ghost's content is not known: a peer that does not have it yet waits for the registry.
      if (this.#ghosts.get(key)?.revision === revision) return undefined;
    }
    return entries;
  }

  records(): Iterable<ExportRecord> {
    return this.#records.values();
  }

  digests(): readonly number[] {
    return this.#digests.values();
  }

  *bucket(index: number): Iterable<ExportRecord> {
    for (const record of this.#records.values()) if (bucketOf(record.key) === index) yield record;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #skip(random: Random): void {
    const after = this.#revision;
    this.#revision += restartGap + randomInt(random, restartGap);
    this.#gap = { after, before: this.#revision };
  }

  #next(key: string): number {
    this.#revision++;
    this.#order.push({ revision: this.#revision, key });
    this.#compact();
    return this.#revision;
  }

  #compact(): void {
    const alive = this.#records.size + this.#tombstones.size + this.#ghosts.size;
    if (this.#order.length < 1024 + compactionFactor * alive) return;
    this.#order = this.#order.filter(({ revision, key }) => {
      if (revision === this.#revision) return true;
      const current = this.#records.get(key) ?? this.#tombstones.get(key) ?? this.#ghosts.get(key);
      return current?.revision === revision;
    });
  }

  #trim(): void {
    if (this.#tombstones.size <= maxTombstones) return;
    // Insertion order is revision order; a tenth at a time keeps the store's deletions rare.
    let surplus = Math.ceil(maxTombstones / 10);
    for (const [key, { revision }] of this.#tombstones) {
      if (surplus-- <= 0) break;
      this.#tombstones.delete(key);
      this.#floor = revision;
    }
    this.#store.trimTombstones(this.#floor);
    this.#store.putState(floorKey, String(this.#floor));
  }

  /** Index of the first entry of the order after `revision`. */
  #indexAfter(revision: number): number {
    let low = 0;
    let high = this.#order.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#order[middle]?.revision ?? 0) <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
