// Events on their way to the main thread. One batch is under way at a time; while the main thread
// is busy the next one gathers here, and what gathers is bounded: of each member its newest
// change, of all else the newest few thousand.

import type { PoolEvent } from '../pool.ts';
import type { RoundTrips } from './protocol.ts';

/** Events that wait. Raising it keeps more of a burst for a main thread that stalls. */
const maxWaiting = 4096;

export interface Batch {
  readonly events: readonly PoolEvent[];
  readonly roundTrips: RoundTrips;
}

interface OutboxOptions {
  /** `awaited`: the receiver says `ready` when it is through. */
  readonly post: (batch: Batch, awaited: boolean) => void;
  /** Runs something in a later turn, after the events of this one have gathered. */
  readonly defer: (run: () => void) => void;
}

export class Outbox {
  readonly #options: OutboxOptions;
  #waiting: PoolEvent[] = [];
  #roundTrips: RoundTrips = [];
  #underWay = false;
  #scheduled = false;
  #dropped = 0;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Events that the main thread never saw, because it did not take them in time. */
  get dropped(): number {
    return this.#dropped;
  }

  add(event: PoolEvent): void {
    this.#waiting.push(event);
    if (this.#waiting.length > maxWaiting) this.#shrink();
    this.#schedule();
  }

  /** Replaces the round trips that wait. */
  setRoundTrips(roundTrips: RoundTrips): void {
    this.#roundTrips = roundTrips;
    if (roundTrips.length > 0) this.#schedule();
  }

  /** The receiver is through with the last batch. */
  ready(): void {
    this.#underWay = false;
    if (this.#waiting.length > 0 || this.#roundTrips.length > 0) this.#post(true);
  }

  /** Posts what waits at once, so that it arrives before the answer of a call. */
  flush(): void {
    if (this.#waiting.length > 0) this.#post(false);
  }

  #schedule(): void {
    if (this.#scheduled || this.#underWay) return;
    this.#scheduled = true;
    this.#options.defer(() => {
      this.#scheduled = false;
      if (!this.#underWay && this.#waiting.length + this.#roundTrips.length > 0) this.#post(true);
    });
  }

  #post(awaited: boolean): void {
    const batch = { events: this.#waiting, roundTrips: this.#roundTrips };
    this.#waiting = [];
    this.#roundTrips = [];
    if (awaited) this.#underWay = true;
    this.#options.post(batch, awaited);
  }

  /** Leaves the newest change of each member, and of the rest the newer half. */
  #shrink(): void {
    const newest = new Map<string, PoolEvent>();
    for (const event of this.#waiting) {
      if ('member' in event) newest.set(event.member.name, event);
    }
    let excess = this.#waiting.filter((event) => !('member' in event)).length - maxWaiting / 2;
    this.#waiting = this.#waiting.filter((event) => {
      if ('member' in event) return newest.get(event.member.name) === event;
      // An eviction is the last word of a member: never lost.
      if (event.type === 'evicted') return true;
      excess -= 1;
      if (excess < 0) return true;
      this.#dropped += 1;
      return false;
    });
  }
}
