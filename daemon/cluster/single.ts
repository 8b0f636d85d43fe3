// The syncer of mode single that a cluster comes from, or goes back to: it writes without asking etcd, so
// the replicas may not. That it runs is written into etcd, where no term can be won beside it; it is taken
// out when it has left the pool or is a replica itself. That gossip calls it failed takes it out of nothing:
// it may be cut off, and write.

import type { EtcdGuard, EtcdKv, EtcdWrite } from '../store/etcd-kv.ts';
import type { Clock } from '../support/clock.ts';
import type { Logger } from '../support/logger.ts';
import { singleKey } from './keys.ts';

/** A syncer of our cluster as the pool shows it. */
export interface PoolSyncer {
  readonly name: string;
  readonly status: string;
  /** It runs in mode single. */
  readonly isSingle: boolean;
}

/** No term is won unless this holds. */
export const noSingle: EtcdGuard = { key: singleKey, createdRevision: 0 };

/** Gives the write that says that `node` runs alone. */
export function singleWrite(node: string): EtcdWrite {
  return { type: 'put', key: singleKey, value: JSON.stringify({ node }) };
}

/** Reads a value of `singleWrite`. */
function readSingle(value: Uint8Array | undefined): string | undefined {
  if (value === undefined) return undefined;
  return (JSON.parse(Buffer.from(value).toString()) as { node: string }).node;
}

/** What is to be done with the record. A pure function of it and of what the pool shows. */
export function judgeSingle(
  recorded: string | undefined,
  pool: readonly PoolSyncer[],
): { readonly type: 'record'; readonly node: string } | { readonly type: 'clear' | 'keep' } {
  const running = pool.find(({ status, isSingle }) => status === 'alive' && isSingle);
  if (running !== undefined) {
    return running.name === recorded ? { type: 'keep' } : { type: 'record', node: running.name };
  }
  if (recorded === undefined) return { type: 'keep' };
  const at = pool.find(({ name }) => name === recorded);
  const hasLeft = at?.status === 'left' || (at?.status === 'alive' && !at.isSingle);
  return { type: hasLeft ? 'clear' : 'keep' };
}

export interface SingleWatch {
  /** Who runs alone, as the pool shows it or etcd has it; `undefined`: nobody. */
  readonly node: string | undefined;
  /** The pool has changed. */
  look(): void;
}

/** How often etcd is asked for the record. Raising it delays the first term after the single one left. */
const lookMs = 1_000;

/** Keeps the record until `signal` aborts. `changed`: who runs alone is another one now. */
export function watchSingle(
  parts: {
    readonly etcd: Pick<EtcdKv, 'get' | 'commit'>;
    readonly pool: () => readonly PoolSyncer[];
    readonly changed: () => void;
    readonly clock: Clock;
    readonly logger: Logger;
  },
  signal: AbortSignal,
): SingleWatch {
  const { etcd, pool, changed, clock, logger } = parts;
  let recorded: string | undefined;
  let looking = false;

  const shown = (): string | undefined =>
    pool().find(({ status, isSingle }) => status === 'alive' && isSingle)?.name ?? recorded;

  const look = async (): Promise<void> => {
    const { entry } = await etcd.get(singleKey);
    const before = recorded;
    recorded = readSingle(entry?.value);
    const verdict = judgeSingle(recorded, pool());
    // As it was when it was judged: another replica may have done the same meanwhile.
    const guard =
      entry === undefined ? noSingle : { key: singleKey, changedRevision: entry.changedRevision };
    if (verdict.type === 'record') {
      await etcd.commit([guard], [singleWrite(verdict.node)]);
      recorded = verdict.node;
    } else if (verdict.type === 'clear') {
      const { succeeded } = await etcd.commit([guard], [{ type: 'delete', key: singleKey }]);
      if (succeeded) {
        logger.info(
          { single: recorded },
          `${recorded ?? ''} runs alone no more: a term may be won`,
        );
        recorded = undefined;
      }
    }
    if (before !== recorded) changed();
  };

  const now = (): void => {
    if (looking || signal.aborted) return;
    looking = true;
    look()
      .catch((error: unknown) => {
        logger.debug({ error: String(error) }, 'etcd was not asked who runs alone');
      })
      .finally(() => (looking = false));
  };

  const tick = (): void => {
    if (signal.aborted) return;
    now();
    clock.after(lookMs, tick);
  };
  tick();
  return {
    get node() {
      return shown();
    },
    look: now,
  };
}

/** Takes it out by hand: a person says that it has stopped for good. False: it was another one, or none. */
export async function forgetSingle(
  etcd: Pick<EtcdKv, 'get' | 'commit'>,
  node: string,
): Promise<boolean> {
  const { entry } = await etcd.get(singleKey);
  if (entry === undefined || readSingle(entry.value) !== node) return false;
  const guard = { key: singleKey, changedRevision: entry.changedRevision };
  const { succeeded } = await etcd.commit([guard], [{ type: 'delete', key: singleKey }]);
  return succeeded;
}
