// A leader that does not reach its registry gives the lead to a replica that does: a cut between the two
// would let every lease of a copy run out, while the others stand by. Asked over gossip, so that nobody
// hands over to one that is no better off.

import type { GossipPool } from '../gossip/pool.ts';
import type { Clock } from '../support/clock.ts';
import type { Logger } from '../support/logger.ts';

export interface RegistryReachParts {
  readonly pool: Pick<GossipPool, 'answer' | 'query'>;
  /** Whether this replica's registry answers it. */
  readonly reaches: () => boolean;
  readonly leads: () => boolean;
  /** Nobody leads as far as is known: then the others are asked too, so that it can be said why. */
  readonly nobodyLeads: () => boolean;
  /** Names of the other live replicas. */
  readonly others: () => readonly string[];
  readonly handOver: () => Promise<unknown>;
  readonly clock: Clock;
  readonly logger: Logger;
}

const query = 'syncer-registry-reach';
const queryMs = 1_500;
const lookMs = 500;
/**
 * How long a registry is away before the lead is offered. Raising it rides out longer restarts of the
 * registry without a question; it must stay far below the lease of a copy (30 s at the least).
 */
const patienceMs = 3_000;
/** How long after a question that helped nothing the next one is asked. */
const againMs = 5_000;
const yes = 'reached';

export interface RegistryReach {
  /** Whether the registry answers the others, as they said when they were last asked. */
  readonly others: ReadonlyMap<string, boolean>;
}

/** Watches until `signal` aborts, and answers the other replicas' question. */
export function watchRegistryReach(parts: RegistryReachParts, signal: AbortSignal): RegistryReach {
  const { pool, clock, logger } = parts;
  let awaySinceMs: number | undefined;
  let askFromMs = 0;
  const heard = new Map<string, boolean>();

  pool.answer(query, ({ from }) =>
    parts.others().includes(from) ? Buffer.from(parts.reaches() ? yes : 'away') : undefined,
  );

  const offer = async (): Promise<void> => {
    const filterNodes = parts.others();
    if (filterNodes.length === 0) return;
    const { responses } = await pool.query(query, new Uint8Array(), {
      ...{ timeoutMs: queryMs, filterNodes },
    });
    heard.clear();
    for (const { from, payload } of responses) {
      heard.set(from, Buffer.from(payload).toString() === yes);
    }
    const better = responses.find(({ from }) => heard.get(from) === true);
    if (better === undefined || !parts.leads() || parts.reaches()) return;
    logger.warn(
      { replica: better.from },
      `the registry does not answer this leader, and answers ${better.from}: the lead is handed over`,
    );
    await parts.handOver();
  };

  const look = (): void => {
    if (signal.aborted) return;
    const nowMs = clock.monotonicMs();
    if (parts.reaches() || !(parts.leads() || parts.nobodyLeads())) awaySinceMs = undefined;
    else awaySinceMs ??= nowMs;
    if (awaySinceMs !== undefined && nowMs - awaySinceMs >= patienceMs && nowMs >= askFromMs) {
      askFromMs = nowMs + againMs;
      offer().catch((error: unknown) => {
        logger.debug({ error: String(error) }, 'nobody was asked whether the registry answers');
      });
    }
    clock.after(lookMs, look);
  };
  look();
  return { others: heard };
}
