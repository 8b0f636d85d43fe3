// A member of a serf pool: intents, user events, queries, keys, coordinates and a snapshot on top
// of memberlist (serf-wire.md §8).

import { sleep, type Clock } from '../../support/clock.ts';
import type { Logger } from '../../support/logger.ts';
import type { Random } from '../../support/random.ts';
import { TransmitLimitedQueue } from '../memberlist/broadcast-queue.ts';
import type { MemberlistConfig } from '../memberlist/config.ts';
import { Counters } from '../memberlist/counters.ts';
import type { Delegates } from '../memberlist/delegate.ts';
import type { MemberlistOptions, MemberlistPort } from '../memberlist/memberlist.ts';
import { formatAddress, socketAddress } from '../memberlist/node.ts';
import type { JoinResult, PoolEvent, PoolMember, QueryOptions, QueryOutcome } from '../pool.ts';
import type { Address, OpenTransport } from '../transport/transport.ts';
import { announceJoin, announceLeave } from './announce.ts';
import { startBackground } from './background.ts';
import { NameConflicts } from './conflict.ts';
import { CoordinateClient, encodeCoordinate } from './coordinate.ts';
import { SerfDelegate, type Clocks, type Queues } from './delegate.ts';
import { EventCoalescer, type CoalesceSettings } from './event-coalescing.ts';
import { KeyManager } from './key-manager.ts';
import { readKeyringFile } from './keyring-file.ts';
import { LamportClock } from './lamport.ts';
import {
  MemberTable,
  poolMember,
  type Member,
  type MemberChange,
  type Retention,
} from './members.ts';
import type { UserEventMessage } from './messages.ts';
import { checkNodeName } from './node-name.ts';
import { QueryEngine, type QueryHandler } from './query.ts';
import { rejoin } from './rejoin.ts';
import { Snapshot, type SnapshotState } from './snapshot.ts';
import { encodeTags, type Tags } from './tags.ts';
import { encodeUserEvent, UserEventBuffer } from './user-events.ts';

/** How long a leave, a force-leave or new tags may take to be sent often enough. */
const broadcastTimeoutMs = 5000;
/** After the last word of a leave: time for the others to pass it on. */
const leavePropagateDelayMs = 1000;
const day = 24 * 3_600_000;
/** serf's ReconnectTimeout and TombstoneTimeout. */
const defaultRetention: Retention = { reconnectTimeoutMs: day, tombstoneTimeoutMs: day };

export interface SerfOptions {
  readonly tags: Tags;
  readonly memberlist: MemberlistConfig;
  readonly createMemberlist: (options: MemberlistOptions) => MemberlistPort;
  readonly openTransport: OpenTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly onEvent: (event: PoolEvent) => void;
  readonly keyringFile?: string | undefined;
  readonly snapshotFile?: string | undefined;
  readonly rejoinAfterLeave?: boolean;
  readonly retention?: Retention;
  /** Gathers events; missing: every event at once. */
  readonly coalesce?: CoalesceSettings;
}

/** There is no member of that name, or the node is not in the state that the call needs. */
class SerfStateError extends Error {
  override readonly name = 'SerfStateError';
}

type Phase = 'new' | 'running' | 'leaving' | 'ended';

