// Which queries were seen: each is handled once, however often gossip brings it (serf-wire.md §8).

import type { LamportClock } from './lamport.ts';
import { bufferSlots } from './messages.ts';

export type QueryVerdict = 'new' | 'duplicate' | 'too-old' | 'time-jump' | 'full';

/** Queries of one Lamport time. */
const maxPerSlot = 1024;

interface Slot {
  readonly lTime: number;
  readonly ids: Set<number>;
}

export class QueryBuffer {
  readonly #clock: LamportClock;
  readonly #slots = new Array<Slot | undefined>(bufferSlots).fill(undefined);
  #minTime = 0;

  constructor(clock: LamportClock) {
    this.#clock = clock;
  }

  /** Queries before `lTime` count as seen. */
  raiseMinTime(lTime: number): void {
    if (this.#clock.accepts(lTime)) this.#minTime = Math.max(this.#minTime, lTime);
  }

  /** Remembers a query; only one that is `new` is to be handled and gossiped on. */
  take(lTime: number, id: number): QueryVerdict {
    if (!this.#clock.witness(lTime)) return 'time-jump';
    if (lTime < this.#minTime || lTime + bufferSlots < this.#clock.time) return 'too-old';
    const index = lTime % bufferSlots;
    let slot = this.#slots[index];
    if (slot?.lTime !== lTime) {
      if (slot !== undefined && slot.lTime > lTime) return 'too-old';
      slot = { lTime, ids: new Set() };
      this.#slots[index] = slot;
    }
    if (slot.ids.has(id)) return 'duplicate';
    if (slot.ids.size >= maxPerSlot) return 'full';
    slot.ids.add(id);
    return 'new';
  }
}
