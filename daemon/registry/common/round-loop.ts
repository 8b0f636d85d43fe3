// Reading rounds one after the other: at an interval that follows their cost, slower after each that
// failed, sooner when a hint comes, never two at a time.

import { backoff } from '../../support/backoff.ts';
import type { Clock, Timer } from '../../support/clock.ts';
import type { Logger } from '../../support/logger.ts';
import type { Random } from '../../support/random.ts';

/** A round may cost a tenth of the time: the interval is this many times what its reading cost. */
const intervalFactor = 10;
/**
 * The cheapest of so many rounds is what a round takes; the rest of the others was waiting. Raising it
 * follows a registry that became slower later; lowering it takes a busy minute for a slow registry.
 */
const roundsWeighed = 32;
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
   * at most, the rest was waiting. `shortestMs`: no shorter interval is of use. `share`: the part of
   * the time for reading that such rounds may take, above 0 and up to 1.
   */
  succeeded(
    costMs: number,
    bounds?: { readonly mostMs?: number; readonly shortestMs?: number; readonly share?: number },
  ): void;
  /** The next round comes after this time and not after the interval: something is worth an early look. */
  sooner(afterMs: number): void;
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
  /**
   * Reads, tells, and says `succeeded`, `sooner` or `failed`. A rejection is a bug: logged, and a
   * failure. `hinted`: it was asked for by `wake`.
   */
  round(hinted: boolean): Promise<void>;
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
  let soonerMs: number | undefined;

  const wakeDelayMs = (): number =>
    Math.max(0, startedAtMs + Math.max(shortestWakeMs, 2 * (roundMs ?? 0)) - now());

  const schedule = (delayMs: number): void => {
    timer?.cancel();
    if (stopped) return;
    timer = clock.after(delayMs, () => {
      startedAtMs = now();
      const hinted = woken;
      woken = false;
      soonerMs = undefined;
      running = parts
        .round(hinted)
        .catch((error: unknown) => {
          logger.error({ err: error }, 'a reading round broke');
          intervalMs = waits.nextMs();
        })
        .finally(() => {
          running = undefined;
          schedule(woken ? wakeDelayMs() : (soonerMs ?? intervalMs ?? pollMinMs));
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
      woken = true;
      if (running === undefined) schedule(wakeDelayMs());
    },
    succeeded(costMs, { mostMs = Infinity, shortestMs = 0, share = 1 } = {}) {
      roundMs = costMs;
      costs.push(costMs);
      if (costs.length > roundsWeighed) costs.shift();
      const followsMs = (Math.min(mostMs, ...costs) * intervalFactor) / share;
      intervalMs = Math.max(pollMinMs, shortestMs, Math.min(longestIntervalMs, followsMs));
      waits.reset();
    },
    sooner(afterMs) {
      soonerMs = Math.max(0, afterMs);
    },
    failed() {
      soonerMs = undefined;
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
