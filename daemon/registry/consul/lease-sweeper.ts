// Consul's catalog has no leases: what is registered stays until somebody takes it out. So the leases of
// copies are kept here: one that nobody renews any more for as long as its lease is taken out by the
// process that renewed last (README.md, "Leases").

import type { Clock, Timer } from '../../support/clock.ts';
import type { Logger } from '../../support/logger.ts';
import type { Outcome } from '../common/trouble.ts';
import type { Entry, Mirror } from './mirror.ts';

/** Time between two looks at the leases. Raising it costs less and lets copies stay that much longer. */
const beatMs = 2_000;
/** Copies taken out in one beat. */
const mostAtOnce = 500;

export interface LeaseSweeper {
  /** The caller wrote or renewed it just now; `leaseMs`: `undefined` if its lease is as it was. */
  kept(ref: Pick<Entry, 'serviceId' | 'instanceId'>, leaseMs: number | undefined): void;
  stop(): Promise<void>;
}

export interface LeaseSweeperParts {
  readonly node: string;
  readonly mirror: Mirror;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The registry answers, and its view is whole. */
  isAnswering(): boolean;
  /** No other process has written or renewed since this one. */
  isKeeper(signal: AbortSignal): Promise<Outcome<boolean>>;
  /** Takes these out, each only if it is as the mirror has it; gives how many went. */
  remove(entries: readonly Entry[], signal: AbortSignal): Promise<number>;
}

/** Gives the sweeper; it beats from the first write or renewal on: a process that writes nothing keeps nothing. */
export function createLeaseSweeper(parts: LeaseSweeperParts): LeaseSweeper {
  const { clock, logger, mirror, node } = parts;
  /** When each lease ends, on the clock below. */
  let ends = new Map<string, number>();
  /**
   * Time in which renewals could have come: not that in which the registry was away, and not that in
   * which this process stood still.
   */
  let livedMs = 0;
  let lastBeatMs = 0;
  let timer: Timer | undefined;
  let beating: Promise<void> | undefined;
  const stopping = new AbortController();

  /** The clock is as old as the last beat. */
  const endOf = (leaseMs: number): number => livedMs + leaseMs + beatMs;

  const beat = async (): Promise<void> => {
    const nowMs = clock.monotonicMs();
    if (parts.isAnswering()) livedMs += Math.min(nowMs - lastBeatMs, 2 * beatMs);
    lastBeatMs = nowMs;
    if (!parts.isAnswering()) return;
    const next = new Map<string, number>();
    const due: Entry[] = [];
    for (const entry of mirror.entries()) {
      if (entry.node !== node || entry.stamp === undefined) continue;
      const key = keyOf(entry);
      // Found here and never renewed by us: its owner has one lease from now.
      const endMs = ends.get(key) ?? endOf(entry.leaseMs);
      next.set(key, endMs);
      if (endMs <= livedMs && due.length < mostAtOnce) due.push(entry);
    }
    ends = next;
    if (due.length === 0) return;
    const keeper = await parts.isKeeper(stopping.signal);
    if (!keeper.ok) return;
    if (!keeper.value) {
      logger.info({ node }, 'another process keeps the leases of the copies from now on');
      timer?.cancel();
      timer = undefined;
      ends = new Map();
      return;
    }
    // Renewed while we asked.
    const still = due.filter((entry) => (ends.get(keyOf(entry)) ?? Infinity) <= livedMs);
    const count = await parts.remove(still, stopping.signal);
    if (count > 0) logger.info({ count }, 'copies that nobody renewed any more were taken out');
  };

  const schedule = (): void => {
    timer = clock.after(beatMs, () => {
      if (timer === undefined || stopping.signal.aborted) return;
      schedule();
      beating ??= beat()
        .catch((error: unknown) => {
          if (!stopping.signal.aborted) logger.error({ err: error }, 'the sweep of leases broke');
        })
        .finally(() => {
          beating = undefined;
        });
    });
  };

  return {
    kept(ref, leaseMs = mirror.entry(ref.serviceId, ref.instanceId)?.leaseMs) {
      // One that the mirror has not seen yet gets its whole lease when it does.
      if (leaseMs !== undefined) ends.set(keyOf(ref), endOf(leaseMs));
      if (timer !== undefined || stopping.signal.aborted) return;
      lastBeatMs = clock.monotonicMs();
      schedule();
    },
    async stop() {
      stopping.abort(new Error('the driver stops'));
      timer?.cancel();
      await beating;
    },
  };
}

function keyOf({ serviceId, instanceId }: Pick<Entry, 'serviceId' | 'instanceId'>): string {
  return `${serviceId}/${instanceId}`;
}
