// Coalescing: many events in a short time become few. Members: the last change of each. User
// events that allow it: the newest of each name (serf-wire.md §8; off in library use, the agent
// turns it on).

import type { Clock, Timer } from '../../support/clock.ts';
import type { PoolEvent } from '../pool.ts';

export interface CoalesceSettings {
  /** How long events are gathered at most. Raising it makes fewer, later events. */
  readonly periodMs: number;
  /** Silence after which they are handed on. Raising it gathers more of a burst. */
  readonly quiescentMs: number;
}

/** Gathers events and hands them on to `emit`. */
export class EventCoalescer {
  readonly #settings: CoalesceSettings;
  readonly #clock: Clock;
  readonly #emit: (event: PoolEvent) => void;
  readonly #members = new Map<string, PoolEvent>();
  /** By name; several where they have one Lamport time. */
  readonly #userEvents = new Map<string, Extract<PoolEvent, { type: 'user-event' }>[]>();
  #period: Timer | undefined;
  #quiescent: Timer | undefined;

  constructor(settings: CoalesceSettings, clock: Clock, emit: (event: PoolEvent) => void) {
    this.#settings = settings;
    this.#clock = clock;
    this.#emit = emit;
  }

  /** @param coalescable whether the sender of a user event allows it */
  add(event: PoolEvent, coalescable: boolean): void {
    switch (event.type) {
      case 'user-event':
        if (!coalescable) {
          this.#emit(event);
          return;
        }
        this.#addUserEvent(event);
        break;
      case 'trouble':
      case 'evicted': {
        this.#emit(event);
        return;
      }
      default:
        this.#members.set(event.member.name, event);
    }
    this.#period ??= this.#clock.after(this.#settings.periodMs, () => this.flush());
    this.#quiescent?.cancel();
    this.#quiescent = this.#clock.after(this.#settings.quiescentMs, () => this.flush());
  }

  /** Hands on what was gathered. */
  flush(): void {
    this.#period?.cancel();
    this.#quiescent?.cancel();
    this.#period = undefined;
    this.#quiescent = undefined;
    const events = [...this.#members.values(), ...[...this.#userEvents.values()].flat()];
    this.#members.clear();
    this.#userEvents.clear();
    for (const event of events) this.#emit(event);
  }

  #addUserEvent(event: Extract<PoolEvent, { type: 'user-event' }>): void {
    const { name, lamportTime } = event.event;
    const known = this.#userEvents.get(name);
    const newest = known?.[0]?.event.lamportTime ?? -1;
    if (lamportTime > newest) this.#userEvents.set(name, [event]);
    else if (lamportTime === newest) known?.push(event);
  }
}
