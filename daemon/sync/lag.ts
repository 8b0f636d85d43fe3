// How long changes took from their origin to being readable here, over the last five minutes. Only
// samples that were read back from the registry count.

import type { Clock } from '../support/clock.ts';
import type { LagFigures } from './engine.ts';

const windowSeconds = 300;

/** Samples that are kept; at the rate of the read-backs more than five minutes of them. */
const maxSamples = 4096;

export class LagMeter {
  readonly #clock: Clock;
  readonly #samples: { readonly atMs: number; readonly wallMs: number; readonly lagMs: number }[] =
    [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(lagMs: number): void {
    this.#samples.push({
      atMs: this.#clock.monotonicMs(),
      wallMs: this.#clock.nowMs(),
      // An offset that is off by a little must not show a change that arrives before it was made.
      lagMs: Math.max(0, lagMs),
    });
    if (this.#samples.length > maxSamples) this.#samples.splice(0, maxSamples / 4);
  }

  figures(): LagFigures {
    const fromMs = this.#clock.monotonicMs() - windowSeconds * 1000;
    const inWindow = this.#samples.filter(({ atMs }) => atMs >= fromMs);
    const sorted = inWindow.map(({ lagMs }) => lagMs).sort((left, right) => left - right);
    const at = (share: number): number | undefined =>
      sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
    return {
      windowSeconds,
      samples: sorted.length,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      worstMs: sorted.at(-1),
      lastSampleMs: this.#samples.at(-1)?.wallMs,
    };
  }
}
