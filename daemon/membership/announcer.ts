// Says `discovered` in the pool when the export changed, and every 30 s, as the original does: a Go
// syncer pulls on it, ours take it as a hint (design.md §4). Data never rides on it.

import type { GossipPool } from '../gossip/pool.ts';
import type { ExportSource } from '../model/records.ts';
import type { Clock, Timer } from '../support/clock.ts';
import type { Logger } from '../support/logger.ts';

const discoveredEvent = 'discovered';

/** At most one announcement in this time. Raising it saves gossip and delays Go syncers. */
const minGapMs = 1_000;
const everyMs = 30_000;

export interface Announcer {
  start(): void;
  stop(): void;
}

/** Gives the announcer of one cluster's export. Only the leader of a cluster announces. */
export function createAnnouncer(
  pool: Pick<GossipPool, 'sendEvent'>,
  source: Pick<ExportSource, 'cluster' | 'onChange' | 'revision'>,
  parts: { readonly clock: Clock; readonly logger: Logger; readonly isLeader: () => boolean },
): Announcer {
  const payload = new TextEncoder().encode(source.cluster);
  let announcedRevision = -1;
  let lastMs = Number.NEGATIVE_INFINITY;
  let timer: Timer | undefined;
  let stop: (() => void) | undefined;

  const schedule = (delayMs: number): void => {
    timer?.cancel();
    timer = parts.clock.after(delayMs, announce);
  };

  const announce = (): void => {
    lastMs = parts.clock.monotonicMs();
    announcedRevision = source.revision;
    schedule(everyMs);
    if (!parts.isLeader()) return;
    pool.sendEvent(discoveredEvent, payload, true).catch((error: unknown) => {
      parts.logger.debug({ error: String(error) }, 'the discovered event could not be sent');
    });
  };

  return {
    start() {
      stop = source.onChange(() => {
        if (source.revision === announcedRevision) return;
        schedule(Math.max(0, lastMs + minGapMs - parts.clock.monotonicMs()));
      });
      schedule(0);
    },
    stop() {
      timer?.cancel();
      stop?.();
    },
  };
}
