// What the two threads say to each other: plain values that a message port can copy.

import type {
  GossipPool,
  IncomingQuery,
  KeyOperation,
  PoolEvent,
  PoolMember,
  PoolSettings,
  QueryOptions,
} from '../pool.ts';

/** The calls of the port, by name, with their arguments. */
export type Call =
  | { readonly op: 'start' }
  | { readonly op: 'join'; readonly addresses: readonly string[] }
  | { readonly op: 'leave' }
  | { readonly op: 'close' }
  | { readonly op: 'forceLeave'; readonly node: string; readonly prune: boolean }
  | { readonly op: 'setTags'; readonly tags: Readonly<Record<string, string>> }
  | {
      readonly op: 'sendEvent';
      readonly name: string;
      readonly payload: Uint8Array;
      readonly coalesce: boolean;
    }
  | {
      readonly op: 'query';
      readonly name: string;
      readonly payload: Uint8Array;
      readonly options: QueryOptions;
    }
  | { readonly op: 'keys'; readonly operation: KeyOperation; readonly key: string | undefined }
  | { readonly op: 'stats' };

/** What a call resolves with. */
export type Returned<Op extends Call['op']> = Awaited<ReturnType<GossipPool[Op]>>;

/** What the worker is started with. */
export interface WorkerStart {
  readonly settings: PoolSettings;
  /** Names of the queries that the main side answers. */
  readonly answers: readonly string[];
}

export type ToWorker =
  | { readonly kind: 'call'; readonly id: number; readonly call: Call }
  /** A batch was handled: the next may come. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'answers'; readonly name: string }
  | { readonly kind: 'answered'; readonly id: number; readonly payload: Uint8Array | undefined };

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Round trips that changed: name and milliseconds. */
export type RoundTrips = readonly (readonly [name: string, ms: number])[];

/** An error: a copied one would lose the name of its class. */
export interface Failure {
  readonly name: string;
  readonly message: string;
  /** The system's code, where the system refused (`EADDRINUSE`). */
  readonly code: string | undefined;
}

export type ToMain =
  | { readonly kind: 'returned'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'rejected'; readonly id: number; readonly error: Failure }
  | {
      readonly kind: 'batch';
      readonly events: readonly PoolEvent[];
      readonly roundTrips: RoundTrips;
      /** Whether the worker waits for `ready`. */
      readonly awaited: boolean;
    }
  /** All members, once, before `start` returns. */
  | { readonly kind: 'members'; readonly members: readonly PoolMember[] }
  | { readonly kind: 'question'; readonly id: number; readonly query: IncomingQuery }
  | {
      readonly kind: 'log';
      readonly level: LogLevel;
      readonly fields: object;
      readonly message: string;
    };
