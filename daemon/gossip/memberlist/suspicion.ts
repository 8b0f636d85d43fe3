// A suspicion runs from its longest timeout down to its shortest as independent members confirm
// it (Lifeguard, "LHA-Suspicion"; serf-wire.md §5).

import type { Clock } from '../../support/clock.ts';
import { patientTimer, type PatientTimer, type PatienceOptions } from './patience.ts';

/** The shortest suspicion in a pool of `nodes`; the logarithm is truncated to 1/1000 as in Go. */
export function suspicionTimeoutMs(
  suspicionMult: number,
  nodes: number,
  probeIntervalMs: number,
): number {
  const nodeScale = Math.max(1, Math.log10(Math.max(1, nodes)));
  return (suspicionMult * Math.floor(nodeScale * 1000) * probeIntervalMs) / 1000;
}

/** How many confirmations bring a suspicion to its minimum; 0 where the pool is too small. */
export function expectedConfirmations(suspicionMult: number, nodes: number): number {
  const wanted = suspicionMult - 2;
  return nodes - 2 < wanted ? 0 : wanted;
}

/** What is left of a suspicion after `confirmed` confirmations and `elapsedMs`. */
export function remainingSuspicionMs(
  confirmed: number,
  expected: number,
  elapsedMs: number,
  minMs: number,
  maxMs: number,
): number {
  const fraction = Math.log(confirmed + 1) / Math.log(expected + 1);
  const timeoutMs = Math.floor(maxMs - fraction * (maxMs - minMs));
  return Math.max(minMs, timeoutMs) - elapsedMs;
}

export interface SuspicionOptions extends PatienceOptions {
  /** The first accuser; its own confirmation does not count. */
  readonly from: string;
  readonly expected: number;
  readonly minMs: number;
  readonly maxMs: number;
  /** Nobody refuted in time. */
  readonly expired: (confirmations: number) => void;
}

export class Suspicion {
  readonly #options: SuspicionOptions;
  readonly #clock: Clock;
  readonly #startMs: number;
  readonly #accusers: Set<string>;
  #confirmed = 0;
  #timer: PatientTimer;

  constructor(options: SuspicionOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#startMs = options.clock.monotonicMs();
    this.#accusers = new Set([options.from]);
    this.#timer = this.#arm(options.expected < 1 ? options.minMs : options.maxMs);
  }

  /** Another member suspects too. True when that is news, which is worth passing on. */
  confirm(from: string): boolean {
    const { expected, minMs, maxMs } = this.#options;
    if (this.#confirmed >= expected || this.#accusers.has(from)) return false;
    this.#accusers.add(from);
    this.#confirmed += 1;
    const elapsedMs = this.#clock.monotonicMs() - this.#startMs;
    this.#timer.cancel();
    this.#timer = this.#arm(
      remainingSuspicionMs(this.#confirmed, expected, elapsedMs, minMs, maxMs),
    );
    return true;
  }

  cancel(): void {
    this.#timer.cancel();
  }

  #arm(delayMs: number): PatientTimer {
    return patientTimer(this.#options, Math.max(0, delayMs), () =>
      this.#options.expired(this.#confirmed),
    );
  }
}
