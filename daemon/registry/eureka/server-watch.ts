// What is found out about the servers beside their content: how old their lists are, who their peers
// are, and whether self-preservation is in force. For `status` and for the pace of the rounds; none of
// it proves anything about an instance.

import type { Clock } from '../../support/clock.ts';
import type { Logger } from '../../support/logger.ts';
import type { EurekaApi, ServerState } from './api.ts';
import type { Mirror } from './mirror.ts';
import type { EurekaSettings } from './options.ts';

/** Writes watched at a time until a list shows them. */
const watched = 64;
/** A write that no list shows after this is no measure: it was overtaken. */
const watchedForMs = 120_000;
/** Lists that lag more than this come from the server's response cache (30 s by default). */
const cachedFromMs = 3_000;
/** Behind such a cache, more rounds than this show nothing earlier. */
const cachedIntervalMs = 1_000;
/** Measured delays that count: the largest of the last ones is shown. */
const kept = 32;

export interface ServerWatch {
  /** A copy was registered with this number; a list will show it. */
  wrote(app: string, id: string, lastDirty: number): void;
  /** A reading was taken in. */
  listed(mirror: Mirror): void;
  /** A delta did not lead to the server's hash. */
  repaired(): void;
  /** Looks at the server's state, when it is time to. */
  look(): void;
  /** Resolves when no look is under way. */
  idle(): Promise<void>;
  /** Shortest useful time between two rounds. */
  readonly shortestIntervalMs: number;
  /** For `facts()`. */
  readonly findings: Readonly<Record<string, string>>;
}

/** Gives the watch. */
export function createServerWatch(
  api: EurekaApi,
  settings: Pick<EurekaSettings, 'auditMs'>,
  clock: Clock,
  logger: Logger,
): ServerWatch {
  const writes = new Map<string, { readonly lastDirty: number; readonly atMs: number }>();
  const delays: number[] = [];
  let state: ServerState | undefined;
  let repairs = 0;
  let lookedAtMs = -Infinity;
  let looking: Promise<void> | undefined;
  const listDelayMs = (): number | undefined =>
    delays.length === 0 ? undefined : Math.max(...delays);

  const take = (next: ServerState): void => {
    if (next.selfPreservation === 'in-force' && state?.selfPreservation !== 'in-force') {
      logger.warn({}, 'the Eureka preserves itself: it evicts nobody, its list may name dead ones');
    }
    if (state?.selfPreservation === 'in-force' && next.selfPreservation === 'not-in-force') {
      logger.info({}, 'the Eureka no longer preserves itself: it evicts again');
    }
    state = next;
  };

  return {
    wrote(app, id, lastDirty) {
      if (writes.size < watched)
        writes.set(`${app}/${id}`, { lastDirty, atMs: clock.monotonicMs() });
    },
    listed(mirror) {
      const nowMs = clock.monotonicMs();
      for (const [key, write] of writes) {
        const slash = key.indexOf('/');
        const entry = mirror.entry(key.slice(0, slash), key.slice(slash + 1));
        const seen = entry?.listed === true && entry.lastDirty >= write.lastDirty;
        if (seen) {
          delays.push(nowMs - write.atMs);
          if (delays.length > kept) delays.shift();
        }
        if (seen || nowMs - write.atMs > watchedForMs) writes.delete(key);
      }
    },
    repaired() {
      repairs += 1;
    },
    look() {
      if (looking !== undefined || clock.monotonicMs() - lookedAtMs < settings.auditMs) return;
      lookedAtMs = clock.monotonicMs();
      looking = api
        .state()
        .then(take)
        .catch((error: unknown) => logger.error({ err: error }, 'the look at the server broke'))
        .finally(() => {
          looking = undefined;
        });
    },
    async idle() {
      await looking;
    },
    get shortestIntervalMs() {
      return (listDelayMs() ?? 0) > cachedFromMs ? cachedIntervalMs : 0;
    },
    get findings() {
      const delayMs = listDelayMs();
      return {
        'list-delay': delayMs === undefined ? 'not measured' : `${Math.round(delayMs)} ms`,
        'self-preservation': state?.selfPreservation ?? 'not shown',
        'cluster-peers': state?.peers === undefined ? 'not shown' : String(state.peers.length),
        'full-reads-by-hash': String(repairs),
      };
    },
  };
}
