// The membership engine: who is in the pool, kept by probing and gossip.

import type { Clock } from '../../support/clock.ts';
import type { Random } from '../../support/random.ts';
import type { JoinResult } from '../pool.ts';
import type { Address, OpenTransport } from '../transport/transport.ts';
import type { MemberlistConfig } from './config.ts';
import type { Delegates } from './delegate.ts';
import type { Keyring } from './keyring.ts';
import type { Node } from './node.ts';

export interface MemberlistOptions extends Delegates {
  readonly config: MemberlistConfig;
  readonly openTransport: OpenTransport;
  readonly clock: Clock;
  readonly random: Random;
}

/** Counters since the start, name → value; and `members`, `queued`, `healthScore` as of now. */
export type MemberlistStats = Readonly<Record<string, number>>;

/** What the layer above uses of memberlist; `Memberlist` is it. */
export interface MemberlistPort {
  /** Binds and becomes a member of a pool of one. Gives the address advertised. */
  start(): Promise<Address>;
  /** Pushes and pulls with every address once: `host`, `host:port`; a name may have several. */
  join(addresses: readonly string[]): Promise<JoinResult>;
  /** Tells the others that we leave; resolves when it has been sent often enough or in time. */
  leave(timeoutMs: number): Promise<void>;
  /** Stops at once; idempotent. */
  shutdown(): Promise<void>;
  /** Those alive or suspect, ourselves among them. */
  members(): readonly Node[];
  localNode(): Node;
  /** Asks `nodeMeta` again and spreads it; resolves when it has been sent often enough or in time. */
  updateNode(timeoutMs: number): Promise<void>;
  /** A user message in one datagram. At most 1,400 bytes, else throws. */
  sendUser(to: Address, bytes: Uint8Array): void;
  /** A user message over a stream. Rejects when the peer does not take it. */
  sendReliable(to: Address, bytes: Uint8Array): Promise<void>;
  /** All that are known, the dead among them: n of every formula. */
  numMembers(): number;
  /** Lifeguard's score of ourselves: 0 is healthy. */
  readonly healthScore: number;
  readonly keyring: Keyring;
  stats(): MemberlistStats;
}
