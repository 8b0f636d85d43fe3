// Since when a peer is silent, whatever the wall clock does meanwhile, and across a restart.

import type { Clock } from '../support/clock.ts';

export class SilenceClock {
  readonly #clock: Clock;
  readonly #startedMs: number;
  /** Silence that was behind us when this process began to listen, milliseconds. */
  #silentBeforeMs: number;
  #heardAtMs: number;
  #lastHeardMs: number | undefined;
  #heardHere = false;

  /** @param lastHeardMs wall clock of the last sign of life in an earlier process, if there was one */
  constructor(clock: Clock, lastHeardMs: number | undefined) {
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
    this.#heardAtMs = this.#startedMs;
    this.#lastHeardMs = lastHeardMs;
    this.#silentBeforeMs = lastHeardMs === undefined ? 0 : Math.max(0, clock.nowMs() - lastHeardMs);
  }

  /** Wall clock of the last sign of life, in this process or an earlier one. */
  get lastHeardMs(): number | undefined {
    return this.#lastHeardMs;
  }
  /** True once this process has heard it. */
  get heardHere(): boolean {
    return this.#heardHere;
  }
  get silentForMs(): number {
    return this.#silentBeforeMs + this.#clock.monotonicMs() - this.#heardAtMs;
  }
  get listeningForMs(): number {
    return this.#clock.monotonicMs() - this.#startedMs;
  }

  /** A sign of life, at this time of the wall clock. */
  heard(atMs: number): void {
    this.#heardHere = true;
    this.#lastHeardMs = atMs;
    this.#silentBeforeMs = 0;
    this.#heardAtMs = this.#clock.monotonicMs();
  }
}
