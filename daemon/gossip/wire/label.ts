// The label of a pool (memberlist 0.3.0 and later): `f4 | len(1..255) | bytes`, outermost, on every
// packet and once per direction of a stream (serf-wire.md §2 "Label").

import { messageType } from './messages.ts';
import { IncompleteError, WireError } from './wire-error.ts';

/** The header of a label; nothing for the empty one. */
export function labelHeader(label: Uint8Array): Uint8Array {
  if (label.length === 0) return label;
  if (label.length > 255)
    throw new RangeError(`a label has at most 255 bytes, not ${label.length}`);
  return Buffer.concat([Uint8Array.of(messageType.hasLabel, label.length), label]);
}

/**
 * The bytes behind the label, which must be ours: with an empty label nothing labelled is taken,
 * with another one nothing else. Throws `IncompleteError` where more bytes could decide it.
 */
export function stripLabel(bytes: Uint8Array, label: Uint8Array): Uint8Array {
  if (bytes[0] !== messageType.hasLabel) {
    if (label.length === 0) return bytes;
    if (bytes.length === 0) throw new IncompleteError();
    throw new WireError('the label of our pool is missing');
  }
  const length = bytes[1];
  if (length === undefined) throw new IncompleteError();
  if (length === 0) throw new WireError('an empty label');
  if (bytes.length < 2 + length) throw new IncompleteError();
  if (Buffer.compare(bytes.subarray(2, 2 + length), label) !== 0) {
    throw new WireError('the label of another pool');
  }
  return bytes.subarray(2 + length);
}
