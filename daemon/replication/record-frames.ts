// The bytes of the frames that carry records, written by hand: a record's payload is copied from
// where the export log keeps it, and numbers never become BigInts. 150,000 records pass through
// here in a snapshot. The property tests hold this file to the generated codec, byte for byte.

import { Buffer } from 'node:buffer';
import type { ExportRecord, RecordKind, RemovalProof, RemovalRecord } from '../model/records.ts';
import type { BucketContent, RecordsContent } from './frames.ts';
import { longestKey } from './limits.ts';

/** Thrown when bytes or a message are not what the protocol says; `message` names field and value. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

type Frame = { readonly sequence: number } & (RecordsContent | BucketContent);

const wire = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;
const low32 = 2 ** 32;
/**
 * Payloads that come together share pieces of this size. Raising it spares allocations, and makes
 * a record that outlives its neighbours hold more.
 */
const chunkBytes = 4_096;

/** The bytes that a record takes within a frame, its own tag and length included. */
export function recordBytes(record: ExportRecord): number {
  return nestedSize(recordSize(record));
}

/** The same of a removal. */
export function removalBytes(removal: RemovalRecord): number {
  return nestedSize(removalSize(removal));
}

/** Gives the `ExporterFrame` message of a frame with records. */
export function encodeRecordFrame(frame: Frame): Buffer {
  const recordSizes = frame.records.map(recordSize);
  const removalSizes = frame.type === 'records' ? frame.removals.map(removalSize) : [];
  let contentSize = varintField(frame.revision);
  for (const size of recordSizes) contentSize += nestedSize(size);
  for (const size of removalSizes) contentSize += nestedSize(size);
  if (frame.type === 'bucket-content') {
    contentSize += varintField(frame.bucket) + (frame.last ? 2 : 0);
  }
  const writer = new Writer(varintField(frame.sequence) + nestedSize(contentSize));
  writer.varintField(1, frame.sequence);
  if (frame.type === 'records') {
    writer.tag(4, wire.bytes);
    writer.varint(contentSize);
    frame.records.forEach((record, index) => writer.record(1, record, recordSizes[index] ?? 0));
    frame.removals.forEach((removal, index) =>
      writer.removal(2, removal, removalSizes[index] ?? 0),
    );
    writer.varintField(3, frame.revision);
  } else {
    writer.tag(7, wire.bytes);
    writer.varint(contentSize);
    writer.varintField(1, frame.bucket);
    frame.records.forEach((record, index) => writer.record(2, record, recordSizes[index] ?? 0));
    writer.varintField(3, frame.last ? 1 : 0);
    writer.varintField(4, frame.revision);
  }
  return writer.buffer;
}

/**
 * Gives the frame in `bytes` if it is one with records, else `undefined` (nothing is judged then).
 * Throws `FrameError`. Payloads are copies: a frame's bytes are not kept for one record's sake.
 */
export function decodeRecordFrame(bytes: Uint8Array): Frame | undefined {
  const reader = new Reader(bytes);
  let sequence = 0;
  let content: RecordsContent | BucketContent | undefined;
  while (reader.more) {
    const tag = reader.varint();
    switch (tag) {
      case field(1, wire.varint):
        sequence = reader.varint();
        break;
      case field(4, wire.bytes):
        content = reader.nested(readRecords);
        break;
      case field(7, wire.bytes):
        content = reader.nested(readBucket);
        break;
      case field(2, wire.bytes):
      case field(3, wire.bytes):
      case field(5, wire.bytes):
      case field(6, wire.bytes):
      case field(8, wire.bytes):
        return undefined;
      default:
        reader.skip(tag);
    }
  }
  return content === undefined ? undefined : { sequence, ...content };
}

function readRecords(reader: Reader): RecordsContent {
  const records: ExportRecord[] = [];
  const removals: RemovalRecord[] = [];
  let revision = 0;
  while (reader.more) {
    const tag = reader.varint();
    if (tag === field(1, wire.bytes)) records.push(reader.nested(readRecord));
    else if (tag === field(2, wire.bytes)) removals.push(reader.nested(readRemoval));
    else if (tag === field(3, wire.varint)) revision = reader.varint();
    else reader.skip(tag);
  }
  return { type: 'records', records, removals, revision };
}

function readBucket(reader: Reader): BucketContent {
  const records: ExportRecord[] = [];
  let bucket = 0;
  let last = false;
  let revision = 0;
  while (reader.more) {
    const tag = reader.varint();
    if (tag === field(1, wire.varint)) bucket = reader.varint();
    else if (tag === field(2, wire.bytes)) records.push(reader.nested(readRecord));
    else if (tag === field(3, wire.varint)) last = reader.varint() !== 0;
    else if (tag === field(4, wire.varint)) revision = reader.varint();
    else reader.skip(tag);
  }
  return { type: 'bucket-content', bucket, records, last, revision };
}

