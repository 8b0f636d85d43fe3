// When the next gossip goes out. memberlist gossips by a fixed beat, so that news waits for half an
// interval on each hop, in a quiet pool too (serf-wire.md §7). Here the beat begins with the news,
// and rounds that a quiet pool has saved may follow each other sooner: in any long time there are no
// more of them than by the beat, and receivers cannot tell the difference.

/** Rounds that may be saved up. Raising it spreads a burst of news sooner, in a burst of packets. */
const savedRounds = 4;
/**
 * The part of an interval that must lie between two rounds. Raising it gathers more news into one
 * packet and makes it later.
 */
const spacingShare = 0.1;

export class GossipPace {
  readonly #intervalMs: number;
  #lastMs = Number.NEGATIVE_INFINITY;
  /** Up to when the rounds so far would have lasted by the beat. */
  #spentUntilMs = Number.NEGATIVE_INFINITY;

  /** @param intervalMs the beat: one round in so many milliseconds */
  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** A round goes out now. */
  spend(nowMs: number): void {
    this.#lastMs = nowMs;
    this.#spentUntilMs = Math.max(this.#spentUntilMs, nowMs) + this.#intervalMs;
  }

  /** The earliest time for news. */
  earliestMs(nowMs: number): number {
    return Math.max(
      nowMs,
      this.#lastMs + spacingShare * this.#intervalMs,
      this.#spentUntilMs - savedRounds * this.#intervalMs,
    );
  }
}
