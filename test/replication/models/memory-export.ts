// An export log in memory: the plainest thing that keeps the contract of `ExportSource`.

import { bucketOf, DigestTable } from '../../../daemon/model/digest.ts';
import type {
  ExportHealth,
  ExportRecord,
  ExportSource,
  LogEntry,
  Position,
  RecordKind,
  RemovalProof,
} from '../../../daemon/model/records.ts';
import { hash52 } from '../../../daemon/support/hash.ts';

export class MemoryExport implements ExportSource {
  readonly cluster: string;
  epoch: string;
  revision = 0;
  health: ExportHealth = { state: 'healthy', reason: '' };
  ready = true;
  /** The log reaches back to here. */
  #oldest = 0;
  readonly #live = new Map<string, ExportRecord>();
  /** By revision, from `#oldest` on; `undefined` where a newer entry of the key has come. */
  #log: (LogEntry | undefined)[] = [];
  readonly #newest = new Map<string, number>();
  #digests = new DigestTable();
  readonly #listeners = new Set<() => void>();

  constructor(cluster: string, epoch = 'epoch-1') {
    this.cluster = cluster;
    this.epoch = epoch;
  }

  get size(): number {
    return this.#live.size;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  get(key: string): ExportRecord | undefined {
    return this.#live.get(key);
  }

  put(kind: RecordKind, key: string, payload: Uint8Array, originTimeMs = Date.now()): void {
    const before = this.#live.get(key);
    if (before !== undefined) this.#digests.toggle(key, before.hash);
    const record = {
      kind,
      key,
      revision: ++this.revision,
      hash: hash52(payload),
      originTimeMs,
      payload,
    };
    this.#live.set(key, record);
    this.#digests.toggle(key, record.hash);
    this.#append({ type: 'upsert', ...record });
  }

  remove(key: string, proof: RemovalProof = 'tombstone', originTimeMs = Date.now()): void {
    const before = this.#live.get(key);
    if (before === undefined) return;
    this.#live.delete(key);
    this.#digests.toggle(key, before.hash);
    const { kind } = before;
    const revision = ++this.revision;
    this.#append({ type: 'removal', kind, key, revision, proof, originTimeMs });
  }

  /** Forgets the log up to now: whoever has not followed needs a snapshot. */
  trim(): void {
    this.#oldest = this.revision;
    this.#log = [];
    this.#newest.clear();
  }

  /** Starts the log anew, as after the loss of its store. */
  startEpoch(epoch: string): void {
    this.epoch = epoch;
    this.revision = 0;
    this.#oldest = 0;
    this.#log = [];
    this.#newest.clear();
    const records = [...this.#live.values()];
    this.#live.clear();
    this.#digests = new DigestTable();
    // Nobody may see a part of the new epoch's records as the whole.
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    for (const { kind, key, payload, originTimeMs } of records) {
      this.put(kind, key, payload, originTimeMs);
    }
    for (const listener of listeners) this.#listeners.add(listener);
    this.notify();
  }

  setHealth(health: ExportHealth): void {
    this.health = health;
    this.notify();
  }

  notify(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  since(position: Position, limit: number): readonly LogEntry[] | undefined {
    if (position.epoch !== this.epoch || position.revision < this.#oldest) return undefined;
    const entries: LogEntry[] = [];
    let index = position.revision - this.#oldest;
    for (; index < this.#log.length && entries.length < limit; index++) {
      const entry = this.#log[index];
      if (entry !== undefined) entries.push(entry);
    }
    return entries;
  }

  records(): Iterable<ExportRecord> {
    return this.#live.values();
  }

  digests(): readonly number[] {
    return this.#digests.values();
  }

  *bucket(index: number): Iterable<ExportRecord> {
    for (const record of this.#live.values()) if (bucketOf(record.key) === index) yield record;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  #append(entry: LogEntry): void {
    const before = this.#newest.get(entry.key);
    if (before !== undefined) this.#log[before - this.#oldest - 1] = undefined;
    this.#newest.set(entry.key, entry.revision);
    this.#log.push(entry);
    this.notify();
  }
}
