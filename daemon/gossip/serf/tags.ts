// The tags of a member, carried as memberlist's meta-data (serf-wire.md §8 "Tags").

import { metaMaxSize } from '../wire/messages.ts';
import { decodeText } from '../wire/text.ts';
import { mapOf, decodeValue, encodeValue, textUpTo } from '../wire/table.ts';
import { WireError } from '../wire/wire-error.ts';

export type Tags = Readonly<Record<string, string>>;

/** First byte of meta-data that holds a map; anything else is the tag `role` of serf 0.3. */
const tagMagic = 0xff;

const tagMap = mapOf(textUpTo(metaMaxSize), 256);

/** The tags do not fit into a member's meta-data. */
export class TagsTooLargeError extends Error {
  override readonly name = 'TagsTooLargeError';
}

/** `ff` and the map. Throws `TagsTooLargeError` above 512 bytes. */
export function encodeTags(tags: Tags): Uint8Array {
  const map = encodeValue(tagMap, new Map(Object.entries(tags)));
  const size = map.length + 1;
  if (size > metaMaxSize) {
    const [longest = ''] = Object.keys(tags).sort(
      (left, right) => (tags[right]?.length ?? 0) - (tags[left]?.length ?? 0),
    );
    throw new TagsTooLargeError(
      `the tags take ${size} bytes together, and a member can carry ${metaMaxSize}: ` +
        `shorten the longest ("${longest}", ${tags[longest]?.length ?? 0} characters) or drop one`,
    );
  }
  return Buffer.concat([Uint8Array.of(tagMagic), map]);
}

/** The tags in meta-data; none where the map cannot be read. */
export function decodeTags(meta: Uint8Array): Tags {
  if (meta.length === 0) return {};
  if (meta[0] !== tagMagic) return { role: decodeText(meta) };
  try {
    return Object.fromEntries(decodeValue(tagMap, meta, 1).value);
  } catch (error) {
    if (error instanceof WireError) return {};
    throw error;
  }
}
