// A follower's export log is the leader's, record for record: fed by the leader's own replication
// stream, with the leader's epoch and revisions, so that peers may move between replicas without a
// snapshot. While the leader is silent the log stays as it is, and its health is unknown.

import type {
  ExportRecord,
  ImportSink,
  LinkState,
  PeerHeartbeat,
  Position,
  RemovalRecord,
} from '../model/records.ts';
import type { ExportLog } from './export-log.ts';

export class ExportMirror implements ImportSink {
  readonly #log: ExportLog;
  /** False while this replica leads: then it writes the log itself. */
  readonly #follows: () => boolean;
  /** Keys that the snapshot under way has named. */
  #named: Set<string> | undefined;
  /** The log holds content, not only what the store remembers of it. */
  #whole = false;

  constructor(log: ExportLog, follows: () => boolean) {
    this.#log = log;
    this.#follows = follows;
  }

  get cluster(): string {
    return this.#log.cluster;
  }

  get position(): Position | undefined {
    if (this.#named !== undefined || !this.#whole) return undefined;
    return { epoch: this.#log.epoch, revision: this.#log.revision };
  }

  /** We have led: what the log holds is whole by our own hand. */
  filled(): void {
    this.#whole = true;
    this.#named = undefined;
  }

  snapshotBegin(position: Position): void {
    if (!this.#follows()) return;
    this.#log.adoptEpoch(position.epoch);
    this.#named = new Set();
  }

  upsert(records: readonly ExportRecord[], _receivedAtMs: number): void {
    if (!this.#follows()) return;
    for (const record of records) {
      this.#named?.add(record.key);
      this.#log.mirror({ type: 'upsert', ...record });
    }
  }

  snapshotEnd(position: Position, health: PeerHeartbeat['health']): void {
    if (!this.#follows() || this.#named === undefined) return;
    this.#log.mirrorWhole(this.#named, position.revision);
    this.#named = undefined;
    this.#whole = true;
    this.#log.setHealth(health);
    this.#log.markReady();
    this.#log.notify();
  }

  remove(removals: readonly RemovalRecord[], _receivedAtMs: number): void {
    if (!this.#follows()) return;
    for (const removal of removals) this.#log.mirror({ type: 'removal', ...removal });
  }

  advance(position: Position): void {
    if (!this.#follows()) return;
    this.#log.mirrorTo(position.revision);
    this.#log.notify();
  }

  heartbeat(beat: PeerHeartbeat): void {
    if (this.#follows() && this.#log.setHealth(beat.health)) this.#log.notify();
  }

  link(state: LinkState, reason: string): void {
    if (!this.#follows() || state === 'connected' || state === 'connecting') return;
    const health = { state: 'unknown', reason: `the leader is not heard: ${reason}` } as const;
    if (this.#log.setHealth(health)) this.#log.notify();
  }

  digests(): readonly number[] {
    return this.#log.digests();
  }

  bucket(index: number): ReadonlyMap<string, number> {
    return new Map([...this.#log.bucket(index)].map(({ key, hash }) => [key, hash]));
  }
}
