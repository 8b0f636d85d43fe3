// LZW exactly as Go's compress/lzw writes it with LSB bit order and literal width 8
// (serf-wire.md §2 "Compress"): codes of 9 to 12 bits, 256 clears the table, 257 ends the stream,
// and a code grows by a bit only once the counter has passed what the old width can say.

import { WireError } from './wire-error.ts';

const clearCode = 256;
const endCode = 257;
const maxWidth = 12;
const maxCode = (1 << maxWidth) - 1;

/** Slots of the encoder's hash table: four times the codes, so that probing stays short. */
const tableSize = 4 * (1 << maxWidth);

/**
 * Tables that every call uses anew, made once: both functions run to their end without giving
 * way, and a datagram is much smaller than the tables that its codes need.
 */
const scratch = {
  /** Encoder: `code << 8 | byte` → the code of that string; -1 marks a free slot. */
  keys: new Int32Array(tableSize),
  codes: new Uint16Array(tableSize),
  /** Decoder: the string of a code is that of its prefix and one byte more. */
  prefix: new Uint16Array(1 << maxWidth),
  suffix: new Uint8Array(1 << maxWidth),
  /** Decoder: a string is laid down backwards here before it is copied. */
  stack: new Uint8Array(1 << maxWidth),
};

/** Compresses; the output equals Go's byte for byte. */
export function compressLzw(input: Uint8Array): Uint8Array {
  // At most 12 bits a byte, plus clear codes and the end.
  const output = new Uint8Array(Math.ceil(input.length * 1.5) + 16 + (input.length >> 10));
  const { keys, codes } = scratch;
  keys.fill(-1);
  let bits = 0;
  let bitCount = 0;
  let width = 9;
  let length = 0;

  const write = (code: number): void => {
    bits |= code << bitCount;
    bitCount += width;
    while (bitCount >= 8) {
      output[length++] = bits & 0xff;
      bits >>>= 8;
      bitCount -= 8;
    }
  };

  let high = endCode;
  let overflow = 1 << 9;
  /** Counts a code that both sides now know; false when the table was full and has been cleared. */
  const grow = (): boolean => {
    high += 1;
    if (high === overflow) {
      width += 1;
      overflow <<= 1;
    }
    if (high !== maxCode) return true;
    write(clearCode);
    width = 9;
    high = endCode;
    overflow = 1 << 9;
    keys.fill(-1);
    return false;
  };

  write(clearCode);
  let current = -1;
  for (const byte of input) {
    if (current < 0) {
      current = byte;
      continue;
    }
    const key = (current << 8) | byte;
    let slot = ((key >> 12) ^ key) & (tableSize - 1);
    while (keys[slot] !== key && keys[slot] !== -1) slot = (slot + 1) & (tableSize - 1);
    if (keys[slot] === key) {
      current = codes[slot] ?? 0;
      continue;
    }
    write(current);
    current = byte;
    if (grow()) {
      keys[slot] = key;
      codes[slot] = high;
    }
  }
  if (current >= 0) {
    write(current);
    grow();
  }
  write(endCode);
  if (bitCount > 0) output[length++] = bits & 0xff;
  return output.subarray(0, length);
}

/** Decompresses; throws `WireError` on a broken stream or when `maxLength` would be exceeded. */
export function decompressLzw(input: Uint8Array, maxLength: number): Uint8Array {
  let output = new Uint8Array(Math.min(maxLength, Math.max(256, input.length * 3)));
  let length = 0;
  // What an earlier call left here cannot be reached: a code is used only once it was made anew.
  const { prefix, suffix, stack } = scratch;
  let width = 9;
  let high = endCode;
  let overflow = 1 << 9;
  /** The last code, which the next one extends; -1 behind a clear and in a full table. */
  let last = -1;
  let bits = 0;
  let bitCount = 0;
  let offset = 0;

  for (;;) {
    while (bitCount < width) {
      const byte = input[offset++];
      if (byte === undefined) throw new WireError('compressed data ends without its end code');
      bits |= byte << bitCount;
      bitCount += 8;
    }
    const code = bits & ((1 << width) - 1);
    bits >>>= width;
    bitCount -= width;

    if (code === endCode) return output.subarray(0, length);
    if (code === clearCode) {
      width = 9;
      high = endCode;
      overflow = 1 << 9;
      last = -1;
      continue;
    }
    if (code > high) throw new WireError(`compressed data uses the code ${code} before it exists`);

    let start = stack.length;
    let walk = code;
    if (code === high && last >= 0) {
      // The one code that is used as it is made: the last string and its own first byte.
      walk = last;
      while (walk >= clearCode) walk = prefix[walk] ?? 0;
      stack[--start] = walk;
      walk = last;
    }
    while (walk >= clearCode) {
      stack[--start] = suffix[walk] ?? 0;
      walk = prefix[walk] ?? 0;
    }
    stack[--start] = walk;
    if (last >= 0) {
      suffix[high] = walk;
      prefix[high] = last;
    }

    const size = stack.length - start;
    if (length + size > maxLength) {
      throw new WireError(`compressed data holds more than ${maxLength} bytes`);
    }
    if (length + size > output.length) {
      const grown = new Uint8Array(Math.min(maxLength, 2 * (length + size)));
      grown.set(output.subarray(0, length));
      output = grown;
    }
    for (let index = start; index < stack.length; index += 1) output[length++] = stack[index] ?? 0;

    last = code;
    high += 1;
    if (high >= overflow) {
      if (width === maxWidth) {
        last = -1;
        high -= 1;
      } else {
        width += 1;
        overflow <<= 1;
      }
    }
  }
}
