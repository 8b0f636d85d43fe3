// What a layer above memberlist takes part in, under memberlist's own names. All are called
// synchronously in the turn in which the thing happens; none may throw.

import type { Node } from './node.ts';

/** Puts its own state and messages onto memberlist's packets. */
export interface Delegate {
  /** Meta-data of the local node, at most `limit` (512) bytes; asked at start and `updateNode`. */
  nodeMeta(limit: number): Uint8Array;
  /** A user message arrived, by datagram or stream, without its type byte. A view: copy to keep. */
  notifyMessage(bytes: Uint8Array): void;
  /**
   * Messages to add to a packet, without type byte. Each costs its length + `overhead`; all
   * together at most `limit` bytes.
   */
  getBroadcasts(overhead: number, limit: number): Uint8Array[];
  /** Those of them that were never given out; they are given out as often afterwards. */
  takeNews(overhead: number, limit: number): Uint8Array[];
  /** What is sent along with a push/pull; `join` when it is part of a join. */
  localState(join: boolean): Uint8Array;
  /** What the other side of a push/pull sent along. A view: copy to keep. */
  mergeRemoteState(state: Uint8Array, join: boolean): void;
}

/** Told of members. `notifyLeave` is a death (`node.state` is `dead`) or a departure (`left`). */
interface EventDelegate {
  notifyJoin(node: Node): void;
  notifyLeave(node: Node): void;
  /** The meta-data changed. */
  notifyUpdate(node: Node): void;
}

/** Told when a second node claims a name with another address. */
interface ConflictDelegate {
  notifyConflict(existing: Node, other: Node): void;
}

/** May refuse the merge of a push/pull: a reason refuses, `undefined` lets it pass. */
interface MergeDelegate {
  notifyMerge(peers: readonly Node[]): string | undefined;
}

/** May refuse a node that says it is alive: a reason refuses, `undefined` lets it pass. */
interface AliveDelegate {
  notifyAlive(peer: Node): string | undefined;
}

/** Puts a payload on acks and learns round trips from them. */
interface PingDelegate {
  /** `undefined`: an ack without payload. */
  ackPayload(): Uint8Array | undefined;
  /** A direct ping was answered in time. `payload` is empty where the ack had none. */
  notifyPingComplete(node: Node, roundTripMs: number, payload: Uint8Array): void;
}

/** Something a person should know of; counted and rate-limited per code and source. */
export interface Trouble {
  readonly code: 'key-mismatch' | 'refused-merge' | 'garbage' | 'flood';
  /** `host:port`, or `host` where ports change (a flood). */
  readonly source: string;
  readonly detail: string;
  /** How often since the last one of this code and source. */
  readonly count: number;
}

/** All that a user of memberlist may plug in. */
export interface Delegates {
  readonly delegate?: Delegate;
  readonly events?: EventDelegate;
  readonly conflict?: ConflictDelegate;
  readonly merge?: MergeDelegate;
  readonly alive?: AliveDelegate;
  readonly ping?: PingDelegate;
  readonly trouble?: (trouble: Trouble) => void;
}
