// serf on memberlist's packets: its messages are memberlist's user messages, its state rides on
// every push/pull (serf-wire.md §8, first line).

import type { Delegate } from '../memberlist/delegate.ts';
import type { TransmitLimitedQueue } from '../memberlist/broadcast-queue.ts';
import type { Address } from '../transport/transport.ts';
import { WireError } from '../wire/wire-error.ts';
import type { LamportClock } from './lamport.ts';
import type { MemberTable } from './members.ts';
import {
  joinIntent,
  leaveIntent,
  pushPull,
  serfMessageType,
  userEvent,
  type UserEventMessage,
} from './messages.ts';
import type { QueryEngine } from './query.ts';
import { unwrapRelay } from './relay.ts';
import { encodeTags, type Tags } from './tags.ts';
import type { UserEventBuffer } from './user-events.ts';

/** The three times of a pool: of intents, of user events, of queries. */
export interface Clocks {
  readonly member: LamportClock;
  readonly event: LamportClock;
  readonly query: LamportClock;
}

/** One queue per kind of message; they go out in this order. */
export interface Queues {
  readonly intents: TransmitLimitedQueue;
  readonly queries: TransmitLimitedQueue;
  readonly events: TransmitLimitedQueue;
}

interface DelegateParts {
  readonly clocks: Clocks;
  readonly queues: Queues;
  readonly members: MemberTable;
  readonly events: UserEventBuffer;
  readonly queries: QueryEngine;
  tags(): Tags;
  /** A user event is taken in; gives whether it was new. */
  takeEvent(event: UserEventMessage): boolean;
  /** Events from before our join are not replayed while this holds. */
  ignoresOldEvents(): boolean;
  /** Is that the address of a member? Relays go nowhere else. */
  isMemberAddress(address: Address): boolean;
  send(to: Address, bytes: Uint8Array): void;
  count(counter: string): void;
}

export class SerfDelegate implements Delegate {
  readonly #parts: DelegateParts;

  constructor(parts: DelegateParts) {
    this.#parts = parts;
  }

  nodeMeta(): Uint8Array {
    return encodeTags(this.#parts.tags());
  }

  notifyMessage(bytes: Uint8Array): void {
    try {
      this.#dispatch(bytes);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#parts.count('serf_messages_garbage');
    }
  }

  getBroadcasts(overhead: number, limit: number): Uint8Array[] {
    return this.#fill(overhead, limit, (queue, room) => queue.getBroadcasts(overhead, room));
  }

  takeNews(overhead: number, limit: number): Uint8Array[] {
    return this.#fill(overhead, limit, (queue, room) => queue.takeNews(overhead, room));
  }

  localState(): Uint8Array {
    const { clocks, members, events } = this.#parts;
    const statusLTimes = new Map<string, number>();
    const leftMembers: string[] = [];
    for (const { name, statusLTime, status, isRejoining } of members.all()) {
      statusLTimes.set(name, statusLTime);
      // With the time of its join, a "left" would be taken for a later leave.
      if (status === 'left' && !isRejoining) leftMembers.push(name);
    }
    return pushPull.encode({
      lTime: clocks.member.time,
      statusLTimes,
      leftMembers,
      eventLTime: clocks.event.time,
      events: events.remembered(),
      queryLTime: clocks.query.time,
    });
  }

  mergeRemoteState(state: Uint8Array, join: boolean): void {
    if (state.length === 0) return;
    try {
      if (state[0] !== pushPull.type) throw new WireError('no serf state');
      this.#merge(state.subarray(1), join);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#parts.count('serf_states_garbage');
    }
  }

  #fill(
    overhead: number,
    limit: number,
    take: (queue: TransmitLimitedQueue, room: number) => Uint8Array[],
  ): Uint8Array[] {
    const { intents, queries, events } = this.#parts.queues;
    const messages: Uint8Array[] = [];
    let free = limit;
    for (const queue of [intents, queries, events]) {
      for (const message of take(queue, free)) {
        messages.push(message);
        free -= overhead + message.length;
      }
    }
    return messages;
  }

  #merge(body: Uint8Array, join: boolean): void {
    const { clocks, members, events } = this.#parts;
    const remote = pushPull.decode(body);
    const witnesses = [
      [clocks.member, remote.lTime],
      [clocks.event, remote.eventLTime],
      [clocks.query, remote.queryLTime],
    ] as const;
    for (const [clock, lTime] of witnesses) {
      if (lTime > 0 && !clock.witness(lTime - 1)) this.#parts.count('lamport_jumps_refused');
    }
    const left = new Set(remote.leftMembers);
    for (const name of left) {
      members.mergeLeft(name, remote.statusLTimes.get(name) ?? 0);
    }
    for (const [name, lTime] of remote.statusLTimes) {
      if (!left.has(name)) members.mergeTime(name, lTime);
    }
    if (join && this.#parts.ignoresOldEvents()) events.raiseMinTime(remote.eventLTime);
    for (const slot of remote.events) {
      for (const { name, payload } of slot?.events ?? []) {
        this.#parts.takeEvent({ lTime: slot?.lTime ?? 0, name, payload, cc: false });
      }
    }
  }

  #dispatch(bytes: Uint8Array): void {
    const { queues, members, queries } = this.#parts;
    const body = bytes.subarray(1);
    /** What changed something is passed on, byte for byte as it came. */
    const passOn = (queue: TransmitLimitedQueue): void =>
      queue.queue({ message: Uint8Array.from(bytes) });
    switch (bytes[0]) {
      case serfMessageType.leave: {
        const { node, lTime, prune = false } = leaveIntent.decode(body);
        if (members.leaveIntent(node, lTime, prune)) passOn(queues.intents);
        break;
      }
      case serfMessageType.join: {
        const { node, lTime } = joinIntent.decode(body);
        if (members.joinIntent(node, lTime)) passOn(queues.intents);
        break;
      }
      case serfMessageType.userEvent:
        if (this.#parts.takeEvent(userEvent.decode(body))) passOn(queues.events);
        break;
      case serfMessageType.query:
        if (queries.receive(body)) passOn(queues.queries);
        break;
      case serfMessageType.queryResponse:
        queries.receiveResponse(body);
        break;
      case serfMessageType.relay:
        this.#relay(body);
        break;
      default:
        this.#parts.count('serf_messages_unknown');
    }
  }

  #relay(body: Uint8Array): void {
    const relayed = unwrapRelay(body);
    if (relayed === undefined || !this.#parts.isMemberAddress(relayed.to)) {
      this.#parts.count('relays_refused');
      return;
    }
    this.#parts.count('relays');
    this.#parts.send(relayed.to, Uint8Array.from(relayed.message));
  }
}
