// Every number that shapes replication, in one place: what it is, and what raising it costs.

/** The replication versions that this program speaks. */
export const ownVersions = { min: 1, max: 1 } as const;

export interface ReplicationLimits {
  /**
   * Records in one frame. Below 100 the cost per message dominates; above 1,000 nothing is gained
   * (field.md §8) and a change waits longer behind a snapshot's frame.
   */
  readonly frameRecords: number;
  /** Bytes at which a frame is full; as `frameRecords`. A single larger record has a frame of its own. */
  readonly frameBytes: number;
  /**
   * Bytes sent and not yet acknowledged, per peer. It bounds what a slow peer can make us hold;
   * raising it helps where (bandwidth × round trip) is more: 4 MiB fill 80 MB/s at 50 ms.
   */
  readonly windowBytes: number;
  /**
   * Changes after the first one wait this long for company. Raising it saves messages under churn
   * and delays every change but the first of a burst.
   */
  readonly coalesceMs: number;
  /** Between heartbeats. Raising it makes silence and lag be noticed later. */
  readonly heartbeatMs: number;
  /** Digests go with every nth heartbeat of an idle stream: 2 KB, and a comparison of 256 numbers. */
  readonly digestEveryBeats: number;
  /** Without a heartbeat for this long a peer is silent and its stream is given up. */
  readonly silentAfterMs: number;
  /** An importer that has said nothing for this long is given up; raising it keeps dead streams longer. */
  readonly deafAfterMs: number;
  /** A stream on which no Hello came by then is closed. */
  readonly helloTimeoutMs: number;
  /** Snapshots in a row that may prove wrong before the stream is given up. */
  readonly badSnapshots: number;
  /** The largest message that is sent or taken. It bounds what one hostile message can make us hold. */
  readonly messageBytes: number;
}

export const defaultLimits: ReplicationLimits = {
  frameRecords: 500,
  frameBytes: 192 * 1024,
  windowBytes: 4 * 1024 * 1024,
  coalesceMs: 2,
  heartbeatMs: 1_000,
  digestEveryBeats: 5,
  silentAfterMs: 5_000,
  deafAfterMs: 30_000,
  helloTimeoutMs: 5_000,
  badSnapshots: 3,
  messageBytes: 64 * 1024 * 1024,
};

/** Longest name of a cluster, node, epoch or registry, and longest reason, in characters. */
export const longestName = 256;
export const longestReason = 1_024;
/** Longest key of a record, in characters. */
export const longestKey = 1_024;
