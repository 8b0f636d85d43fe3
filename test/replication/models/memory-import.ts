// What an importing cluster holds of a peer, in memory: keeps the contract of `ImportSink`, and
// remembers what it was told, so that tests can judge it.

import { bucketOf, DigestTable } from '../../../daemon/model/digest.ts';
import type {
  ExportHealth,
  ExportRecord,
  ImportSink,
  LinkState,
  PeerHeartbeat,
  Position,
  RemovalRecord,
} from '../../../daemon/model/records.ts';

export class MemoryImport implements ImportSink {
  readonly cluster: string;
  position: Position | undefined;
  readonly held = new Map<string, ExportRecord>();
  readonly #digests = new DigestTable();
  readonly links: { readonly state: LinkState; readonly reason: string }[] = [];
  /** Removals as they were told; absences concluded from snapshots are in `absent`. */
  readonly removed: RemovalRecord[] = [];
  readonly absent: string[] = [];
  snapshotsBegun = 0;
  snapshotsEnded = 0;
  beats: PeerHeartbeat[] = [];
  /** Every set of upserts, with when it came. */
  onUpsert: ((records: readonly ExportRecord[]) => void) | undefined;
  onSnapshotEnd: (() => void) | undefined;
  #named: Set<string> | undefined;

  constructor(cluster: string) {
    this.cluster = cluster;
  }

  get state(): LinkState | undefined {
    return this.links.at(-1)?.state;
  }

  get provenEqual(): boolean {
    return this.beats.at(-1)?.provenEqual === true;
  }

  snapshotBegin(): void {
    this.snapshotsBegun++;
    this.#named = new Set();
  }

  upsert(records: readonly ExportRecord[]): void {
    for (const record of records) {
      this.#drop(record.key);
      this.held.set(record.key, record);
      this.#digests.toggle(record.key, record.hash);
      this.#named?.add(record.key);
    }
    this.onUpsert?.(records);
  }

  snapshotEnd(position: Position, health: ExportHealth): void {
    this.snapshotsEnded++;
    if (health.state === 'healthy') {
      for (const key of this.held.keys()) {
        if (this.#named?.has(key) === true) continue;
        this.#drop(key);
        this.absent.push(key);
      }
    }
    this.#named = undefined;
    this.position = position;
    this.onSnapshotEnd?.();
  }

  remove(removals: readonly RemovalRecord[]): void {
    for (const removal of removals) {
      this.#drop(removal.key);
      this.removed.push(removal);
    }
  }

  advance(position: Position): void {
    this.position = position;
  }

  heartbeat(beat: PeerHeartbeat): void {
    this.beats.push(beat);
    if (this.beats.length > 1_000) this.beats = this.beats.slice(-100);
  }

  link(state: LinkState, reason: string): void {
    this.links.push({ state, reason });
  }

  digests(): readonly number[] {
    return this.#digests.values();
  }

  bucket(index: number): ReadonlyMap<string, number> {
    const bucket = new Map<string, number>();
    for (const { key, hash } of this.held.values()) {
      if (bucketOf(key) === index) bucket.set(key, hash);
    }
    return bucket;
  }

  /** Makes what is held differ from what came, as no correct program would. */
  drift(how: 'lose' | 'garble' | 'invent', key: string): void {
    const record = this.held.get(key);
    if (how === 'invent') {
      const invented = `${key}-invented`;
      const payload = new Uint8Array([1]);
      const content = { revision: 1, hash: 77, originTimeMs: 0, payload };
      this.#drop(invented);
      this.held.set(invented, { kind: 'instance', key: invented, ...content });
      this.#digests.toggle(invented, content.hash);
    } else if (record !== undefined) {
      this.#drop(key);
      if (how === 'lose') return;
      const hash = record.hash === 5 ? 6 : 5;
      this.held.set(key, { ...record, hash });
      this.#digests.toggle(key, hash);
    }
  }

  #drop(key: string): void {
    const record = this.held.get(key);
    if (record === undefined) return;
    this.#digests.toggle(key, record.hash);
    this.held.delete(key);
  }
}
