// How much goes into one frame, and where it takes the peer.

import type { ExportRecord, LogEntry } from '../model/records.ts';
import type { ExporterContent } from './frames.ts';
import type { ReplicationLimits } from './limits.ts';
import { recordBytes, removalBytes } from './record-frames.ts';

type FrameLimits = Pick<ReplicationLimits, 'frameRecords' | 'frameBytes'>;

/** What a frame needs beside its records, at most. */
export const frameOverheadBytes = 64;

/** As many of the records from `start` on as one frame takes; at least one, if there is one. */
export function fillFrame(
  all: readonly ExportRecord[],
  start: number,
  limits: FrameLimits,
): { readonly records: readonly ExportRecord[]; readonly bytes: number } {
  const candidates = all.slice(start, start + limits.frameRecords);
  const { count, bytes } = fit(candidates.map(recordBytes), limits.frameBytes);
  return { records: candidates.slice(0, count), bytes };
}

/** As many of the log's entries, from the oldest on, as one frame takes; at least one. */
export function fillDelta(
  entries: readonly LogEntry[],
  limits: FrameLimits,
): { readonly entries: readonly LogEntry[]; readonly bytes: number } {
  const sizes = entries
    .slice(0, limits.frameRecords)
    .map((entry) => (entry.type === 'upsert' ? recordBytes(entry) : removalBytes(entry)));
  const { count, bytes } = fit(sizes, limits.frameBytes);
  return { entries: entries.slice(0, count), bytes };
}

/** Says which record makes a frame larger than a message may be. */
export function tooLarge(content: ExporterContent, bytes: number, messageBytes: number): string {
  const hasRecords = content.type === 'records' || content.type === 'bucket-content';
  const key = hasRecords ? content.records[0]?.key : undefined;
  return `record '${key ?? ''}' needs ${bytes} bytes; a message takes ${messageBytes}`;
}

function fit(sizes: readonly number[], limit: number): { count: number; bytes: number } {
  let bytes = 0;
  let count = 0;
  for (const size of sizes) {
    if (count > 0 && bytes + size > limit) break;
    bytes += size;
    count++;
  }
  return { count, bytes };
}

/** A peer that has taken this frame holds the export whole up to here. */
export function revisionAfter(content: ExporterContent): number | undefined {
  if (content.type === 'snapshot-end') return content.position.revision;
  // The records of a snapshot carry no revision of their own.
  return content.type === 'records' && content.revision > 0 ? content.revision : undefined;
}
