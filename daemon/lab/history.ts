// What happened in a lab registry, when, and who did it: the evidence that end-to-end checks read.

import type { Clock } from '../support/clock.ts';
import type { Instance, Service } from './content.ts';

type HistoryKind =
  | 'service-created'
  | 'service-updated'
  | 'service-removed'
  | 'instance-registered'
  | 'instance-updated'
  | 'instance-removed'
  | 'server';

/** Why: a call, the end of a lease, the forced removal of its service, or a fault of the lab. */
export type HistoryCause = 'call' | 'lease-ended' | 'service-removed' | 'fault';

export interface HistoryEntry {
  /** Counts from 1 without gaps. */
  readonly seq: number;
  /** Wall clock of the lab, milliseconds since 1970. */
  readonly atMs: number;
  readonly kind: HistoryKind;
  readonly cause: HistoryCause;
  /** The caller: header `X-Lab-Client`, else `User-Agent` and address; `registry` for the lab itself. */
  readonly who: string;
  /** What was asked, as `PUT status`; or what the lab did, as `restart`. */
  readonly what: string;
  readonly domain?: string;
  readonly project?: string;
  readonly serviceId?: string;
  readonly instanceId?: string;
  /** The content after the change; of a removal, the last one. */
  readonly service?: Service;
  readonly instance?: Instance;
}

export interface HistoryPage {
  readonly entries: readonly HistoryEntry[];
  /** To be passed as `since` for what comes next. */
  readonly next: number;
  /** Entries before this `seq` were dropped to bound the memory; 1: none was. */
  readonly first: number;
}

export class History {
  readonly #clock: Clock;
  readonly #limit: number;
  #entries: HistoryEntry[] = [];
  #seq = 0;

  /** Keeps the last `limit` entries at least, at most twice as many. */
  constructor(clock: Clock, limit: number) {
    this.#clock = clock;
    this.#limit = limit;
  }

  record(entry: Omit<HistoryEntry, 'seq' | 'atMs'>): void {
    this.#seq += 1;
    this.#entries.push({ seq: this.#seq, atMs: this.#clock.nowMs(), ...entry });
    if (this.#entries.length >= 2 * this.#limit) this.#entries = this.#entries.slice(-this.#limit);
  }

  /** Gives up to `limit` entries whose `seq` is larger than `since`. */
  page(since = 0, limit = Number.POSITIVE_INFINITY): HistoryPage {
    const first = this.#entries[0]?.seq ?? this.#seq + 1;
    const from = Math.max(0, since + 1 - first);
    const entries = this.#entries.slice(from, from + limit);
    return { entries, next: entries.at(-1)?.seq ?? Math.max(since, first - 1), first };
  }
}
