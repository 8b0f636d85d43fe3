// What stands in etcd under the keys of the election, read with care: a value that somebody else has put
// there is kept, reported by its key, and never taken for a leader.

import type { EtcdEntry } from '../store/etcd-kv.ts';
import type { LeaderEntry, Term } from './election.ts';

/** A value under our prefix that is none of ours. */
export class ForeignValue extends Error {
  readonly key: string;

  constructor(key: string) {
    super(`what etcd holds at ${key} was not written by a syncer`);
    this.key = key;
  }
}

/** Reads the leader's key. Throws a `ForeignValue`. */
export function readLeader(
  entry: Pick<EtcdEntry, 'key' | 'value' | 'lease' | 'createdRevision'>,
): LeaderEntry {
  const { node, epoch } = readTermOf(entry);
  // A leader's key hangs on its lease; one that hangs on none would never end.
  if (entry.lease === '0') throw new ForeignValue(entry.key);
  return { node, epoch, lease: entry.lease, createdRevision: entry.createdRevision };
}

/** Reads the newest term. Throws a `ForeignValue`. */
export function readTerm(entry: Pick<EtcdEntry, 'key' | 'value'>): Term {
  const { node, epoch, lease, clear } = readTermOf(entry);
  if (typeof lease !== 'string') throw new ForeignValue(entry.key);
  // A replica of an older version says nothing of it.
  return { node, epoch, lease, clear: clear === true };
}

function readTermOf({ key, value }: Pick<EtcdEntry, 'key' | 'value'>): {
  readonly node: string;
  readonly epoch: number;
  readonly lease?: unknown;
  readonly clear?: unknown;
} {
  const read = parse(value);
  if (typeof read !== 'object' || read === null) throw new ForeignValue(key);
  if (!('node' in read) || !('epoch' in read)) throw new ForeignValue(key);
  const { node, epoch, ...rest } = read;
  if (typeof node !== 'string' || !Number.isSafeInteger(epoch)) throw new ForeignValue(key);
  return { ...rest, node, epoch: epoch as number };
}

function parse(value: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(value).toString());
  } catch {
    return undefined;
  }
}
