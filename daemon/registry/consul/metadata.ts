// What an instance's metadata holds beside an application's own pairs, and how everything goes into at
// most 64 pairs of 512 bytes (peers.md §4, "Limits"): long texts in numbered pieces, properties that no
// pair can hold (dots in the key, a long value) together in one such text.

import type { StringMap } from '../../model/service.ts';
import { stampKeys } from '../../model/stamp.ts';
import { identityKeys } from './service-id.ts';

export const contentKeys = {
  /** Marks an instance that was written from the common model: all else is its properties. */
  model: 'syncer-model',
  endpoints: 'syncer-endpoints',
  hostName: 'syncer-host',
  status: 'syncer-status',
  health: 'syncer-health',
  dataCenter: 'syncer-data-center',
  service: 'syncer-service-content',
  /** Properties that no pair of their own can hold, as JSON. */
  more: 'syncer-more',
  /** Spring Cloud asks it whether to dial with TLS. */
  secure: 'secure',
} as const;

export const modelVersion = '1';

/** Consul refuses an instance with more. */
export const mostPairs = 64;
const longestKey = 128;
/** In bytes; Consul counts these. */
const longestValue = 512;

const ours = new Set<string>([...Object.values(contentKeys), ...Object.values(identityKeys)]);
/** Pieces of a long text after its first one. */
const piecePattern = /^(.+)-(\d{1,2})$/;
const stamps = new Set<string>(Object.values(stampKeys));

/** The pairs of an instance, or how many it would take. */
export type Pairs =
  | { readonly fits: true; readonly pairs: StringMap }
  | { readonly fits: false; readonly count: number };

/**
 * Gives the pairs for `properties` and for what the driver says itself, `own` (keys of ours, texts of
 * any length). Properties stand as they are where they can; where that takes too many pairs, all but
 * the stamp go together.
 */
export function pairsOf(properties: StringMap, own: StringMap): Pairs {
  const loose = pairsWith(properties, own, fitsPair);
  if (loose.fits) return loose;
  return pairsWith(properties, own, (key, value) => stamps.has(key) && fitsPair(key, value));
}

/** Gives the text that stands under a key of ours, its pieces put together. */
export function textIn(metadata: StringMap, key: string): string | undefined {
  const first = metadata[key];
  if (first === undefined) return undefined;
  let whole = first;
  for (let piece = 1; piece < mostPairs; piece += 1) {
    const next = metadata[`${key}-${piece}`];
    if (next === undefined) break;
    whole += next;
  }
  return whole;
}

/** Gives an application's own properties in metadata that was written by `pairsOf`. */
export function propertiesIn(metadata: StringMap): StringMap {
  const plain = Object.entries(metadata).filter(([key]) => !isOurs(key));
  return Object.fromEntries([
    ...plain,
    ...Object.entries(mapIn(textIn(metadata, contentKeys.more))),
  ]);
}

/** True for a key that the driver uses itself, or could. */
function isOurs(key: string): boolean {
  const piece = piecePattern.exec(key);
  return ours.has(key) || (piece?.[1] !== undefined && ours.has(piece[1]));
}

function fitsPair(key: string, value: string): boolean {
  return (
    /^[A-Za-z0-9_-]+$/.test(key) &&
    key.length <= longestKey &&
    !key.startsWith('consul-') &&
    !isOurs(key) &&
    Buffer.byteLength(value) <= longestValue
  );
}

function pairsWith(
  properties: StringMap,
  own: StringMap,
  mayStand: (key: string, value: string) => boolean,
): Pairs {
  const entries = Object.entries(properties);
  const plain = entries.filter(([key, value]) => mayStand(key, value));
  const rest = entries
    .filter(([key, value]) => !mayStand(key, value))
    .sort(([left], [right]) => (left < right ? -1 : 1));
  const more =
    rest.length === 0 ? {} : { [contentKeys.more]: JSON.stringify(Object.fromEntries(rest)) };
  const pieces = Object.entries({ ...own, ...more }).flatMap(([key, text]) => piecesOf(key, text));
  const pairs = [...plain, ...pieces];
  return pairs.length <= mostPairs
    ? { fits: true, pairs: Object.fromEntries(pairs) }
    : { fits: false, count: pairs.length };
}

/** Cuts a text between characters, so that each piece is one that Consul takes. */
function piecesOf(key: string, text: string): readonly (readonly [string, string])[] {
  const pieces: string[] = [];
  let piece = '';
  let bytes = 0;
  for (const character of text) {
    const size = Buffer.byteLength(character);
    if (bytes + size > longestValue) {
      pieces.push(piece);
      piece = '';
      bytes = 0;
    }
    piece += character;
    bytes += size;
  }
  pieces.push(piece);
  return pieces.map((each, index) => [index === 0 ? key : `${key}-${index}`, each] as const);
}

function mapIn(text: string | undefined): StringMap {
  if (text === undefined) return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
    const entries = Object.entries(value).filter(([, each]) => typeof each === 'string');
    return Object.fromEntries(entries);
  } catch {
    // Written by somebody else: no properties of ours.
    return {};
  }
}
