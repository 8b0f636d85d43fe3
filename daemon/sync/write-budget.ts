// How many writes the registry takes at once, learnt from its answers: additive increase while it
// answers as quickly as it can, multiplicative decrease when it slows down or fails (AIMD).

/**
 * Most writes at once. Beyond some tens a registry only queues them (servicecenter-api.md §6:
 * 32 connections bring a ServiceCenter to its limit).
 */
const maxConcurrency = 64;
const initialConcurrency = 8;

/** An answer that takes this many times the quickest of late says that the registry is busy. */
const slowFactor = 4;

/** Latencies below this say nothing of load, milliseconds. */
const noiseMs = 10;

/** How fast the memory of the quickest answer fades: a registry that got slower is believed. */
const baselineDrift = 1.005;

export class WriteBudget {
  #limit = initialConcurrency;
  #baselineMs = Number.POSITIVE_INFINITY;
  #reducedAtMs = Number.NEGATIVE_INFINITY;

  /** Writes that may be under way. */
  get limit(): number {
    return Math.max(1, Math.floor(this.#limit));
  }

  /** The registry took a write, `latencyMs` after it was sent. */
  succeeded(latencyMs: number, nowMs: number): void {
    this.#baselineMs = Math.min(this.#baselineMs * baselineDrift, latencyMs);
    if (latencyMs > Math.max(noiseMs, this.#baselineMs * slowFactor)) {
      this.#reduce(0.8, latencyMs, nowMs);
    } else {
      this.#limit = Math.min(maxConcurrency, this.#limit + 1 / this.#limit);
    }
  }

  /** The registry failed at a write, or did not answer. */
  failed(latencyMs: number, nowMs: number): void {
    this.#reduce(0.5, latencyMs, nowMs);
  }

  /** At most once per latency: writes sent before a reduction say nothing about it. */
  #reduce(factor: number, latencyMs: number, nowMs: number): void {
    if (nowMs - this.#reducedAtMs < latencyMs) return;
    this.#reducedAtMs = nowMs;
    this.#limit = Math.max(1, this.#limit * factor);
  }
}
