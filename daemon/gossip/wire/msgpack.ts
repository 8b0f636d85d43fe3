// The msgpack dialect of go-msgpack 0.5, "old spec": one raw type for strings and bytes
// (serf-wire.md §3). Written in its only canonical form; read as tolerantly as Go reads it.

import { decodeText, encodeText } from './text.ts';
import { IncompleteError, WireError } from './wire-error.ts';

/** How deep a value that we do not know may nest before it is refused. */
const maxDepth = 16;

/** Appends values to one growing buffer. */
export class MsgpackWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(initialCapacity = 128) {
    this.#buffer = Buffer.allocUnsafe(initialCapacity);
  }

  /** What has been written, as a copy-free view; the writer must not be used afterwards. */
  finish(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /** A byte outside of msgpack: the message type. */
  byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length++] = value;
  }

  nil(): void {
    this.byte(0xc0);
  }

  bool(value: boolean): void {
    this.byte(value ? 0xc3 : 0xc2);
  }

  /** Any safe integer, in its smallest form; not negative means unsigned. */
  int(value: number): void {
    if (!Number.isSafeInteger(value)) {
      throw new RangeError(`${value} is not an integer within ±(2^53 - 1)`);
    }
    this.#reserve(9);
    const buffer = this.#buffer;
    const at = this.#length;
    if (value >= 0) {
      if (value < 0x80) this.byte(value);
      else if (value <= 0xff) this.#tagged(0xcc, buffer.writeUInt8(value, at + 1));
      else if (value <= 0xffff) this.#tagged(0xcd, buffer.writeUInt16BE(value, at + 1));
      else if (value <= 0xffff_ffff) this.#tagged(0xce, buffer.writeUInt32BE(value, at + 1));
      else this.#tagged(0xcf, buffer.writeBigUInt64BE(BigInt(value), at + 1));
    } else if (value >= -0x20) this.byte(value & 0xff);
    else if (value >= -0x80) this.#tagged(0xd0, buffer.writeInt8(value, at + 1));
    else if (value >= -0x8000) this.#tagged(0xd1, buffer.writeInt16BE(value, at + 1));
    else if (value >= -0x8000_0000) this.#tagged(0xd2, buffer.writeInt32BE(value, at + 1));
    else this.#tagged(0xd3, buffer.writeBigInt64BE(BigInt(value), at + 1));
  }

  float64(value: number): void {
    this.#reserve(9);
    this.#tagged(0xcb, this.#buffer.writeDoubleBE(value, this.#length + 1));
  }

  text(value: string): void {
    this.bytes(encodeText(value));
  }

  bytes(value: Uint8Array): void {
    this.#header(value.length, 0xa0, 0x20, 0xda, 0xdb);
    this.#reserve(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
  }

  arrayHeader(count: number): void {
    this.#header(count, 0x90, 0x10, 0xdc, 0xdd);
  }

  mapHeader(count: number): void {
    this.#header(count, 0x80, 0x10, 0xde, 0xdf);
  }

  #header(count: number, fix: number, fixLimit: number, wide: number, wider: number): void {
    this.#reserve(5);
    if (count < fixLimit) this.byte(fix | count);
    else if (count <= 0xffff)
      this.#tagged(wide, this.#buffer.writeUInt16BE(count, this.#length + 1));
    else this.#tagged(wider, this.#buffer.writeUInt32BE(count, this.#length + 1));
  }

  /** Puts the tag before a number that was just written; `end` is the offset behind it. */
  #tagged(tag: number, end: number): void {
    this.#buffer[this.#length] = tag;
    this.#length = end;
  }

  #reserve(size: number): void {
    const wanted = this.#length + size;
    if (wanted <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(wanted, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }
}

/**
 * Reads values one after the other. Every method throws `IncompleteError` where the bytes end too
 * early and `WireError` where they hold something else; `offset` then has no meaning.
 */
export class MsgpackReader {
  readonly #buffer: Buffer;
  #offset: number;

