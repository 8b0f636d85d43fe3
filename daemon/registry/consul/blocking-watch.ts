// One blocking query after the other (peers.md §4, "Blocking"): each waits until the index of what it
// reads is another one. An index that gets smaller is a server that has begun anew.

import { backoff } from '../../support/backoff.ts';
import { sleep, type Clock } from '../../support/clock.ts';
import type { Random } from '../../support/random.ts';
import type { Outcome, Trouble } from '../common/trouble.ts';
import type { Blocking, Indexed } from './api.ts';

/** What a watch has last seen. */
interface Watched<T> {
  readonly index: number;
  readonly value: T;
}

export interface BlockingWatch<T> {
  start(): void;
  stop(): Promise<void>;
  /** `undefined`: nothing yet. */
  readonly last: Watched<T> | undefined;
  /** Why the last query gave nothing; `undefined`: it did. */
  readonly trouble: Trouble | undefined;
}

export interface BlockingWatchParts<T> {
  readonly clock: Clock;
  readonly random: Random;
  query(blocking: Blocking): Promise<Outcome<Indexed<T>>>;
  /** Number of entries in a value. */
  entries(value: T): number;
  /** There is something new: a value, or a trouble. */
  changed(): void;
  /** The index got smaller: what was known of the server may not hold. */
  reset(detail: string): void;
}

/** Time between an answer and the next query, so that changes that come together are one answer. */
const shortestPauseMs = 20;
/** Entries of an answer that are worth a millisecond of that pause: the list is sent whole each time. */
const entriesPerMs = 20;
/** Longest such pause. Raising it spares a server whose lists are long and change always. */
const longestPauseMs = 2_000;

/** Gives the watch; nothing is asked before `start`. */
export function createBlockingWatch<T>(parts: BlockingWatchParts<T>): BlockingWatch<T> {
  const { clock } = parts;
  const stopping = new AbortController();
  const waits = backoff({ initialMs: 100, maxMs: 5_000, factor: 1.6 }, parts.random);
  let last: Watched<T> | undefined;
  let trouble: Trouble | undefined;
  let running: Promise<void> | undefined;

  const run = async (signal: AbortSignal): Promise<void> => {
    let index = 0;
    while (!signal.aborted) {
      const answer = await parts.query({ index, signal });
      if (!answer.ok) {
        trouble = answer.trouble;
        // What it waited for may have been lost with the connection.
        index = 0;
        parts.changed();
        await sleep(clock, waits.nextMs(), signal);
        continue;
      }
      waits.reset();
      const recovered = trouble !== undefined;
      trouble = undefined;
      const next = answer.value.index;
      const before = last?.index;
      const smaller = before !== undefined && next < before;
      if (smaller) parts.reset(`the index went from ${before} to ${next}`);
      const news = next !== before;
      // An index of 0 would not block, and neither would one of the server before.
      index = smaller ? 0 : Math.max(1, next);
      last = { index: next, value: answer.value.value };
      if (news || recovered) parts.changed();
      if (!news) continue;
      const weight = parts.entries(answer.value.value) / entriesPerMs;
      await sleep(clock, Math.min(longestPauseMs, shortestPauseMs + weight), signal);
    }
  };

  return {
    start() {
      running ??= run(stopping.signal).catch((error: unknown) => {
        if (!stopping.signal.aborted) throw error;
      });
    },
    async stop() {
      stopping.abort(new Error('the driver stops'));
      await running;
    },
    get last() {
      return last;
    },
    get trouble() {
      return trouble;
    },
  };
}
