// A message inside a compressed one: `09 | msgpack{Algo: 0, Buf}` (serf-wire.md §2).

import { compressLzw, decompressLzw } from './lzw.ts';
import { compressed } from './messages.ts';
import { WireError } from './wire-error.ts';

const lzw = 0;

/** The message, compressed, whether or not that makes it smaller. */
export function compressMessage(message: Uint8Array): Uint8Array {
  return compressed.encode({ algo: lzw, buf: compressLzw(message) });
}

/** What is inside; throws `WireError` for another algorithm or more than `maxLength` bytes. */
export function decompressMessage(
  frame: { readonly algo: number; readonly buf: Uint8Array },
  maxLength: number,
): Uint8Array {
  if (frame.algo !== lzw) throw new WireError(`the compression algorithm ${frame.algo} is unknown`);
  return decompressLzw(frame.buf, maxLength);
}
