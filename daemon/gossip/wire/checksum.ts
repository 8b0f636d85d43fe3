// A checksum before a datagram's message: `0c | u32 BE CRC32-IEEE(rest) | rest` (serf-wire.md §2).

import { crc32 } from 'node:zlib';
import { messageType } from './messages.ts';
import { WireError } from './wire-error.ts';

/** Bytes that the checksum adds. */
const checksumOverhead = 5;

/** Puts the checksum before a message. */
export function addChecksum(message: Uint8Array): Uint8Array {
  const frame = Buffer.allocUnsafe(checksumOverhead + message.length);
  frame[0] = messageType.hasCrc;
  frame.writeUInt32BE(crc32(message), 1);
  frame.set(message, checksumOverhead);
  return frame;
}

/** The message behind a checksum (given without the type byte); throws `WireError` on mismatch. */
export function checkChecksum(body: Uint8Array): Uint8Array {
  if (body.length < 4) throw new WireError('a checksum cut short');
  const message = body.subarray(4);
  const wanted = new DataView(body.buffer, body.byteOffset, 4).getUint32(0);
  if (crc32(message) !== wanted) throw new WireError('the checksum does not match');
  return message;
}