/** Gives the record in a nested message. */
function readRecord(reader: Reader): ExportRecord {
  let kind = 0;
  let key = '';
  let revision = 0;
  let hash = 0;
  let originTimeMs = 0;
  let payload: Uint8Array = new Uint8Array(0);
  while (reader.more) {
    const tag = reader.varint();
    if (tag === field(1, wire.varint)) kind = reader.varint();
    else if (tag === field(2, wire.bytes)) key = reader.text();
    else if (tag === field(3, wire.varint)) revision = reader.varint();
    else if (tag === field(4, wire.fixed64)) hash = reader.fixed64();
    else if (tag === field(5, wire.fixed64)) originTimeMs = reader.double();
    else if (tag === field(6, wire.bytes)) payload = reader.copy();
    else reader.skip(tag);
  }
  if (payload.length === 0) throw new FrameError(`record '${key}' without a payload`);
  if (hash >= 2 ** 52) throw new FrameError(`record '${key}' with a hash of more than 52 bits`);
  const named = checkHead(kind, key, revision, originTimeMs);
  return { kind: named, key, revision, hash, originTimeMs, payload };
}

function readRemoval(reader: Reader): RemovalRecord {
  let kind = 0;
  let key = '';
  let revision = 0;
  let proof = 0;
  let originTimeMs = 0;
  while (reader.more) {
    const tag = reader.varint();
    if (tag === field(1, wire.varint)) kind = reader.varint();
    else if (tag === field(2, wire.bytes)) key = reader.text();
    else if (tag === field(3, wire.varint)) revision = reader.varint();
    else if (tag === field(4, wire.varint)) proof = reader.varint();
    else if (tag === field(5, wire.fixed64)) originTimeMs = reader.double();
    else reader.skip(tag);
  }
  const named = checkHead(kind, key, revision, originTimeMs);
  // What is not surely a tombstone is never taken for one.
  const proven: RemovalProof | undefined =
    proof === 1 ? 'tombstone' : proof === 2 ? 'absence' : undefined;
  if (proven === undefined) throw new FrameError(`removal of '${key}' with proof ${proof}`);
  return { kind: named, key, revision, proof: proven, originTimeMs };
}

/** Judges what records and removals share; gives the kind's name. */
function checkHead(kind: number, key: string, revision: number, originTimeMs: number): RecordKind {
  const name = kind === 1 ? 'service' : kind === 2 ? 'instance' : undefined;
  if (name === undefined) throw new FrameError(`record '${key}' of kind ${kind}`);
  if (key.length > longestKey) throw new FrameError(`key of ${key.length} characters`);
  if (!key.startsWith(name === 'service' ? 's/' : 'i/')) {
    throw new FrameError(`${name} record with the key '${key}'`);
  }
  if (revision === 0) throw new FrameError(`record '${key}' without a revision`);
  if (!Number.isFinite(originTimeMs)) {
    throw new FrameError(`record '${key}' with the origin time ${originTimeMs}`);
  }
  return name;
}

function field(number: number, wireType: number): number {
  return (number << 3) | wireType;
}

function recordSize(record: ExportRecord): number {
  const keySize = Buffer.byteLength(record.key);
  return (
    2 +
    nestedSize(keySize) +
    varintField(record.revision) +
    (record.hash === 0 ? 0 : 9) +
    (record.originTimeMs === 0 ? 0 : 9) +
    (record.payload.length === 0 ? 0 : nestedSize(record.payload.length))
  );
}

function removalSize(removal: RemovalRecord): number {
  return (
    2 +
    nestedSize(Buffer.byteLength(removal.key)) +
    varintField(removal.revision) +
    2 +
    (removal.originTimeMs === 0 ? 0 : 9)
  );
}

/** Tag (one byte: all our field numbers are below 16), length and content. */
function nestedSize(contentSize: number): number {
  return 1 + varintSize(contentSize) + contentSize;
}

/** Size of a varint field; proto3 leaves zeros out. */
function varintField(value: number): number {
  return value === 0 ? 0 : 1 + varintSize(value);
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++;
  return size;
}

class Writer {
  readonly buffer: Buffer;
  #at = 0;

  constructor(size: number) {
    this.buffer = Buffer.allocUnsafe(size);
  }

