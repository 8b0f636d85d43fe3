// What is counted on one directed edge between two clusters.

interface SnapshotFigures {
  readonly atMs: number;
  readonly durationMs: number;
  readonly records: number;
  readonly bytes: number;
}

/** Counters of one edge; they only grow, over all streams of the edge. */
export interface EdgeFigures {
  bytesIn: number;
  bytesOut: number;
  /** Records and removals. */
  recordsIn: number;
  recordsOut: number;
  snapshots: number;
  /** The last complete one. */
  lastSnapshot: SnapshotFigures | undefined;
  /** Records that a digest comparison found different, and that were put right. */
  repaired: number;
  /** When digests last proved equality, wall clock. */
  provenEqualMs: number | undefined;
  /** Export links: the revision that the peer is known to hold whole; of the running stream. */
  acknowledgedRevision: number | undefined;
  roundTripMs: number | undefined;
  /** The exporter's clock minus the importer's. */
  clockOffsetMs: number | undefined;
}

export function newFigures(): EdgeFigures {
  return {
    bytesIn: 0,
    bytesOut: 0,
    recordsIn: 0,
    recordsOut: 0,
    snapshots: 0,
    lastSnapshot: undefined,
    repaired: 0,
    provenEqualMs: undefined,
    acknowledgedRevision: undefined,
    roundTripMs: undefined,
    clockOffsetMs: undefined,
  };
}
