// Lookup: one page at a time of the records that a cluster exports under a name, for queries whose
// answer does not fit in gossip.

import type {
  LookupRequest,
  LookupResponse,
  Record as RecordMessage,
} from '../../proto/gen/syncer/replication/v1/replication.ts';
import { Buffer } from 'node:buffer';
import type { ExportRecord } from '../model/records.ts';
import { longestKey } from './limits.ts';
import { FrameError, recordBytes } from './record-frames.ts';

export interface LookupQuery {
  /** A service's name or id; empty: any. */
  readonly service: string;
  /** An instance's id; empty: all of the service's. */
  readonly instance: string;
}

/** What answers look-ups. Implemented over the export log by whoever knows its content. */
export interface LookupSource {
  /** Gives what matches, of this cluster's export. */
  find(query: LookupQuery): readonly ExportRecord[];
}

const defaultPageRecords = 100;
const largestPageRecords = 1_000;
/** A page is full at this size; one larger record has a page of its own. */
const pageBytes = 1024 * 1024;

/** Gives the page that `request` asks for; throws `FrameError` for one that makes no sense. */
export function lookupPage(source: LookupSource, request: LookupRequest): LookupResponse {
  for (const [field, value] of Object.entries(request)) {
    if (typeof value === 'string' && value.length > longestKey) {
      throw new FrameError(`'${field}' of ${value.length} characters; ${longestKey} are allowed`);
    }
  }
  const { service, instance, pageToken } = request;
  if (service === '' && instance === '') throw new FrameError("neither 'service' nor 'instance'");
  const size = Math.min(request.pageSize || defaultPageRecords, largestPageRecords);
  // A page begins behind the last key of the page before: it may have gone meanwhile.
  const found = [...source.find({ service, instance })].sort(byKey);
  const start = pageToken === '' ? 0 : found.findIndex((record) => record.key > pageToken);
  const rest = start === -1 ? [] : found.slice(start);
  const page: ExportRecord[] = [];
  let bytes = 0;
  for (const record of rest.slice(0, size)) {
    bytes += recordBytes(record);
    if (page.length > 0 && bytes > pageBytes) break;
    page.push(record);
  }
  return {
    records: page.map(toMessage),
    nextPageToken: page.length < rest.length ? (page.at(-1)?.key ?? '') : '',
    total: found.length,
  };
}

/** Gives the record in a look-up's answer; throws `FrameError`. */
export function lookupRecord(message: RecordMessage): ExportRecord {
  const kind = message.kind === 1 ? 'service' : message.kind === 2 ? 'instance' : undefined;
  if (kind === undefined) throw new FrameError(`record '${message.key}' of kind ${message.kind}`);
  return { ...message, kind, payload: new Uint8Array(message.payload) };
}

function toMessage(record: ExportRecord): RecordMessage {
  return {
    ...record,
    kind: record.kind === 'service' ? 1 : 2,
    payload: Buffer.from(
      record.payload.buffer,
      record.payload.byteOffset,
      record.payload.byteLength,
    ),
  };
}

function byKey(left: ExportRecord, right: ExportRecord): number {
  return left.key < right.key ? -1 : left.key > right.key ? 1 : 0;
}
