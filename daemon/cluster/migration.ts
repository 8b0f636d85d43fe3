// Moves the mapping between SQLite and etcd, in batches, each of them whole. What was interrupted is
// begun again: what is there already is not written twice. A running site may go on changing meanwhile.

import { SyncerError } from '../../proto/errors.ts';
import type { EtcdKv } from '../store/etcd-kv.ts';
import { changeWrites, mappingsPerCommit } from '../store/etcd-mapping.ts';
import { readMappingSnapshot } from '../store/etcd-snapshot.ts';
import { mappingDifference, type MappingDifference } from '../store/mapping-difference.ts';
import type { MappingChange } from '../store/operations.ts';
import type { Mapping } from '../store/ports.ts';
import { clusterKey, leaderKey } from './keys.ts';
import { singleWrite } from './single.ts';

/** One of the two places. */
export interface MappingPlace {
  /** Rejects with `cluster.*` or `store.*` errors. */
  read(): Promise<{ readonly mappings: readonly Mapping[]; readonly unreadable: number }>;
  /** Asked before the first write: rejects where this place may not be written to now. */
  prepare(changes: number): Promise<void>;
  /** Writes some changes, all of them or none. */
  write(changes: readonly MappingChange[]): Promise<void>;
  readonly changesPerWrite: number;
}

export interface MigrationOutcome {
  readonly plan: Pick<MappingDifference, 'puts' | 'deletes' | 'equal'>;
  readonly unreadable: number;
  readonly written: number;
  /** Mappings in the target at the end. */
  readonly total: number;
  /** What differs still, because the source has changed meanwhile; 0 unless it changes all the time. */
  readonly differing: number;
}

export interface MigrationOptions {
  /** Say what would be done, and do nothing. */
  readonly planOnly: boolean;
  readonly planned: (plan: MigrationOutcome['plan'], unreadable: number) => void;
  readonly progress: (done: number, total: number) => void;
  readonly signal: AbortSignal;
}

/** Looks again whether the two are equal, so often: a running site changes while it is copied. */
const passes = 3;

/** Makes `to` equal to `from`. Rejects with what the places say, or with `request.cancelled`. */
export async function migrateMapping(
  from: MappingPlace,
  to: MappingPlace,
  options: MigrationOptions,
): Promise<MigrationOutcome> {
  let written = 0;
  let plan: MigrationOutcome['plan'] | undefined;
  for (let pass = 1; ; pass += 1) {
    const [source, target] = [await from.read(), await to.read()];
    const { changes, ...counts } = mappingDifference(source.mappings, target.mappings);
    const unreadable = source.unreadable + target.unreadable;
    if (plan === undefined) options.planned(counts, unreadable);
    plan ??= counts;
    if (options.planOnly || changes.length === 0 || pass > passes) {
      const total = target.mappings.length;
      return { plan, unreadable, written, total, differing: changes.length };
    }
    if (pass === 1) await to.prepare(changes.length);
    for (let at = 0; at < changes.length; at += to.changesPerWrite) {
      if (options.signal.aborted) throw new SyncerError('request.cancelled');
      const part = changes.slice(at, at + to.changesPerWrite);
      await to.write(part);
      written += part.length;
      options.progress(at + part.length, changes.length);
    }
  }
}

/** etcd as a place: written to while nobody leads alone, and by no one but its own cluster. */
export function etcdPlace(etcd: EtcdKv, cluster: string): MappingPlace {
  const nobodyLeads = { key: leaderKey, createdRevision: 0 };
  const refuse = async (count: number): Promise<void> => {
    const node = await leaderIn(etcd);
    if (node !== undefined) throw new SyncerError('cluster.leads', { node, count });
  };
  return {
    changesPerWrite: mappingsPerCommit,
    async read() {
      const { entry } = await answer(etcd.get(clusterKey));
      const other = entry === undefined ? cluster : Buffer.from(entry.value).toString();
      if (other !== cluster) throw new SyncerError('cluster.other-cluster', { cluster, other });
      const { mappings, unreadable } = await answer(readMappingSnapshot(etcd));
      return { mappings, unreadable: unreadable.length };
    },
    async prepare(changes) {
      await refuse(changes);
      const absent = { key: clusterKey, createdRevision: 0 };
      await answer(etcd.commit([absent], [{ type: 'put', key: clusterKey, value: cluster }]));
    },
    async write(changes) {
      const { succeeded } = await answer(etcd.commit([nobodyLeads], changeWrites(changes)));
      if (!succeeded) await refuse(changes.length);
    },
  };
}

/**
 * Writes into etcd that `node` runs alone: from now on no replica wins a term until it has left. Rejects
 * with `cluster.two-writers` when one leads already.
 */
export async function announceSingle(etcd: EtcdKv, node: string): Promise<void> {
  const nobodyLeads = { key: leaderKey, createdRevision: 0 };
  const { succeeded } = await answer(etcd.commit([nobodyLeads], [singleWrite(node)]));
  if (succeeded) return;
  const leader = await leaderIn(etcd);
  throw new SyncerError('cluster.two-writers', { node: leader ?? '?', single: node });
}

async function leaderIn(etcd: EtcdKv): Promise<string | undefined> {
  const { entry } = await answer(etcd.get(leaderKey));
  if (entry === undefined) return undefined;
  return (JSON.parse(Buffer.from(entry.value).toString()) as { node: string }).node;
}

async function answer<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SyncerError('cluster.etcd-away', { reason }, cause);
  }
}