  constructor(bytes: Uint8Array, offset = 0) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#offset = offset;
  }

  /** Where the next value starts: the number of bytes consumed, for a reader that began at 0. */
  get offset(): number {
    return this.#offset;
  }

  /** Consumes a nil if one is next. */
  takeNil(): boolean {
    if (this.#peek() !== 0xc0) return false;
    this.#offset += 1;
    return true;
  }

  bool(): boolean {
    const tag = this.#byte();
    if (tag !== 0xc2 && tag !== 0xc3) throw unexpected('a bool', tag);
    return tag === 0xc3;
  }

  /** An integer in `min..max`; both must be safe integers. */
  int(min: number, max: number): number {
    const value = this.#integer();
    if (value < min || value > max) throw new WireError(`the integer ${value} is out of range`);
    return Number(value);
  }

  /** An integer that is not negative; one above 2^53 - 1 becomes 2^53 - 1. */
  saturatedUint(): number {
    const value = this.#integer();
    if (value < 0) throw new WireError(`the integer ${value} is out of range`);
    return value > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : Number(value);
  }

  /** A float, or an integer where Go wrote one. */
  float(): number {
    const tag = this.#peek();
    if (tag === 0xca) return this.#buffer.readFloatBE(this.#take(5) + 1);
    if (tag === 0xcb) return this.#buffer.readDoubleBE(this.#take(9) + 1);
    return Number(this.#integer());
  }

  /** Raw bytes as text; the "bin" family is refused here, as Go refuses it. */
  text(maxLength: number): string {
    return decodeText(this.#raw(maxLength, false));
  }

  /** Raw bytes (or "bin"), as a view of the input. */
  bytes(maxLength: number): Uint8Array {
    return this.#raw(maxLength, true);
  }

  arrayHeader(maxCount: number): number {
    return this.#count('an array', 0x90, 0xdc, 0xdd, maxCount);
  }

  mapHeader(maxCount: number): number {
    return this.#count('a map', 0x80, 0xde, 0xdf, maxCount);
  }

  /** Steps over one value of any kind. */
  skip(depth = 0): void {
    if (depth > maxDepth) throw new WireError(`a value nests deeper than ${maxDepth}`);
    const tag = this.#peek();
    if (tag < 0x80 || tag >= 0xe0 || tag === 0xc0 || tag === 0xc2 || tag === 0xc3) {
      this.#offset += 1;
    } else if (tag < 0x90 || tag === 0xde || tag === 0xdf) {
      const count = this.#count('a map', 0x80, 0xde, 0xdf, this.#buffer.length);
      for (let left = 2 * count; left > 0; left -= 1) this.skip(depth + 1);
    } else if (tag < 0xa0 || tag === 0xdc || tag === 0xdd) {
      const count = this.#count('an array', 0x90, 0xdc, 0xdd, this.#buffer.length);
      for (let left = count; left > 0; left -= 1) this.skip(depth + 1);
    } else if (tag === 0xca || tag === 0xcb) {
      this.float();
    } else if (tag >= 0xcc && tag <= 0xd3) {
      this.#integer();
    } else {
      this.#raw(this.#buffer.length, true);
    }
  }

  #integer(): number | bigint {
    const buffer = this.#buffer;
    const tag = this.#peek();
    if (tag < 0x80) return this.#byte();
    if (tag >= 0xe0) return this.#byte() - 0x100;
    switch (tag) {
      case 0xcc:
        return buffer.readUInt8(this.#take(2) + 1);
      case 0xcd:
        return buffer.readUInt16BE(this.#take(3) + 1);
      case 0xce:
        return buffer.readUInt32BE(this.#take(5) + 1);
      case 0xcf:
        return buffer.readBigUInt64BE(this.#take(9) + 1);
      case 0xd0:
        return buffer.readInt8(this.#take(2) + 1);
      case 0xd1:
        return buffer.readInt16BE(this.#take(3) + 1);
      case 0xd2:
        return buffer.readInt32BE(this.#take(5) + 1);
      case 0xd3:
        return buffer.readBigInt64BE(this.#take(9) + 1);
      default:
        throw unexpected('an integer', tag);
    }
  }

  #raw(maxLength: number, binary: boolean): Uint8Array {
    const tag = this.#peek();
    let length: number;
    if (tag >= 0xa0 && tag <= 0xbf) length = this.#byte() & 0x1f;
    else if (tag === 0xd9 || (binary && tag === 0xc4)) {
      length = this.#buffer.readUInt8(this.#take(2) + 1);
    } else if (tag === 0xda || (binary && tag === 0xc5)) {
      length = this.#buffer.readUInt16BE(this.#take(3) + 1);
    } else if (tag === 0xdb || (binary && tag === 0xc6)) {
      length = this.#buffer.readUInt32BE(this.#take(5) + 1);
    } else throw unexpected(binary ? 'bytes' : 'text', tag);
    if (length > maxLength) {
      throw new WireError(`${length} bytes where at most ${maxLength} are allowed`);
    }
    const start = this.#take(length);
    return this.#buffer.subarray(start, start + length);
  }

  #count(what: string, fix: number, wide: number, wider: number, maxCount: number): number {
    const tag = this.#peek();
    let count: number;
    if (tag >= fix && tag < fix + 0x10) count = this.#byte() & 0x0f;
    else if (tag === wide) count = this.#buffer.readUInt16BE(this.#take(3) + 1);
    else if (tag === wider) count = this.#buffer.readUInt32BE(this.#take(5) + 1);
    else throw unexpected(what, tag);
    if (count > maxCount) {
      throw new WireError(`${what} of ${count} where at most ${maxCount} are allowed`);
    }
    return count;
  }

  #peek(): number {
    const tag = this.#buffer[this.#offset];
    if (tag === undefined) throw new IncompleteError();
    return tag;
  }

  #byte(): number {
    const tag = this.#peek();
    this.#offset += 1;
    return tag;
  }

  /** Consumes `size` bytes and gives the offset of the first. */
  #take(size: number): number {
    const start = this.#offset;
    if (start + size > this.#buffer.length) throw new IncompleteError();
    this.#offset += size;
    return start;
  }
}

function unexpected(wanted: string, tag: number): WireError {
  return new WireError(`0x${tag.toString(16).padStart(2, '0')} where ${wanted} is expected`);
}
