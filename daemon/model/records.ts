// What travels between clusters: revisioned records of one cluster's native set, and the two ports
// between replication (which moves them) and sync (which makes and uses them).

import type { Instance, Service } from './service.ts';

export type RecordKind = 'service' | 'instance';

/** How sure the origin is that something is gone. */
export type RemovalProof =
  /** Seen leaving a registry that answered without a gap (a tombstone). */
  | 'tombstone'
  /** Missing from a complete and healthy view, but nobody saw it leave. */
  | 'absence';

/** One service or instance of a cluster's export, encoded once. */
export interface ExportRecord {
  readonly kind: RecordKind;
  /** `serviceRecordKey` or `instanceRecordKey`. */
  readonly key: string;
  /** Position in the export log of its epoch; starts at 1. */
  readonly revision: number;
  /** 52-bit hash of `payload`; equal hashes mean equal content. */
  readonly hash: number;
  /** When the origin saw this content first, in milliseconds of the origin's clock. */
  readonly originTimeMs: number;
  /** The `Service` or `Instance` by `encodeRecord`. */
  readonly payload: Uint8Array;
}

/** The record that something was removed. */
export interface RemovalRecord {
  readonly kind: RecordKind;
  readonly key: string;
  readonly revision: number;
  readonly proof: RemovalProof;
  readonly originTimeMs: number;
}

export type LogEntry =
  ({ readonly type: 'upsert' } & ExportRecord) | ({ readonly type: 'removal' } & RemovalRecord);

/** What the origin says of the registry that its export is read from. */
export interface ExportHealth {
  /** `unknown`: no conclusion may be drawn from what is missing. */
  readonly state: 'healthy' | 'unknown';
  /** Why, for people; empty when healthy. */
  readonly reason: string;
}

/** A place in an export log. */
export interface Position {
  readonly epoch: string;
  readonly revision: number;
}

export const bucketCount = 256;

/** The export log of this cluster, as replication reads it. Implemented by `sync/export-log.ts`. */
export interface ExportSource {
  readonly cluster: string;
  readonly epoch: string;
  /** The newest revision; 0 when nothing was ever exported. */
  readonly revision: number;
  readonly health: ExportHealth;
  /** True once the registry has been read completely at least once in this process. */
  readonly ready: boolean;
  /**
   * Gives up to `limit` entries after `revision`, oldest first, one per key (the newest), or
   * `undefined` when the log no longer reaches back that far (or `epoch` differs): send a snapshot.
   */
  since(position: Position, limit: number): readonly LogEntry[] | undefined;
  /** All live records, in no order; the iterator sees a consistent view or later content. */
  records(): Iterable<ExportRecord>;
  /** Number of live records. */
  readonly size: number;
  /** XOR of the records' (key, hash) per bucket; `bucketCount` numbers of 52 bits. */
  digests(): readonly number[];
  /** Live records of one bucket. */
  bucket(index: number): Iterable<ExportRecord>;
  /** Calls `listener` after every change of revision or health; returns the way to stop it. */
  onChange(listener: () => void): () => void;
}

/** What the import side takes from replication, for one peer cluster. Implemented by `sync/peer-state.ts`. */
export interface ImportSink {
  readonly cluster: string;
  /** Where to resume, or `undefined` for a snapshot. */
  readonly position: Position | undefined;
  /** A snapshot begins: what follows until `snapshotEnd` is the whole set at `position`. */
  snapshotBegin(position: Position): void;
  /** Records of a snapshot, or upserts of a delta. */
  upsert(records: readonly ExportRecord[], receivedAtMs: number): void;
  /** The snapshot is complete and its digest was right: what it did not name is absent. */
  snapshotEnd(position: Position, health: ExportHealth): void;
  /** Explicit removals of a delta. */
  remove(removals: readonly RemovalRecord[], receivedAtMs: number): void;
  /** The log is applied up to here. */
  advance(position: Position): void;
  /** Each heartbeat: the origin's health, and the estimated offset of its clock (origin − ours). */
  heartbeat(beat: PeerHeartbeat): void;
  /** The link's state changed. `left`: announced; `silent`: no heartbeat. */
  link(state: LinkState, reason: string): void;
  digests(): readonly number[];
  /** Keys and hashes that we hold of one bucket. */
  bucket(index: number): ReadonlyMap<string, number>;
}

export interface PeerHeartbeat {
  readonly position: Position;
  readonly health: ExportHealth;
  /** Milliseconds that the peer's clock is ahead of ours; `undefined` until measured. */
  readonly clockOffsetMs: number | undefined;
  readonly roundTripMs: number | undefined;
  /** True when all digests were compared in this beat and were equal. */
  readonly provenEqual: boolean;
  readonly receivedAtMs: number;
}

export type LinkState = 'connecting' | 'connected' | 'silent' | 'left';

export function serviceRecordKey(service: Pick<Service, 'serviceId'>): string {
  return `s/${service.serviceId}`;
}

export function instanceRecordKey(instance: Pick<Instance, 'serviceId' | 'instanceId'>): string {
  return `i/${instance.serviceId}/${instance.instanceId}`;
}
