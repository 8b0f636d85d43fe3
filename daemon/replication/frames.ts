// What the two ends of a stream say to each other, in the words of the model. `frame-codec.ts`
// turns it into the bytes of proto/syncer/replication/v1/replication.proto and back.

import type { ExportHealth, ExportRecord, Position, RemovalRecord } from '../model/records.ts';

/** From the importing side. */
export type ImporterFrame =
  | ImporterHello
  | { readonly type: 'acknowledge'; readonly sequence: number }
  | { readonly type: 'bucket-request'; readonly buckets: readonly number[] }
  | { readonly type: 'snapshot-request'; readonly reason: string }
  | {
      readonly type: 'echo';
      readonly senderTimeMs: number;
      readonly receiverTimeMs: number;
      readonly provenEqual: boolean;
    };

export interface ImporterHello {
  readonly type: 'hello';
  readonly cluster: string;
  readonly node: string;
  readonly registry: string;
  readonly versionMin: number;
  readonly versionMax: number;
  /** Where to resume; `undefined` for a snapshot. */
  readonly position: Position | undefined;
  readonly windowBytes: number;
  readonly wantedCluster: string;
}

/** From the exporting side. `sequence` grows by one with each; it is 0 in a heartbeat. */
export type ExporterFrame = { readonly sequence: number } & ExporterContent;

export type ExporterContent =
  | ExporterHello
  | { readonly type: 'snapshot-begin'; readonly position: Position; readonly records: number }
  | RecordsContent
  | {
      readonly type: 'snapshot-end';
      readonly position: Position;
      readonly digests: readonly number[];
      readonly health: ExportHealth;
    }
  | HeartbeatContent
  | BucketContent
  | { readonly type: 'goodbye'; readonly leaving: boolean; readonly reason: string };

export interface ExporterHello {
  readonly type: 'hello';
  readonly cluster: string;
  readonly node: string;
  readonly registry: string;
  /** The version chosen; 0 in the announcement that opens a Push. */
  readonly version: number;
  readonly versionMin: number;
  readonly versionMax: number;
  readonly position: Position;
}

export interface RecordsContent {
  readonly type: 'records';
  readonly records: readonly ExportRecord[];
  readonly removals: readonly RemovalRecord[];
  /** The log is complete up to here once this frame is applied; 0 within a snapshot. */
  readonly revision: number;
}

export interface BucketContent {
  readonly type: 'bucket-content';
  readonly bucket: number;
  readonly records: readonly ExportRecord[];
  /** A bucket larger than one frame comes in several; only the last closes it. */
  readonly last: boolean;
  readonly revision: number;
}

export interface HeartbeatContent {
  readonly type: 'heartbeat';
  readonly position: Position;
  readonly senderTimeMs: number;
  readonly health: ExportHealth;
  /** `undefined` unless the stream is idle and it is the digests' turn. */
  readonly digests: readonly number[] | undefined;
  readonly roundTripMs: number | undefined;
  /** The exporter's clock minus the importer's. */
  readonly clockOffsetMs: number | undefined;
}

/** Why a stream ended. `code` is for decisions and metrics, `reason` for people. */
export interface StreamEnd {
  readonly code:
    /** The other side said goodbye, or we did. */
    | 'goodbye'
    | 'left'
    /** The transport broke or was closed. */
    | 'lost'
    /** No heartbeat came. */
    | 'silent'
    /** A newer stream of the same peer took over. */
    | 'replaced'
    /** The pair is connected the other way already. */
    | 'duplicate'
    /** No common replication version. */
    | 'version'
    /** Another cluster answered than was wanted, or one name is claimed by two registries. */
    | 'wrong-cluster'
    /** The peer is no member of the pool. */
    | 'unknown-cluster'
    /** The frames break the protocol, or are not frames at all. */
    | 'protocol'
    /** Snapshots kept proving wrong. */
    | 'bad-snapshot'
    /** A record is larger than a message may be. */
    | 'record-too-large'
    /** We stop. */
    | 'stopped';
  readonly reason: string;
}
