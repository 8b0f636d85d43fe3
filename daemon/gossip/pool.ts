// The gossip pool as the rest of the daemon sees it. `worker/` serves this port from a worker
// thread, so that a busy main thread never makes the member look dead; tests may run it in place.

/** serf's words (serf-wire.md §8). */
export type MemberStatus = 'none' | 'alive' | 'leaving' | 'left' | 'failed';

export interface PoolMember {
  readonly name: string;
  /** As the member advertises it: IPv4 or IPv6, without port. */
  readonly address: string;
  readonly port: number;
  readonly status: MemberStatus;
  readonly tags: Readonly<Record<string, string>>;
  /** Estimated by the network coordinates, milliseconds; `undefined` while one side has none. */
  readonly roundTripMs: number | undefined;
  /** When the status changed last, by our clock, milliseconds since 1970. */
  readonly sinceMs: number;
}

export interface PoolSettings {
  /** Unique in the pool. */
  readonly node: string;
  readonly bind: { readonly host: string; readonly port: number };
  /** What peers dial; the bound address where missing. */
  readonly advertise?: { readonly host: string; readonly port: number };
  readonly tags: Readonly<Record<string, string>>;
  readonly profile: 'lan' | 'wan' | 'local';
  /** Base64 keys of 16, 24 or 32 bytes, the primary first; empty: unencrypted. */
  readonly keys: readonly string[];
  /** Where the keyring is kept (0600) once keys change; `undefined`: not kept. */
  readonly keyringFile: string | undefined;
  /** Where members and clocks are kept, to rejoin after a crash; `undefined`: not kept. */
  readonly snapshotFile: string | undefined;
  readonly rejoinAfterLeave: boolean;
}

export interface JoinResult {
  /** Number of addresses that answered. */
  readonly joined: number;
  readonly failures: readonly JoinFailure[];
}

export interface JoinFailure {
  readonly address: string;
  /**
   * `rpc-port`: the port speaks HTTP/2 (gRPC); `http-port`: it speaks HTTP/1; `key`: it does not
   * share our key (or one of the two sides has none); `refused-merge`: protocol versions or names.
   */
  readonly reason:
    'unreachable' | 'timeout' | 'rpc-port' | 'http-port' | 'key' | 'refused-merge' | 'bad-answer';
  readonly detail: string;
}

export interface UserEvent {
  readonly name: string;
  readonly payload: Uint8Array;
  readonly lamportTime: number;
}

export interface IncomingQuery {
  readonly name: string;
  readonly payload: Uint8Array;
  readonly from: string;
}

export interface QueryOptions {
  /** `undefined`: serf's default for the size of the pool. */
  readonly timeoutMs?: number;
  readonly wantAck?: boolean;
  readonly relayFactor?: number;
  readonly filterNodes?: readonly string[];
  /** Tag → RE2 expression, unanchored. */
  readonly filterTags?: Readonly<Record<string, string>>;
}

export interface QueryOutcome {
  readonly acks: readonly string[];
  readonly responses: readonly { readonly from: string; readonly payload: Uint8Array }[];
  /** Members that were expected to answer. */
  readonly asked: number;
}

export type KeyOperation = 'install' | 'use' | 'remove' | 'list';

export interface KeyOutcome {
  readonly asked: number;
  readonly answered: number;
  /** Per member: the reason of its refusal. */
  readonly errors: Readonly<Record<string, string>>;
  /** `list`: key (base64) → number of members that have it. */
  readonly keys: Readonly<Record<string, number>>;
  readonly primaryKeys: Readonly<Record<string, number>>;
}

export type PoolEvent =
  | { readonly type: 'member-joined'; readonly member: PoolMember }
  | { readonly type: 'member-updated'; readonly member: PoolMember }
  | { readonly type: 'member-failed'; readonly member: PoolMember }
  | { readonly type: 'member-left'; readonly member: PoolMember }
  | { readonly type: 'member-reaped'; readonly member: PoolMember }
  | { readonly type: 'user-event'; readonly event: UserEvent }
  /** A duplicate node name, a wrong key, a crash of our own engine: named, counted, rate-limited. */
  | { readonly type: 'trouble'; readonly trouble: PoolTrouble }
  /** A duplicate of our own name won the vote: this member has shut down. */
  | { readonly type: 'evicted'; readonly detail: string };

export interface PoolTrouble {
  readonly code:
    | 'name-conflict'
    | 'key-mismatch'
    | 'refused-merge'
    | 'garbage'
    | 'flood'
    /** Our own engine died, or could not be started again; `source` is our node. */
    | 'engine-crash';
  /** The member's name or `host:port`. */
  readonly source: string;
  readonly detail: string;
  /** How often since the last line about the same. */
  readonly count: number;
}

/** Counters, name → value, with serf's and memberlist's names where they have one. */
export type PoolStats = Readonly<Record<string, number>>;

export interface GossipPool {
  readonly node: string;
  /** Binds and starts; gives the address it is bound to. Rejects with the reason (port in use, ...). */
  start(): Promise<{ readonly host: string; readonly port: number }>;
  /** As known now, ourselves among them; cheap. */
  members(): readonly PoolMember[];
  /** Tries every address once (`host`, `host:port`; names may have several addresses). */
  join(addresses: readonly string[]): Promise<JoinResult>;
  /** Leaves the pool gracefully and shuts down. */
  leave(): Promise<void>;
  /** Shuts down without a word: peers see a failure. */
  close(): Promise<void>;
  /** Makes a failed member left; `prune` forgets it at once. */
  forceLeave(node: string, prune: boolean): Promise<void>;
  setTags(tags: Readonly<Record<string, string>>): Promise<void>;
  /** Name and payload ≤ 512 bytes together, else rejects. */
  sendEvent(name: string, payload: Uint8Array, coalesce: boolean): Promise<void>;
  query(name: string, payload: Uint8Array, options: QueryOptions): Promise<QueryOutcome>;
  /** Answers queries of this name; an answer over 1,024 bytes is refused by the engine and counted. */
  answer(
    name: string,
    handler: (query: IncomingQuery) => Uint8Array | undefined | Promise<Uint8Array | undefined>,
  ): void;
  keys(operation: KeyOperation, key: string | undefined): Promise<KeyOutcome>;
  stats(): Promise<PoolStats>;
  onEvent(listener: (event: PoolEvent) => void): () => void;
}
