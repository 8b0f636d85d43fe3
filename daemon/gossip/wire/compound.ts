// Several messages in one datagram: `07 | n(u8) | n x u16 BE length | bodies` (serf-wire.md §3).

import { messageType } from './messages.ts';
import { WireError } from './wire-error.ts';

/** Decoders before memberlist 0.2.4 lose the whole datagram from 128 parts on (serf-wire.md §3). */
const maxParts = 127;

/** What a part costs beside its own bytes. */
export const compoundPartOverhead = 2;
/** What the compound itself costs: type and count. */
export const compoundHeaderOverhead = 2;

/** Packs messages; more than 127 become several compounds. A single one is left as it is. */
export function encodeCompounds(messages: readonly Uint8Array[]): Uint8Array[] {
  const compounds: Uint8Array[] = [];
  for (let start = 0; start < messages.length; start += maxParts) {
    compounds.push(encodeCompound(messages.slice(start, start + maxParts)));
  }
  return compounds;
}

function encodeCompound(messages: readonly Uint8Array[]): Uint8Array {
  const [only] = messages;
  if (only !== undefined && messages.length === 1) return only;
  const header = Buffer.alloc(compoundHeaderOverhead + compoundPartOverhead * messages.length);
  header[0] = messageType.compound;
  header[1] = messages.length;
  messages.forEach((message, index) => {
    header.writeUInt16BE(message.length, compoundHeaderOverhead + compoundPartOverhead * index);
  });
  return Buffer.concat([header, ...messages]);
}

/**
 * The parts of a compound (given without its type byte). As in Go, parts that are cut short are
 * left out and counted; throws `WireError` when not even the lengths are there.
 */
export function decodeCompound(body: Uint8Array): {
  readonly parts: readonly Uint8Array[];
  readonly truncated: number;
} {
  const count = body[0];
  if (count === undefined) throw new WireError('a compound without its count');
  let offset = 1 + compoundPartOverhead * count;
  if (body.length < offset) throw new WireError(`a compound without its ${count} lengths`);
  const parts: Uint8Array[] = [];
  for (let index = 0; index < count; index += 1) {
    const at = 1 + compoundPartOverhead * index;
    const length = ((body[at] ?? 0) << 8) | (body[at + 1] ?? 0);
    if (offset + length > body.length) break;
    parts.push(body.subarray(offset, offset + length));
    offset += length;
  }
  return { parts, truncated: count - parts.length };
}
