// How healthy we are ourselves (Lifeguard, "Local Health Multiplier"; serf-wire.md §4). A member
// that misses acks and nacks is likely slow itself, and gives others more time.

export class Awareness {
  readonly #max: number;
  #score = 0;

  /** @param max the score stays below this */
  constructor(max: number) {
    this.#max = max;
  }

  /** 0 is healthy. */
  get healthScore(): number {
    return this.#score;
  }

  applyDelta(delta: number): void {
    this.#score = Math.min(this.#max - 1, Math.max(0, this.#score + delta));
  }

  /** A timeout, longer the less healthy we are. */
  scaleTimeoutMs(timeoutMs: number): number {
    return timeoutMs * (this.#score + 1);
  }
}
