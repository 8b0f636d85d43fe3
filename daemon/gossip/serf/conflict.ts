// Two members with one name: the pool is asked where it has the holder, and the one that the
// majority does not know steps down (serf-wire.md §8 "Name conflict").

import type { Clock } from '../../support/clock.ts';
import { formatAddress, socketAddress, type Node } from '../memberlist/node.ts';
import type { MemberStatus, PoolTrouble } from '../pool.ts';
import type { Address } from '../transport/transport.ts';
import { decodeText } from '../wire/text.ts';
import type { Member } from './members.ts';
import { conflictResponse } from './messages.ts';
import type { QueryEngine } from './query.ts';

const conflictQuery = '_serf_conflict';
/** At most one line per name in this time. */
const reportIntervalMs = 60_000;
/** Names reported on at a time; forged ones must not fill the memory. */
const maxNames = 256;

const statusNumber: Readonly<Record<MemberStatus, number>> = {
  none: 0,
  alive: 1,
  leaving: 2,
  left: 3,
  failed: 4,
};

/** `kept` without votes too: a pool of two cannot decide, and both staying is what they see. */
export type ConflictVerdict =
  | { readonly outcome: 'kept'; readonly votes: number; readonly forUs: number }
  | { readonly outcome: 'lost'; readonly votes: number; readonly forUs: number };

interface ConflictPort {
  readonly self: string;
  readonly clock: Clock;
  readonly queries: QueryEngine;
  localNode(): Node;
  memberOf(name: string): Member | undefined;
  report(trouble: PoolTrouble): void;
  /** The majority knows another holder of our name. */
  lost(detail: string): void;
}

export class NameConflicts {
  readonly #port: ConflictPort;
  readonly #reported = new Map<string, { lastMs: number; count: number }>();
  #resolving = false;

  constructor(port: ConflictPort) {
    this.#port = port;
    port.queries.answer(conflictQuery, ({ payload }, origin) =>
      this.#answer(decodeText(payload), origin),
    );
  }

  /** memberlist saw a second address for a name. */
  notice(existing: Node, other: Node): void {
    const rival = formatAddress(socketAddress(other));
    this.#report(existing.name, formatAddress(socketAddress(existing)), rival);
    if (existing.name === this.#port.self && !this.#resolving) void this.#resolve(rival);
  }

  async #resolve(rival: string): Promise<void> {
    this.#resolving = true;
    try {
      const verdict = await this.#vote();
      if (verdict.outcome === 'kept') return;
      this.#port.lost(
        `the name "${this.#port.self}" is held by ${rival} for ` +
          `${verdict.votes - verdict.forUs} of ${verdict.votes} members: ` +
          'this member has shut down; give it another name',
      );
    } finally {
      this.#resolving = false;
    }
  }

  async #vote(): Promise<ConflictVerdict> {
    const { queries, self } = this.#port;
    const { responses } = await queries.ask(conflictQuery, Buffer.from(self), {}, 'always');
    const local = socketAddress(this.#port.localNode());
    let votes = 0;
    let forUs = 0;
    for (const { payload } of responses) {
      const known = readVote(payload);
      if (known === undefined) continue;
      votes += 1;
      if (known.host === local.host && known.port === local.port) forUs += 1;
    }
    const kept = votes === 0 || forUs >= Math.floor(votes / 2) + 1;
    return { outcome: kept ? 'kept' : 'lost', votes, forUs };
  }

  /** What we know of the member of that name, unless that is ourselves. */
  #answer(name: string, origin: Address | undefined): Uint8Array | undefined {
    if (name === this.#port.self) {
      if (origin !== undefined) this.#claimed(origin);
      return undefined;
    }
    const member = this.#port.memberOf(name);
    if (member === undefined) return undefined;
    const { versions } = member;
    return conflictResponse.encode({
      name,
      addr: member.addr,
      port: member.port,
      tags: new Map(Object.entries(member.tags)),
      status: statusNumber[member.status],
      protocolMin: versions.pMin,
      protocolMax: versions.pMax,
      protocolCur: versions.pCur,
      delegateMin: versions.dMin,
      delegateMax: versions.dMax,
      delegateCur: versions.dCur,
    });
  }

  /**
   * Another member asks the pool who holds our name. Gossip does not tell us of it: the others
   * keep what they know, and the newcomer takes our address for its own.
   */
  #claimed(by: Address): void {
    const { host, port } = socketAddress(this.#port.localNode());
    if (by.host === host && by.port === port) return;
    this.#report(this.#port.self, formatAddress({ host, port }), formatAddress(by));
  }

  #report(name: string, holder: string, rival: string): void {
    const detail = `two members are named "${name}": ${holder} and ${rival}; give one another name`;
    const nowMs = this.#port.clock.monotonicMs();
    const seen = this.#reported.get(name);
    if (seen !== undefined && nowMs - seen.lastMs < reportIntervalMs) {
      seen.count += 1;
      return;
    }
    if (seen === undefined && this.#reported.size >= maxNames) {
      const [oldest] = this.#reported.keys();
      if (oldest !== undefined) this.#reported.delete(oldest);
    }
    this.#reported.set(name, { lastMs: nowMs, count: 0 });
    this.#port.report({
      code: 'name-conflict',
      source: name,
      detail,
      count: (seen?.count ?? 0) + 1,
    });
  }
}

function readVote(payload: Uint8Array): { host: string; port: number } | undefined {
  if (payload[0] !== conflictResponse.type) return undefined;
  try {
    return socketAddress(conflictResponse.decode(payload.subarray(1)));
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}
