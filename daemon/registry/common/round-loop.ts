// Reading rounds one after the other: at an interval that follows their cost, slower after each that
// failed, sooner when a hint comes, never two at a time.

import { backoff } from '../../support/backoff.ts';
import type { Clock, Timer } from '../../support/clock.ts';
import type { Logger } from '../../support/logger.ts';
import type { Random } from '../../support/random.ts';

/** A round may cost a tenth of the time: the interval is this many times what its reading cost. */
const intervalFactor = 10;
/** The cheapest of so many rounds is what a round takes; the rest of the others was waiting. */
const roundsWeighed = 8;
/** Longest interval. Raising it spares a registry that answers slowly and shows changes later. */
const longestIntervalMs = 5_000;
/** Shortest time between two rounds that hints ask for. */
const shortestWakeMs = 50;

export interface RoundLoop {
  /** Begins the first round at once. */
  start(): void;
  /** Begins no other round; resolves when none is under way. */
  stop(): Promise<void>;
  /** A hint that something changed: the next round comes soon, at a bounded rate. */
  wake(): void;
  /**
   * The round was complete and its reading took `costMs`. `mostMs`: what it can have cost the registry
   * at most, the rest was waiting. `shortestMs`: no shorter interval is of use.
   */
  succeeded(
    costMs: number,
    bounds?: { readonly mostMs?: number; readonly shortestMs?: number },
  ): void;
  /** The round was not complete: the next one waits longer each time. */
  failed(): void;
  /** When the round under way, or the last one, began; -Infinity before the first. */
  readonly startedAtMs: number;
  /** Cost of the last complete round. */
  readonly roundMs: number | undefined;
  readonly intervalMs: number | undefined;
}

export interface RoundLoopParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Shortest time between two rounds without a hint. */
  readonly pollMinMs: number;
  /** Reads, tells, and says `succeeded` or `failed`. A rejection is a bug: logged, and a failure. */
  round(): Promise<void>;
}

/** Gives the loop; no round begins before `start`. */
export function createRoundLoop(parts: RoundLoopParts): RoundLoop {
  const { clock, logger, pollMinMs } = parts;
  const now = (): number => clock.monotonicMs();
  const waits = backoff(
    { initialMs: pollMinMs, maxMs: longestIntervalMs, factor: 1.6 },
    parts.random,
  );
  const costs: number[] = [];
  let startedAtMs = -Infinity;
  let roundMs: number | undefined;
  let intervalMs: number | undefined;
  let timer: Timer | undefined;
  let running: Promise<void> | undefined;
  let started = false;
  let stopped = false;
  let woken = false;

  const wakeDelayMs = (): number =>
    Math.max(0, startedAtMs + Math.max(shortestWakeMs, 2 * (roundMs ?? 0)) - now());

  const schedule = (delayMs: number): void => {
    timer?.cancel();
    if (stopped) return;
    timer = clock.after(delayMs, () => {
      startedAtMs = now();
      running = parts
        .round()
        .catch((error: unknown) => {
          logger.error({ err: error }, 'a reading round broke');
          intervalMs = waits.nextMs();
        })
        .finally(() => {
          running = undefined;
          const hinted = woken;
          woken = false;
          schedule(hinted ? wakeDelayMs() : (intervalMs ?? pollMinMs));
        });
    });
  };

  return {
    start() {
      started = true;
      schedule(0);
    },
    async stop() {
      stopped = true;
      timer?.cancel();
      await running;
    },
    wake() {
      if (stopped || !started) return;
      if (running === undefined) schedule(wakeDelayMs());
      else woken = true;
    },
    succeeded(costMs, { mostMs = Infinity, shortestMs = 0 } = {}) {
      roundMs = costMs;
      costs.push(costMs);
      if (costs.length > roundsWeighed) costs.shift();
      const followsMs = Math.min(mostMs, ...costs) * intervalFactor;
      intervalMs = Math.max(pollMinMs, shortestMs, Math.min(longestIntervalMs, followsMs));
      waits.reset();
    },
    failed() {
      intervalMs = waits.nextMs();
    },
    get startedAtMs() {
      return startedAtMs;
    },
    get roundMs() {
      return roundMs;
    },
    get intervalMs() {
      return intervalMs;
    },
  };
}
