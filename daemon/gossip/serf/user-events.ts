// User events: at most one delivery each, however often gossip brings them. The last 512 Lamport
// times are remembered and passed on by push/pull (serf-wire.md §8 "User events").

import type { LamportClock } from './lamport.ts';
import { encodeText } from '../wire/text.ts';
import { bufferSlots, userEvent, type PushPull, type UserEventMessage } from './messages.ts';

/** Name and payload together, and the encoded message: what may be sent. */
const userEventSizeLimit = 512;
/** serf's hard cap; a larger one that arrives is dropped. */
const userEventHardCap = 9 * 1024;
/** Bytes of remembered events in all. Above it the oldest time gives way. */
const maxRememberedBytes = 4 * 1024 * 1024;
/** Events of one Lamport time; a pool of 1,000 members may well send that many at once. */
const maxPerSlot = 1024;

/** The event is larger than the pool's limit. */
export class EventTooLargeError extends Error {
  override readonly name = 'EventTooLargeError';
}

/** An event of our own on the wire. Throws `EventTooLargeError` above 512 bytes. */
export function encodeUserEvent(event: UserEventMessage): Uint8Array {
  const size = encodeText(event.name).length + (event.payload?.length ?? 0);
  const message = userEvent.encode(event);
  if (size > userEventSizeLimit || message.length > userEventSizeLimit) {
    throw new EventTooLargeError(
      `event "${event.name}" has ${size} bytes (${message.length} encoded), and ` +
        `${userEventSizeLimit} is the most: send a hint, and let the receivers fetch the rest`,
    );
  }
  return message;
}

export type EventVerdict = 'new' | 'duplicate' | 'too-old' | 'too-large' | 'time-jump' | 'full';

interface Remembered {
  readonly name: string;
  readonly payload: Uint8Array;
}

interface Slot {
  readonly lTime: number;
  readonly events: Map<string, Remembered>;
  bytes: number;
}

export class UserEventBuffer {
  readonly #clock: LamportClock;
  readonly #slots = new Array<Slot | undefined>(bufferSlots).fill(undefined);
  #minTime = 0;
  #bytes = 0;

  /** @param clock the pool's event clock; every event that arrives moves it */
  constructor(clock: LamportClock) {
    this.#clock = clock;
  }

  /** Bytes of name and payload that are remembered. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Events before this are never delivered. */
  get minTime(): number {
    return this.#minTime;
  }

  /** Events before `lTime` count as delivered from now on. */
  raiseMinTime(lTime: number): void {
    if (this.#clock.accepts(lTime)) this.#minTime = Math.max(this.#minTime, lTime);
  }

  /** Remembers an event; only one that is `new` is to be delivered and gossiped on. */
  take(event: Pick<UserEventMessage, 'lTime' | 'name' | 'payload'>): EventVerdict {
    const payload = event.payload ?? new Uint8Array(0);
    const size = event.name.length + payload.length;
    if (size > userEventHardCap) return 'too-large';
    if (!this.#clock.witness(event.lTime)) return 'time-jump';
    if (event.lTime < this.#minTime) return 'too-old';
    if (event.lTime + bufferSlots < this.#clock.time) return 'too-old';
    const slot = this.#slotFor(event.lTime);
    if (slot === undefined) return 'too-old';
    const key = `${event.name}\0${Buffer.from(payload).toString('latin1')}`;
    if (slot.events.has(key)) return 'duplicate';
    if (slot.events.size >= maxPerSlot) return 'full';
    slot.events.set(key, { name: event.name, payload: Uint8Array.from(payload) });
    slot.bytes += size;
    this.#bytes += size;
    while (this.#bytes > maxRememberedBytes) this.#dropOldest();
    return 'new';
  }

  /** All slots, as a push/pull carries them. */
  remembered(): PushPull['events'] {
    return this.#slots.map((slot) =>
      slot === undefined
        ? undefined
        : {
            lTime: slot.lTime,
            events: [...slot.events.values()].map(({ name, payload }) => ({
              name,
              payload: payload.length === 0 ? undefined : payload,
            })),
          },
    );
  }

  #slotFor(lTime: number): Slot | undefined {
    const index = lTime % bufferSlots;
    const slot = this.#slots[index];
    if (slot?.lTime === lTime) return slot;
    if (slot !== undefined) {
      if (slot.lTime > lTime) return undefined;
      this.#bytes -= slot.bytes;
    }
    const fresh: Slot = { lTime, events: new Map(), bytes: 0 };
    this.#slots[index] = fresh;
    return fresh;
  }

  /** Frees the oldest time, and takes nothing of it again: it could be a second delivery. */
  #dropOldest(): void {
    let oldest: Slot | undefined;
    for (const slot of this.#slots) {
      if (slot !== undefined && slot.lTime < (oldest?.lTime ?? Infinity)) oldest = slot;
    }
    if (oldest === undefined) return;
    this.#slots[oldest.lTime % bufferSlots] = undefined;
    this.#bytes -= oldest.bytes;
    this.#minTime = Math.max(this.#minTime, oldest.lTime + 1);
  }
}