export class Serf {
  readonly #options: SerfOptions;
  readonly #name: string;
  readonly #counters = new Counters();
  readonly #clocks: Clocks = {
    member: new LamportClock(),
    event: new LamportClock(),
    query: new LamportClock(),
  };
  readonly #queues: Queues;
  readonly #members: MemberTable;
  readonly #events: UserEventBuffer;
  readonly #queries: QueryEngine;
  readonly #coordinates: CoordinateClient;
  readonly #conflicts: NameConflicts;
  readonly #delegate: SerfDelegate;
  readonly #coalescer: EventCoalescer | undefined;
  #tags: Tags;
  #phase: Phase = 'new';
  #joining = 0;
  #memberlist: MemberlistPort | undefined;
  #keys: KeyManager | undefined;
  #snapshot: Snapshot | undefined;
  #stopBackground: (() => void) | undefined;

  constructor(options: SerfOptions) {
    const { clock, random, memberlist } = options;
    checkNodeName(memberlist.name);
    encodeTags(options.tags);
    this.#options = options;
    this.#name = memberlist.name;
    this.#tags = options.tags;
    const queue = (): TransmitLimitedQueue =>
      new TransmitLimitedQueue({
        numNodes: () => this.#poolSize(),
        retransmitMult: memberlist.retransmitMult,
        queued: () => this.#memberlist?.gossipSoon(),
      });
    this.#queues = { intents: queue(), queries: queue(), events: queue() };
    this.#events = new UserEventBuffer(this.#clocks.event);
    this.#coordinates = new CoordinateClient(random);
    this.#members = new MemberTable({
      self: this.#name,
      clock,
      lamport: this.#clocks.member,
      retention: options.retention ?? defaultRetention,
      changed: (change, member) => this.#memberChanged(change, member),
      refute: () => announceJoin(this.#announcer()),
      isLeaving: () => this.#phase !== 'running',
    });
    const count = (counter: string): void => this.#counters.add(counter);
    const send = (to: Address, bytes: Uint8Array): void => this.#send(to, bytes);
    this.#queries = new QueryEngine({
      self: this.#name,
      clock,
      random,
      lamport: this.#clocks.query,
      gossipIntervalMs: memberlist.gossipIntervalMs,
      localNode: () => this.#running().localNode(),
      tags: () => this.#tags,
      members: () => this.#members.all(),
      memberAt: (address) => this.#members.at(address),
      poolSize: () => this.#poolSize(),
      send,
      broadcast: (message) => this.#queues.queries.queue({ message }),
      count,
    });
    this.#conflicts = new NameConflicts({
      self: this.#name,
      clock,
      queries: this.#queries,
      localNode: () => this.#running().localNode(),
      memberOf: (name) => this.#members.get(name),
      report: (trouble) => this.#emit({ type: 'trouble', trouble }),
      lost: (detail) => void this.#evict(detail),
    });
    this.#delegate = new SerfDelegate({
      clocks: this.#clocks,
      queues: this.#queues,
      members: this.#members,
      events: this.#events,
      queries: this.#queries,
      tags: () => this.#tags,
      takeEvent: (event) => this.#takeEvent(event),
      ignoresOldEvents: () => this.#joining > 0,
      isMemberAddress: (address) => this.#members.at(address) !== undefined,
      send,
      count,
    });
    this.#coalescer =
      options.coalesce === undefined
        ? undefined
        : new EventCoalescer(options.coalesce, clock, options.onEvent);
  }

  /**
   * Binds and starts; gives the address advertised. Rejects with the reason: a port in use, a
   * keyring file or a snapshot that cannot be used (`KeyringFileError`, `SnapshotError`).
   */
  async start(): Promise<Address> {
    const options = this.#options;
    const keys = (await readKeyringFile(options.keyringFile)) ?? options.memberlist.keys;
    const found = await this.#openSnapshot();
    const memberlist = options.createMemberlist({
      config: { ...options.memberlist, keys },
      openTransport: options.openTransport,
      clock: options.clock,
      random: options.random,
      ...this.#delegates(),
    });
    this.#memberlist = memberlist;
    this.#keys = new KeyManager({
      keyring: memberlist.keyring,
      keyringFile: options.keyringFile,
      queries: this.#queries,
    });
    this.#phase = 'running';
    try {
      const address = await memberlist.start();
      this.#stopBackground = startBackground({
        clock: options.clock,
        random: options.random,
        members: this.#members,
        queues: Object.values(this.#queues) as TransmitLimitedQueue[],
        reconnect: (member) => void this.#reconnect(member),
        count: (counter, amount) => this.#counters.add(counter, amount),
      });
      void this.#rejoin(found);
      return address;
    } catch (error) {
      await this.shutdown();
      throw error;
    }
  }

  /** All members that are known, ourselves among them. */
  members(): PoolMember[] {
    return [...this.#members.all()].map((member) => this.#describe(member));
  }

  /** Tries every address once. Events from before the join are not delivered. */
  async join(addresses: readonly string[]): Promise<JoinResult> {
    const memberlist = this.#running();
    this.#joining += 1;
    try {
      const result = await memberlist.join(addresses);
      if (result.joined > 0) announceJoin(this.#announcer());
      return result;
    } finally {
      this.#joining -= 1;
    }
  }

  /** Says goodbye, lets it spread, and shuts down. */
  async leave(): Promise<void> {
    if (this.#phase !== 'running') return this.shutdown();
    const memberlist = this.#running();
    this.#phase = 'leaving';
    this.#snapshot?.leave();
    await announceLeave(this.#announcer(), this.#name, false, broadcastTimeoutMs);
    await memberlist.leave(broadcastTimeoutMs);
    if (this.#members.hasOthers()) await sleep(this.#options.clock, leavePropagateDelayMs);
    await this.shutdown();
  }

  /** Stops without a word; idempotent. */
  async shutdown(): Promise<void> {
    if (this.#phase === 'ended') return;
    this.#phase = 'ended';
    this.#stopBackground?.();
    this.#coalescer?.flush();
    this.#queries.close();
    await this.#memberlist?.shutdown();
    await this.#snapshot?.close();
  }

  /**
   * Makes a failed member a left one everywhere; `prune` forgets it at once. A live member answers
   * that it is there. Rejects with `SerfStateError` for a name that is not known.
   */
  async forceLeave(node: string, prune: boolean): Promise<void> {
    this.#running();
    if (this.#members.get(node) === undefined) {
      throw new SerfStateError(
        `no member is named "${node}"; the names are those that \`members\` lists`,
      );
    }
    await announceLeave(this.#announcer(), node, prune, broadcastTimeoutMs);
  }

  /** Replaces the tags of this member. Throws `TagsTooLargeError` above 512 bytes. */
  async setTags(tags: Tags): Promise<void> {
    encodeTags(tags);
    this.#tags = tags;
    await this.#running().updateNode(broadcastTimeoutMs);
  }

  /** Sends an event to all, ourselves among them. Throws `EventTooLargeError`. */
  userEvent(name: string, payload: Uint8Array, coalesce: boolean): void {
    this.#running();
    const event = { lTime: this.#clocks.event.time, name, payload, cc: coalesce };
    const message = encodeUserEvent(event);
    this.#clocks.event.increment();
    this.#takeEvent(event);
    this.#queues.events.queue({ message });
  }

  /** Asks all, or those that the options choose. Rejects as `QueryEngine.ask`. */
  async query(name: string, payload: Uint8Array, options: QueryOptions): Promise<QueryOutcome> {
    this.#running();
    return this.#queries.ask(name, payload, options);
  }

  /** Answers queries of this name. */
  answer(name: string, handler: QueryHandler): void {
    this.#queries.answer(name, handler);
  }

  /** Keys of the pool. Throws `SerfStateError` before the start. */
  get keys(): KeyManager {
    if (this.#keys === undefined) throw new SerfStateError('the member has not been started');
    return this.#keys;
  }

  stats(): Readonly<Record<string, number>> {
    const status = (name: PoolMember['status']): number => this.#members.withStatus(name).length;
    return {
      ...this.#memberlist?.stats(),
      ...this.#counters.toRecord(),
      members_known: this.#members.size,
      members_failed: status('failed'),
      members_left: status('left'),
      member_time: this.#clocks.member.time,
      event_time: this.#clocks.event.time,
      query_time: this.#clocks.query.time,
      intent_queue: this.#queues.intents.numQueued,
      query_queue: this.#queues.queries.numQueued,
      event_queue: this.#queues.events.numQueued,
      intents_waiting: this.#members.waitingIntents,
      events_remembered_bytes: this.#events.bytes,
      queries_pending: this.#queries.pending,
      coordinate_resets: this.#coordinates.resets,
      snapshot_failures: this.#snapshot?.failures ?? 0,
    };
  }

  #delegates(): Delegates {
    return {
      delegate: this.#delegate,
      events: {
        notifyJoin: (node) => this.#members.nodeJoined(node),
        notifyLeave: (node) => this.#members.nodeLeft(node),
        notifyUpdate: (node) => this.#members.nodeUpdated(node),
      },
      conflict: { notifyConflict: (existing, other) => this.#conflicts.notice(existing, other) },
      ping: {
        ackPayload: () => encodeCoordinate(this.#coordinates.own),
        notifyPingComplete: ({ name }, roundTripMs, payload) => {
          const believed = this.#coordinates.heard(name, roundTripMs, payload);
          if (!believed) this.#counters.add('coordinates_refused');
        },
      },
      trouble: (trouble) => this.#emit({ type: 'trouble', trouble }),
    };
  }

  #takeEvent(event: UserEventMessage): boolean {
    const verdict = this.#events.take(event);
    if (verdict !== 'new') {
      this.#counters.add(`events_${verdict.replaceAll('-', '_')}`);
      return false;
    }
    this.#counters.add('events');
    const payload = Uint8Array.from(event.payload ?? []);
    const delivered = { name: event.name, payload, lamportTime: event.lTime };
    this.#emit({ type: 'user-event', event: delivered }, event.cc);
    return true;
  }

  #memberChanged(change: MemberChange, member: Member): void {
    if (change === 'reaped') this.#coordinates.forget(member.name);
    if (member.name !== this.#name) {
      if (change === 'joined') {
        this.#snapshot?.alive(member.name, formatAddress(socketAddress(member)));
      } else if (change !== 'updated') this.#snapshot?.notAlive(member.name);
    }
    this.#emit({ type: `member-${change}`, member: this.#describe(member) });
  }

  #emit(event: PoolEvent, coalescable = false): void {
    if (this.#coalescer === undefined) this.#options.onEvent(event);
    else this.#coalescer.add(event, coalescable);
  }

  #describe(member: Member): PoolMember {
    const roundTripMs =
      member.name === this.#name ? undefined : this.#coordinates.estimateMs(member.name);
    return poolMember(member, roundTripMs);
  }

  #announcer(): Parameters<typeof announceJoin>[0] {
    return {
      self: this.#name,
      clock: this.#options.clock,
      lamport: this.#clocks.member,
      members: this.#members,
      queue: this.#queues.intents,
      hasOthers: () => this.#members.hasOthers(),
    };
  }

  async #openSnapshot(): Promise<SnapshotState | undefined> {
    const { snapshotFile, rejoinAfterLeave = false, clock, logger } = this.#options;
    if (snapshotFile === undefined) return undefined;
    const { snapshot, found } = await Snapshot.open({
      file: snapshotFile,
      rejoinAfterLeave,
      clock,
      logger,
      times: () => ({
        clock: this.#clocks.member.time - 1,
        eventClock: this.#clocks.event.time - 1,
        queryClock: this.#clocks.query.time - 1,
      }),
    });
    this.#snapshot = snapshot;
    this.#clocks.member.witness(found.clock);
    this.#clocks.event.witness(found.eventClock);
    this.#clocks.query.witness(found.queryClock);
    if (found.eventClock > 0) this.#events.raiseMinTime(found.eventClock + 1);
    if (found.queryClock > 0) this.#queries.raiseMinTime(found.queryClock + 1);
    return found;
  }

  /** After a crash: back to those that were alive. */
  async #rejoin(found: SnapshotState | undefined): Promise<void> {
    const others = [...(found?.alive ?? [])].filter(([name]) => name !== this.#name);
    const address = await rejoin(
      others.map(([, known]) => known),
      {
        random: this.#options.random,
        join: (addresses) => this.join(addresses),
        isRunning: () => this.#phase === 'running',
      },
    );
    if (address === undefined) return;
    this.#options.logger.info({ address }, 'rejoined the pool from the snapshot');
  }

  async #reconnect(member: Member): Promise<void> {
    if (this.#phase !== 'running') return;
    this.#counters.add('reconnects');
    const address = formatAddress(socketAddress(member));
    await this.#memberlist?.join([address]).catch(() => undefined);
  }

  async #evict(detail: string): Promise<void> {
    if (this.#phase !== 'running') return;
    await this.shutdown();
    this.#options.onEvent({ type: 'evicted', detail });
  }

  #send(to: Address, bytes: Uint8Array): void {
    if (this.#phase !== 'ended') this.#memberlist?.sendUser(to, bytes);
  }

  #poolSize(): number {
    return this.#memberlist?.numMembers() ?? 1;
  }

  #running(): MemberlistPort {
    if (this.#memberlist === undefined || this.#phase === 'new') {
      throw new SerfStateError('the member has not been started');
    }
    if (this.#phase === 'ended') throw new SerfStateError('the member has shut down');
    return this.#memberlist;
  }
}
