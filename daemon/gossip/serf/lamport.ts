// Lamport's logical clock: orders what happens in a pool without a common time
// (serf-wire.md §8 "Lamport clocks").

/**
 * How far one message may move a clock. At a thousand events per second a pool needs fifty days
 * for this many, and a member that was away for longer takes the new time in several steps from
 * the push/pull of its join. Raising it lets one forged message burn more of the 2^53 numbers.
 */
const maxJump = 2 ** 32;

/** A counter that only grows, and follows those of the others. */
export class LamportClock {
  #time = 1;

  /** The current time; what happens next is stamped with it. */
  get time(): number {
    return this.#time;
  }

  /** Moves on by one and gives the new time. */
  increment(): number {
    this.#time += 1;
    return this.#time;
  }

  /** Would `time` be believed? One packet with 2^64 - 1 must not poison the clock (§10.7). */
  accepts(time: number): boolean {
    return time <= this.#time + maxJump;
  }

  /**
   * Moves past a time seen elsewhere. Gives false, and stays where it is, when that would be a
   * jump of more than 2^32.
   */
  witness(time: number): boolean {
    if (!this.accepts(time)) return false;
    if (time >= this.#time) this.#time = time + 1;
    return true;
  }
}