  tag(number: number, wireType: number): void {
    this.buffer[this.#at++] = field(number, wireType);
  }

  varint(value: number): void {
    let rest = value;
    while (rest >= low32) {
      this.buffer[this.#at++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    while (rest >= 128) {
      this.buffer[this.#at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.buffer[this.#at++] = rest;
  }

  varintField(number: number, value: number): void {
    if (value === 0) return;
    this.tag(number, wire.varint);
    this.varint(value);
  }

  record(number: number, record: ExportRecord, size: number): void {
    this.tag(number, wire.bytes);
    this.varint(size);
    this.varintField(1, record.kind === 'service' ? 1 : 2);
    this.#text(2, record.key);
    this.varintField(3, record.revision);
    if (record.hash !== 0) {
      this.tag(4, wire.fixed64);
      this.buffer.writeUInt32LE(record.hash % low32, this.#at);
      this.buffer.writeUInt32LE(Math.floor(record.hash / low32), this.#at + 4);
      this.#at += 8;
    }
    this.#double(5, record.originTimeMs);
    if (record.payload.length === 0) return;
    this.tag(6, wire.bytes);
    this.varint(record.payload.length);
    this.buffer.set(record.payload, this.#at);
    this.#at += record.payload.length;
  }

  removal(number: number, removal: RemovalRecord, size: number): void {
    this.tag(number, wire.bytes);
    this.varint(size);
    this.varintField(1, removal.kind === 'service' ? 1 : 2);
    this.#text(2, removal.key);
    this.varintField(3, removal.revision);
    this.varintField(4, removal.proof === 'tombstone' ? 1 : 2);
    this.#double(5, removal.originTimeMs);
  }

  #text(number: number, text: string): void {
    const size = Buffer.byteLength(text);
    this.tag(number, wire.bytes);
    this.varint(size);
    // Plain ASCII, as nearly all keys are, needs no look at its characters.
    this.#at += this.buffer.write(text, this.#at, size === text.length ? 'latin1' : 'utf8');
  }

  #double(number: number, value: number): void {
    if (value === 0) return;
    this.tag(number, wire.fixed64);
    this.#at = this.buffer.writeDoubleLE(value, this.#at);
  }
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;
  #end: number;
  #chunk = new Uint8Array(0);
  #room = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#end = bytes.length;
  }

  get more(): boolean {
    return this.#at < this.#end;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let length = 0; length < 10; length++) {
      if (this.#at >= this.#end) throw new FrameError('frame that ends within a number');
      const byte = this.#bytes[this.#at++] ?? 0;
      value += (byte & 127) * scale;
      if (byte < 128) {
        if (value > Number.MAX_SAFE_INTEGER) throw new FrameError(`number beyond 2^53: ${value}`);
        return value;
      }
      scale *= 128;
    }
    throw new FrameError('number of more than ten bytes');
  }

  /** Reads a nested message by `read`, which sees its end as the end of everything. */
  nested<T>(read: (reader: Reader) => T): T {
    const size = this.varint();
    this.#need(size);
    const outerEnd = this.#end;
    this.#end = this.#at + size;
    const content = read(this);
    this.#end = outerEnd;
    return content;
  }

  text(): string {
    const size = this.#take();
    return this.#bytes.toString('utf8', this.#at - size, this.#at);
  }

  /**
   * Copies a payload out of the frame. Small ones share a piece of memory with their neighbours:
   * 150,000 pieces of their own would keep the garbage collector busy for longer than all the rest.
   */
  copy(): Uint8Array {
    const size = this.#take();
    const start = this.#at - size;
    if (this.#room + size > this.#chunk.length) {
      // Never more than the frame can still need: what comes alone is kept alone.
      const left = this.#bytes.length - start;
      this.#chunk = new Uint8Array(Math.max(size, Math.min(chunkBytes, left)));
      this.#room = 0;
    }
    const copy = this.#chunk.subarray(this.#room, this.#room + size);
    copy.set(this.#bytes.subarray(start, this.#at));
    this.#room += size;
    return copy;
  }

  fixed64(): number {
    this.#need(8);
    const at = this.#at;
    this.#at += 8;
    return this.#bytes.readUInt32LE(at + 4) * low32 + this.#bytes.readUInt32LE(at);
  }

  double(): number {
    this.#need(8);
    this.#at += 8;
    return this.#bytes.readDoubleLE(this.#at - 8);
  }

  /** Passes over a field that we do not know: a newer minor version may have added it. */
  skip(tag: number): void {
    if (tag < 8) throw new FrameError(`tag ${tag}`);
    switch (tag & 7) {
      case wire.varint:
        this.varint();
        return;
      case wire.fixed64:
        this.#need(8);
        this.#at += 8;
        return;
      case wire.bytes:
        this.#take();
        return;
      case wire.fixed32:
        this.#need(4);
        this.#at += 4;
        return;
      default:
        throw new FrameError(`wire type ${tag & 7}`);
    }
  }

  /** Reads a length and steps over that much; gives the length. */
  #take(): number {
    const size = this.varint();
    this.#need(size);
    this.#at += size;
    return size;
  }

  #need(size: number): void {
    if (size > this.#end - this.#at) {
      throw new FrameError(`frame that ends ${size - (this.#end - this.#at)} bytes too early`);
    }
  }
}
