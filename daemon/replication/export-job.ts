// Work of an exporter that no delta may come between: its frames together say something whole.

import type { ExportRecord, Position } from '../model/records.ts';

export type ExportJob = SnapshotJob | BucketJob;

export interface SnapshotJob {
  readonly kind: 'snapshot';
  readonly position: Position;
  /** The live records at `position`. */
  readonly records: readonly ExportRecord[];
  /** Their digests. */
  readonly digests: readonly number[];
  /** The registry was trusted when the snapshot began. */
  readonly healthy: boolean;
  readonly startedMs: number;
  /** Index of the first record that is not sent yet. */
  next: number;
  bytes: number;
}

export interface BucketJob {
  readonly kind: 'bucket';
  readonly bucket: number;
  /** The bucket's live records at `revision`. */
  readonly records: readonly ExportRecord[];
  readonly revision: number;
  next: number;
}
