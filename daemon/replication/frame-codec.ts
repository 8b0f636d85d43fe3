// Frames to bytes and back (proto/syncer/replication/v1/replication.proto), and the judgement of
// everything that comes from a peer: whatever leaves `decode…` is within its bounds.

import { Buffer } from 'node:buffer';
import {
  ExporterFrame as ExporterMessage,
  ImporterFrame as ImporterMessage,
} from '../../proto/gen/syncer/replication/v1/replication.ts';
import type {
  ExporterFrame as ExporterUnion,
  Health as HealthMessage,
  Heartbeat as HeartbeatMessage,
} from '../../proto/gen/syncer/replication/v1/replication.ts';
import { bucketCount } from '../model/records.ts';
import type { ExportHealth } from '../model/records.ts';
import type { ExporterContent, ExporterFrame, HeartbeatContent, ImporterFrame } from './frames.ts';
import { longestName, longestReason } from './limits.ts';
import { decodeRecordFrame, encodeRecordFrame, FrameError } from './record-frames.ts';

/** Gives the bytes of an exporter's frame. */
export function encodeExporterFrame(frame: ExporterFrame): Buffer {
  if (frame.type === 'records' || frame.type === 'bucket-content') return encodeRecordFrame(frame);
  return asBuffer(
    ExporterMessage.encode({ sequence: frame.sequence, frame: exporterUnion(frame) }).finish(),
  );
}

/** Gives the exporter's frame in `bytes`; throws `FrameError`. */
export function decodeExporterFrame(bytes: Uint8Array): ExporterFrame {
  const withRecords = decodeRecordFrame(bytes);
  if (withRecords !== undefined) {
    if (withRecords.type === 'bucket-content') checkBucket(withRecords.bucket);
    return withRecords;
  }
  const message = parse(() => ExporterMessage.decode(bytes));
  return { sequence: message.sequence, ...exporterContent(message.frame) };
}

/** Gives the bytes of an importer's frame. */
export function encodeImporterFrame(frame: ImporterFrame): Buffer {
  return asBuffer(ImporterMessage.encode({ frame: importerUnion(frame) }).finish());
}

/** Gives the importer's frame in `bytes`; throws `FrameError`. */
export function decodeImporterFrame(bytes: Uint8Array): ImporterFrame {
  const { frame } = parse(() => ImporterMessage.decode(bytes));
  switch (frame?.$case) {
    case 'hello': {
      const { hello } = frame;
      return {
        type: 'hello',
        cluster: name('cluster', hello.cluster),
        node: name('node', hello.node),
        registry: optionalName('registry', hello.registry),
        versionMin: hello.versionMin,
        versionMax: hello.versionMax,
        position:
          hello.epoch === ''
            ? undefined
            : { epoch: name('epoch', hello.epoch), revision: hello.revision },
        windowBytes: hello.windowBytes,
        wantedCluster: name('wanted_cluster', hello.wantedCluster),
      };
    }
    case 'acknowledge':
      return { type: 'acknowledge', sequence: frame.acknowledge.sequence };
    case 'bucketRequest': {
      const { buckets } = frame.bucketRequest;
      if (buckets.length > bucketCount) {
        throw new FrameError(`request of ${buckets.length} buckets`);
      }
      buckets.forEach(checkBucket);
      return { type: 'bucket-request', buckets };
    }
    case 'snapshotRequest':
      return { type: 'snapshot-request', reason: shorten(frame.snapshotRequest.reason) };
    case 'echo':
      return {
        type: 'echo',
        senderTimeMs: time('sender_time_ms', frame.echo.senderTimeMs),
        receiverTimeMs: time('receiver_time_ms', frame.echo.receiverTimeMs),
        provenEqual: frame.echo.provenEqual,
      };
    case undefined:
      throw new FrameError('importer frame without a content that is known');
  }
}

type Plain = Exclude<ExporterContent, { type: 'records' | 'bucket-content' }>;

function exporterUnion(frame: Plain): ExporterUnion['frame'] {
  switch (frame.type) {
    case 'hello': {
      const { position, ...hello } = frame;
      return { $case: 'hello', hello: { ...hello, ...position } };
    }
    case 'snapshot-begin':
      return {
        $case: 'snapshotBegin',
        snapshotBegin: { ...frame.position, records: frame.records },
      };
    case 'snapshot-end':
      return {
        $case: 'snapshotEnd',
        snapshotEnd: {
          ...frame.position,
          digests: [...frame.digests],
          health: healthMessage(frame.health),
        },
      };
    case 'heartbeat':
      return {
        $case: 'heartbeat',
        heartbeat: {
          ...frame.position,
          senderTimeMs: frame.senderTimeMs,
          health: healthMessage(frame.health),
          digests: [...(frame.digests ?? [])],
          roundTripMs: frame.roundTripMs,
          clockOffsetMs: frame.clockOffsetMs,
        },
      };
    case 'goodbye':
      return { $case: 'goodbye', goodbye: { leaving: frame.leaving, reason: frame.reason } };
  }
}

