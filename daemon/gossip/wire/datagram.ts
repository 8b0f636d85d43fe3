// One datagram, from messages to bytes and back (serf-wire.md §2):
// message -> [compress if smaller] -> [checksum] -> [encrypt] -> [label].

import { addChecksum, checkChecksum } from './checksum.ts';
import { compressMessage, decompressMessage } from './compress.ts';
import { decodeCompound } from './compound.ts';
import { decryptPayload, DecryptError, encryptPayload } from './encrypt.ts';
import { labelHeader, stripLabel } from './label.ts';
import { compressed, messageType } from './messages.ts';
import { WireError } from './wire-error.ts';

/** What both sides of a pool must share. */
export interface Envelope {
  /** The primary first; empty: nothing is encrypted. */
  readonly keys: readonly Uint8Array[];
  /** Encrypt what is sent, given a key. */
  readonly encryptOutgoing: boolean;
  /** Refuse plaintext, given a key. */
  readonly verifyIncoming: boolean;
  /** Empty: no label. */
  readonly label: Uint8Array;
  readonly compression: boolean;
}

/** Below this LZW does not gain anything, so it is not tried. */
const smallestToCompress = 64;
/** How deep compound, compressed and checksummed messages may nest; real ones nest 3 deep. */
const maxNesting = 6;
/** Messages in one datagram: two full compounds' worth of the smallest. */
const maxMessages = 512;

/** Makes the datagram of one message (or compound). */
export function sealDatagram(
  message: Uint8Array,
  envelope: Envelope,
  withChecksum: boolean,
): Uint8Array {
  let bytes = message;
  if (envelope.compression && message.length >= smallestToCompress) {
    const smaller = compressMessage(message);
    if (smaller.length < message.length) bytes = smaller;
  }
  if (withChecksum) bytes = addChecksum(bytes);
  const [primary] = envelope.keys;
  if (primary !== undefined && envelope.encryptOutgoing) {
    bytes = encryptPayload(1, primary, bytes, envelope.label);
  }
  const header = labelHeader(envelope.label);
  return header.length === 0 ? bytes : Buffer.concat([header, bytes]);
}

/** What a datagram held. */
export interface OpenedDatagram {
  /** Each with its type byte; compounds, compression and checksums are taken off. */
  readonly messages: readonly Uint8Array[];
  /** Parts that could not be read, in spite of the others: cut short, damaged or too many. */
  readonly broken: number;
}

/**
 * Opens a datagram. Throws `DecryptError` when no key fits, `WireError` when nothing in it can be
 * read. Decompressed bytes are bounded by `maxBytes` over the whole datagram.
 */
export function openDatagram(
  bytes: Uint8Array,
  envelope: Envelope,
  maxBytes: number,
): OpenedDatagram {
  const inner = decrypt(stripLabel(bytes, envelope.label), envelope);
  const messages: Uint8Array[] = [];
  let broken = 0;
  let bytesLeft = maxBytes;

  const unwrap = (message: Uint8Array, depth: number): void => {
    if (depth > maxNesting) throw new WireError(`messages nest deeper than ${maxNesting}`);
    switch (message[0]) {
      case undefined:
        throw new WireError('an empty message');
      case messageType.hasCrc:
        unwrap(checkChecksum(message.subarray(1)), depth + 1);
        return;
      case messageType.compress: {
        const plain = decompressMessage(compressed.decode(message.subarray(1)), bytesLeft);
        bytesLeft -= plain.length;
        unwrap(plain, depth + 1);
        return;
      }
      case messageType.compound: {
        const { parts, truncated } = decodeCompound(message.subarray(1));
        broken += truncated;
        for (const part of parts) {
          try {
            unwrap(part, depth + 1);
          } catch (error) {
            if (!(error instanceof WireError)) throw error;
            broken += 1;
          }
        }
        return;
      }
      default:
        if (messages.length >= maxMessages) throw new WireError('too many messages');
        messages.push(message);
    }
  };
  unwrap(inner, 0);
  return { messages, broken };
}

function decrypt(bytes: Uint8Array, envelope: Envelope): Uint8Array {
  if (envelope.keys.length === 0) return bytes;
  try {
    return decryptPayload(envelope.keys, bytes, envelope.label);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    if (!envelope.verifyIncoming) return bytes;
    // Plaintext cannot be told from a wrong key for certain: 0 and 1 begin both.
    throw new DecryptError('not encrypted with any of our keys');
  }
}
