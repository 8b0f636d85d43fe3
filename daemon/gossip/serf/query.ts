// Queries: a question gossiped to the pool, answers straight back by datagram, and copies of the
// answers over other members where asked for (serf-wire.md §8 "Queries").

import type { Clock } from '../../support/clock.ts';
import { randomInt, type Random } from '../../support/random.ts';
import { socketAddress, type Node } from '../memberlist/node.ts';
import type { IncomingQuery, QueryOptions, QueryOutcome } from '../pool.ts';
import type { Address } from '../transport/transport.ts';
import type { LamportClock } from './lamport.ts';
import type { Member } from './members.ts';
import { query, queryFlag, queryResponse, type Query, type QueryResponse } from './messages.ts';
import { QueryBuffer } from './query-buffer.ts';
import { encodeFilters, passesFilters } from './query-filter.ts';
import { relayTargets, wrapForRelay } from './relay.ts';
import type { Tags } from './tags.ts';

/** An encoded query may have this many bytes; so may a response. */
export const querySizeLimit = 1024;
/** serf's QueryTimeoutMult. Raising it waits longer for slow members, and so do all callers. */
const queryTimeoutMult = 16;
/** Own queries that wait for answers at once. */
const maxPending = 1024;
/** Answers being worked on at once; more are not begun. */
const maxAnswering = 128;
/** Answers remembered per query; a pool has no more members. */
const maxAnswers = 10_000;
/** The longest that a query from outside may keep us busy. */
const longestTimeoutMs = 10 * 60_000;
/** Answers per second to addresses that no member has: they could be a victim's. */
const strangerAnswersPerSecond = 20;

/** The query is larger than the pool's limit, or too many wait already. */
class QueryRefusedError extends Error {
  override readonly name = 'QueryRefusedError';
}

/** Answers a query; `undefined`: says nothing. `origin`: where the answer goes to. */
export type QueryHandler = (
  query: IncomingQuery,
  origin: Address | undefined,
) => Uint8Array | undefined | Promise<Uint8Array | undefined>;

interface Pending {
  readonly id: number;
  readonly wantAck: boolean;
  readonly endsEarly: boolean;
  readonly asked: number;
  readonly acks: Set<string>;
  readonly responses: Map<string, Uint8Array>;
  readonly finish: () => void;
}

export interface QueryPort {
  readonly self: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly lamport: LamportClock;
  readonly gossipIntervalMs: number;
  localNode(): Node;
  tags(): Tags;
  members(): Iterable<Member>;
  memberAt(address: Address): Member | undefined;
  /** n of the formulas. */
  poolSize(): number;
  send(to: Address, bytes: Uint8Array): void;
  /** Gossips an encoded query. */
  broadcast(message: Uint8Array): void;
  count(counter: string): void;
}

export class QueryEngine {
  readonly #port: QueryPort;
  readonly #seen: QueryBuffer;
  readonly #handlers = new Map<string, QueryHandler>();
  /** By Lamport time; we stamp each of ours differently. */
  readonly #pending = new Map<number, Pending>();
  #answering = 0;
  #strangers = { untilMs: 0, left: 0 };

  constructor(port: QueryPort) {
    this.#port = port;
    this.#seen = new QueryBuffer(port.lamport);
  }

  get pending(): number {
    return this.#pending.size;
  }

  /** Answers queries of this name from now on. */
  answer(name: string, handler: QueryHandler): void {
    this.#handlers.set(name, handler);
  }

  /** Queries before `lTime` count as seen. */
  raiseMinTime(lTime: number): void {
    this.#seen.raiseMinTime(lTime);
  }