function exporterContent(frame: ExporterUnion['frame']): Plain {
  switch (frame?.$case) {
    case 'hello': {
      const { hello } = frame;
      return {
        type: 'hello',
        cluster: name('cluster', hello.cluster),
        node: name('node', hello.node),
        registry: optionalName('registry', hello.registry),
        version: hello.version,
        versionMin: hello.versionMin,
        versionMax: hello.versionMax,
        position: { epoch: optionalName('epoch', hello.epoch), revision: hello.revision },
      };
    }
    case 'snapshotBegin': {
      const { epoch, revision, records } = frame.snapshotBegin;
      return {
        type: 'snapshot-begin',
        position: { epoch: name('epoch', epoch), revision },
        records,
      };
    }
    case 'snapshotEnd': {
      const { epoch, revision, digests, health } = frame.snapshotEnd;
      return {
        type: 'snapshot-end',
        position: { epoch: name('epoch', epoch), revision },
        digests: digestList(digests),
        health: healthOf(health),
      };
    }
    case 'heartbeat':
      return heartbeatContent(frame.heartbeat);
    case 'goodbye':
      return {
        type: 'goodbye',
        leaving: frame.goodbye.leaving,
        reason: shorten(frame.goodbye.reason),
      };
    case 'records':
    case 'bucketContent':
    case undefined:
      throw new FrameError('exporter frame without a content that is known');
  }
}

function heartbeatContent(beat: HeartbeatMessage): HeartbeatContent {
  return {
    type: 'heartbeat',
    // Empty while the exporter's log is not read yet.
    position: { epoch: optionalName('epoch', beat.epoch), revision: beat.revision },
    senderTimeMs: time('sender_time_ms', beat.senderTimeMs),
    health: healthOf(beat.health),
    digests: beat.digests.length === 0 ? undefined : digestList(beat.digests),
    roundTripMs: optionalTime('round_trip_ms', beat.roundTripMs),
    clockOffsetMs: optionalTime('clock_offset_ms', beat.clockOffsetMs),
  };
}

function importerUnion(frame: ImporterFrame): ImporterMessage['frame'] {
  switch (frame.type) {
    case 'hello': {
      const { position, ...hello } = frame;
      return {
        $case: 'hello',
        hello: { ...hello, epoch: position?.epoch ?? '', revision: position?.revision ?? 0 },
      };
    }
    case 'acknowledge':
      return { $case: 'acknowledge', acknowledge: { sequence: frame.sequence } };
    case 'bucket-request':
      return { $case: 'bucketRequest', bucketRequest: { buckets: [...frame.buckets] } };
    case 'snapshot-request':
      return { $case: 'snapshotRequest', snapshotRequest: { reason: frame.reason } };
    case 'echo': {
      const { senderTimeMs, receiverTimeMs, provenEqual } = frame;
      return { $case: 'echo', echo: { senderTimeMs, receiverTimeMs, provenEqual } };
    }
  }
}

function healthMessage(health: ExportHealth): HealthMessage {
  return { healthy: health.state === 'healthy', reason: health.reason };
}

/** Health that is not said is not known. */
function healthOf(message: HealthMessage | undefined): ExportHealth {
  if (message === undefined) return { state: 'unknown', reason: 'the peer does not say' };
  return { state: message.healthy ? 'healthy' : 'unknown', reason: shorten(message.reason) };
}

function digestList(digests: readonly number[]): readonly number[] {
  if (digests.length !== bucketCount) {
    throw new FrameError(`${digests.length} digests instead of ${bucketCount}`);
  }
  if (digests.some((digest) => digest >= 2 ** 52)) {
    throw new FrameError('digest of more than 52 bits');
  }
  return digests;
}

function checkBucket(bucket: number): void {
  if (bucket >= bucketCount) throw new FrameError(`bucket ${bucket} of ${bucketCount}`);
}

function name(field: string, value: string): string {
  if (value === '') throw new FrameError(`'${field}' is empty`);
  return optionalName(field, value);
}

function optionalName(field: string, value: string): string {
  if (value.length > longestName) {
    throw new FrameError(`'${field}' of ${value.length} characters; ${longestName} are allowed`);
  }
  return value;
}

function shorten(reason: string): string {
  return reason.length > longestReason ? `${reason.slice(0, longestReason)}…` : reason;
}

function time(field: string, value: number): number {
  if (!Number.isFinite(value)) throw new FrameError(`'${field}' is ${value}`);
  return value;
}

function optionalTime(field: string, value: number | undefined): number | undefined {
  return value === undefined ? undefined : time(field, value);
}

function parse<T>(decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    throw new FrameError('bytes that are no frame of syncer.replication.v1', { cause });
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
