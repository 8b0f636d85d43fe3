// The whole mapping as etcd has it at one revision: ours, and what the original syncer left where ours
// has nothing of it. Decoded in parts, so that 150,000 of them stall nothing else.

import type { EtcdKv } from './etcd-kv.ts';
import {
  factsKey,
  factsPrefix,
  originalKey,
  originalPrefix,
  readFacts,
  readFactsKey,
  readOriginal,
} from './etcd-mapping.ts';
import type { Mapping } from './ports.ts';

export interface MappingSnapshot {
  readonly mappings: readonly Mapping[];
  /** How many of them only the original's keys hold. */
  readonly original: number;
  /** Values that are no mapping: kept, and left alone. */
  readonly unreadable: readonly { readonly key: string; readonly error: string }[];
  readonly revision: number;
}

/** Values that are decoded at a stretch, some 10 ms. Raising it saves nothing to speak of. */
const decodedAtOnce = 2_000;

/** Reads it. Rejects when etcd does not answer. */
export async function readMappingSnapshot(etcd: EtcdKv): Promise<MappingSnapshot> {
  const [facts, originalKeys] = await Promise.all([
    etcd.read(factsPrefix),
    etcd.read(originalPrefix, 'keys'),
  ]);
  const found = new Map<string, Mapping>();
  const ours = new Set<string>();
  const unreadable: { key: string; error: string }[] = [];
  const decode = async (
    entries: typeof facts.entries,
    take: (key: string, value: Uint8Array) => void,
  ): Promise<void> => {
    for (const [index, { key, value }] of entries.entries()) {
      if (index % decodedAtOnce === decodedAtOnce - 1) await new Promise(setImmediate);
      try {
        take(key, value);
      } catch (error) {
        unreadable.push({ key, error: String(error) });
      }
    }
  };
  await decode(facts.entries, (key, value) => {
    ours.add(key);
    found.set(key, readFactsOf(key, value));
  });
  const before = found.size;
  // Each of ours has been written beside one of the original's: their values are asked for only where
  // there are more.
  const known = new Set([...found.values()].map(originalKey));
  if (originalKeys.entries.some(({ key }) => !known.has(key))) {
    const original = await etcd.read(originalPrefix);
    const others = original.entries.filter(({ key }) => !known.has(key));
    await decode(others, (_key, value) => {
      const mapping = readOriginal(value);
      const key = factsKey(mapping);
      // One of ours that is unreadable is not replaced by what the original knows of it.
      if (!ours.has(key)) found.set(key, mapping);
    });
  }
  return {
    mappings: [...found.values()],
    original: found.size - before,
    unreadable,
    revision: facts.revision,
  };
}

/** Decodes the value of a key of ours. Throws when it is none, or another key's. */
export function readFactsOf(key: string, value: Uint8Array): Mapping {
  const mapping = readFacts(value);
  if (readFactsKey(key) === undefined || factsKey(mapping) !== key) {
    throw new Error('it belongs to another key');
  }
  return mapping;
}