  /** Ends the queries that wait with what has come. */
  close(): void {
    for (const { finish } of [...this.#pending.values()]) finish();
  }

  /** GossipInterval × 16 × ⌈log10(n + 1)⌉. */
  defaultTimeoutMs(): number {
    const scale = Math.ceil(Math.log10(this.#port.poolSize() + 1));
    return this.#port.gossipIntervalMs * queryTimeoutMult * Math.max(1, scale);
  }

  /**
   * Asks the pool; resolves when all that were asked have answered, else at the timeout (`always`:
   * in any case at the timeout, for members that we do not know yet). Rejects with
   * `QueryRefusedError` (too large) or `QueryFilterError` (a bad expression).
   */
  async ask(
    name: string,
    payload: Uint8Array,
    options: QueryOptions,
    wait: 'until-answered' | 'always' = 'until-answered',
  ): Promise<QueryOutcome> {
    const { lamport, random, clock } = this.#port;
    if (this.#pending.size >= maxPending) {
      throw new QueryRefusedError(`${maxPending} queries wait for answers already: ask later`);
    }
    const timeoutMs = Math.min(options.timeoutMs ?? this.defaultTimeoutMs(), longestTimeoutMs);
    const filters = encodeFilters(options.filterNodes, options.filterTags);
    const local = this.#port.localNode();
    const wantAck = options.wantAck ?? false;
    const question: Query = {
      lTime: lamport.time,
      id: randomInt(random, 2 ** 32),
      addr: local.addr,
      port: local.port,
      filters: filters.length === 0 ? undefined : filters,
      flags: wantAck ? queryFlag.ack : 0,
      relayFactor: options.relayFactor ?? 0,
      timeoutNs: Math.round(timeoutMs * 1e6),
      name,
      payload,
      sourceNode: this.#port.self,
    };
    const encoded = query.encode(question);
    if (encoded.length > querySizeLimit) {
      throw new QueryRefusedError(
        `query "${name}" takes ${encoded.length} bytes, and a query may have ${querySizeLimit}: ` +
          'shorten its payload or its filters',
      );
    }
    lamport.increment();
    const asked = [...this.#port.members()].filter(
      (member) => member.status === 'alive' && passesFilters(filters, member),
    ).length;
    const pending = await new Promise<Pending>((resolve) => {
      const finish = (): void => {
        timer.cancel();
        this.#pending.delete(question.lTime);
        resolve(entry);
      };
      const timer = clock.after(timeoutMs, finish);
      const entry: Pending = {
        id: question.id,
        wantAck,
        endsEarly: wait === 'until-answered',
        asked,
        acks: new Set(),
        responses: new Map(),
        finish,
      };
      this.#pending.set(question.lTime, entry);
      this.#handle(question);
      this.#port.broadcast(encoded);
    });
    return {
      acks: [...pending.acks],
      responses: [...pending.responses].map(([from, bytes]) => ({ from, payload: bytes })),
      asked: pending.asked,
    };
  }

  /** A query arrived, without its type byte. Gives whether it is to be gossiped on. Throws `WireError`. */
  receive(body: Uint8Array): boolean {
    return this.#handle(query.decode(body));
  }

  /** An answer arrived, without its type byte. Throws `WireError`. */
  receiveResponse(body: Uint8Array): void {
    this.#takeResponse(queryResponse.decode(body));
  }

  #takeResponse(response: QueryResponse): void {
    const pending = this.#pending.get(response.lTime);
    if (pending?.id !== response.id) {
      this.#port.count('query_responses_unasked');
      return;
    }
    if ((response.flags & queryFlag.ack) !== 0) {
      if (pending.acks.has(response.from)) {
        this.#port.count('query_acks_duplicate');
        return;
      }
      if (pending.acks.size < maxAnswers) pending.acks.add(response.from);
    } else {
      if (pending.responses.has(response.from)) {
        this.#port.count('query_responses_duplicate');
        return;
      }
      if (pending.responses.size < maxAnswers) {
        pending.responses.set(response.from, Uint8Array.from(response.payload ?? []));
      }
    }
    const answered = pending.endsEarly && pending.responses.size >= pending.asked;
    if (answered && (!pending.wantAck || pending.acks.size >= pending.asked)) pending.finish();
  }

  #handle(question: Query): boolean {
    const verdict = this.#seen.take(question.lTime, question.id);
    if (verdict !== 'new') {
      this.#port.count(`queries_${verdict.replace('-', '_')}`);
      return false;
    }
    this.#port.count('queries');
    const passOn = (question.flags & queryFlag.noBroadcast) === 0;
    const asked = { name: this.#port.self, tags: this.#port.tags() };
    if (!passesFilters(question.filters ?? [], asked)) return passOn;
    if (!this.#mayAnswer(question)) return passOn;
    if ((question.flags & queryFlag.ack) !== 0) {
      this.#respond(question, queryFlag.ack, undefined);
    }
    const handler = this.#handlers.get(question.name);
    if (handler !== undefined) void this.#work(question, handler);
    return passOn;
  }

  async #work(question: Query, handler: QueryHandler): Promise<void> {
    if (this.#answering >= maxAnswering) {
      this.#port.count('queries_dropped_busy');
      return;
    }
    this.#answering += 1;
    const { clock } = this.#port;
    const timeoutMs = Math.min(Math.max(0, question.timeoutNs / 1e6), longestTimeoutMs);
    const deadlineMs = clock.monotonicMs() + timeoutMs;
    try {
      const incoming = {
        name: question.name,
        payload: Uint8Array.from(question.payload ?? []),
        from: question.sourceNode ?? this.#nameOf(question) ?? '',
      };
      const payload = await handler(incoming, addressOf(question));
      if (payload === undefined) return;
      if (clock.monotonicMs() > deadlineMs) this.#port.count('query_responses_too_late');
      else this.#respond(question, 0, payload);
    } catch {
      this.#port.count('query_handlers_failed');
    } finally {
      this.#answering -= 1;
    }
  }

  #respond(question: Query, flags: number, payload: Uint8Array | undefined): void {
    const response: QueryResponse = {
      lTime: question.lTime,
      id: question.id,
      from: this.#port.self,
      flags,
      payload,
    };
    const encoded = queryResponse.encode(response);
    if (encoded.length > querySizeLimit) {
      this.#port.count('query_responses_too_large');
      return;
    }
    if (this.#isOwn(question)) {
      this.#takeResponse(response);
      return;
    }
    const to = addressOf(question);
    if (to === undefined) return;
    this.#port.send(to, encoded);
    const targets = relayTargets(this.#port, question.relayFactor);
    if (targets.length === 0) return;
    const relayed = wrapForRelay(question, encoded);
    for (const target of targets) this.#port.send(socketAddress(target), relayed);
  }

  /** The address of a query is unproven: that of a member is answered, others only a little. */
  #mayAnswer(question: Query): boolean {
    if (this.#isOwn(question) || this.#nameOf(question) !== undefined) return true;
    const nowMs = this.#port.clock.monotonicMs();
    if (nowMs >= this.#strangers.untilMs) {
      this.#strangers = { untilMs: nowMs + 1000, left: strangerAnswersPerSecond };
    }
    this.#strangers.left -= 1;
    if (this.#strangers.left >= 0 && addressOf(question) !== undefined) return true;
    this.#port.count('queries_from_strangers_dropped');
    return false;
  }

  #isOwn(question: Query): boolean {
    return this.#pending.get(question.lTime)?.id === question.id;
  }

  #nameOf(question: Query): string | undefined {
    const asking = addressOf(question);
    if (asking === undefined) return undefined;
    return this.#port.memberAt(asking)?.name;
  }
}

function addressOf(question: Query): Address | undefined {
  const { addr, port } = question;
  if ((addr.length !== 4 && addr.length !== 16) || port === 0) return undefined;
  return socketAddress({ addr, port });
}
