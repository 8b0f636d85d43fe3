// A member of a serf pool: intents, user events, queries, keys, coordinates and a snapshot on top
// of memberlist (serf-wire.md §8).

import { isUtf8 } from 'node:buffer';
import type { Clock } from '../../support/clock.ts';
import type { Logger } from '../../support/logger.ts';
import { randomInt, type Random } from '../../support/random.ts';
import { TransmitLimitedQueue } from '../memberlist/broadcast-queue.ts';
import type { MemberlistConfig } from '../memberlist/config.ts';
import { Counters } from '../memberlist/counters.ts';
import type { Delegates } from '../memberlist/delegate.ts';
import type { MemberlistOptions, MemberlistPort } from '../memberlist/memberlist.ts';
import { formatAddress, socketAddress } from '../memberlist/node.ts';
import type { JoinResult, PoolEvent, PoolMember, QueryOptions, QueryOutcome } from '../pool.ts';
import type { Address, OpenTransport } from '../transport/transport.ts';
import { encodeText } from '../wire/text.ts';
import { startBackground } from './background.ts';
import { answerConflicts, NameConflicts } from './conflict.ts';
import { CoordinateClient, decodeCoordinate, encodeCoordinate } from './coordinate.ts';
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
import { joinIntent, leaveIntent, userEvent, type UserEventMessage } from './messages.ts';
import { QueryEngine, type QueryHandler } from './query.ts';
import { Snapshot, type SnapshotState } from './snapshot.ts';
import { encodeTags, type Tags } from './tags.ts';
import { EventTooLargeError, UserEventBuffer, userEventSizeLimit } from './user-events.ts';

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
export class SerfStateError extends Error {
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
    checkName(memberlist.name);
    encodeTags(options.tags);
    this.#options = options;
    this.#name = memberlist.name;
    this.#tags = options.tags;
    const queue = (): TransmitLimitedQueue =>
      new TransmitLimitedQueue({
        numNodes: () => this.#poolSize(),
        retransmitMult: memberlist.retransmitMult,
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
      refute: () => this.#broadcastJoin(),
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
      report: (trouble) => this.#emit({ type: 'trouble', trouble }),
      lost: (detail) => void this.#evict(detail),
    });
    answerConflicts(this.#queries, this.#name, (name) => this.#members.get(name));
    this.#delegate = new SerfDelegate({
      clocks: this.#clocks,
      queues: this.#queues,
      members: this.#members,
      events: this.#events,
      queries: this.#queries,
      tags: () => this.#tags,
      takeEvent: (event) => this.#takeEvent(event),
      ignoresOldEvents: () => this.#joining > 0,
      isMemberAddress: (address) => this.#isMemberAddress(address),
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
    const { options, keys } = { options: this.#options, keys: await this.#storedKeys() };
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
      if (result.joined > 0) this.#broadcastJoin();
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
    await this.#broadcastLeave(this.#name, false);
    await memberlist.leave(broadcastTimeoutMs);
    if (this.#hasOthers()) await this.#wait(leavePropagateDelayMs);
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
    await this.#broadcastLeave(node, prune);
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
    const size = encodeText(name).length + payload.length;
    const event = { lTime: this.#clocks.event.time, name, payload, cc: coalesce };
    const message = userEvent.encode(event);
    if (size > userEventSizeLimit || message.length > userEventSizeLimit) {
      throw new EventTooLargeError(
        `event "${name}" has ${size} bytes (${message.length} encoded), and ${userEventSizeLimit} ` +
          'is the most: send a hint, and let the receivers fetch the rest',
      );
    }
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
        notifyPingComplete: (node, roundTripMs, payload) =>
          this.#measured(node.name, roundTripMs, payload),
      },
      trouble: (trouble) => this.#emit({ type: 'trouble', trouble }),
    };
  }

  #measured(node: string, roundTripMs: number, payload: Uint8Array): void {
    if (payload.length === 0) return;
    let coordinate;
    try {
      coordinate = decodeCoordinate(payload);
    } catch {
      coordinate = undefined;
    }
    if (coordinate === undefined) {
      this.#counters.add('coordinates_refused');
      return;
    }
    if (!this.#coordinates.update(node, coordinate, roundTripMs / 1000)) {
      this.#counters.add('coordinates_refused');
    }
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

  #broadcastJoin(): void {
    const lTime = this.#clocks.member.time;
    this.#members.joinIntent(this.#name, lTime);
    this.#queues.intents.queue({ message: joinIntent.encode({ lTime, node: this.#name }) });
  }

  /** Resolves once the intent was sent often enough, or in time. */
  async #broadcastLeave(node: string, prune: boolean): Promise<void> {
    const lTime = this.#clocks.member.time;
    this.#clocks.member.increment();
    this.#members.leaveIntent(node, lTime, prune);
    if (!this.#hasOthers()) return;
    const message = leaveIntent.encode({ lTime, node, ...(prune ? { prune } : {}) });
    await new Promise<void>((resolve) => {
      const timer = this.#options.clock.after(broadcastTimeoutMs, resolve);
      const finished = (): void => {
        timer.cancel();
        resolve();
      };
      this.#queues.intents.queue({ message, finished });
    });
  }

  async #storedKeys(): Promise<readonly Uint8Array[]> {
    const { keyringFile, memberlist } = this.#options;
    const stored = keyringFile === undefined ? undefined : await readKeyringFile(keyringFile);
    return stored ?? memberlist.keys;
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

  /** After a crash: dials those that were alive, in random order, until one answers. */
  async #rejoin(found: SnapshotState | undefined): Promise<void> {
    const addresses = [...(found?.alive ?? [])]
      .filter(([name]) => name !== this.#name)
      .map(([, address]) => address);
    while (addresses.length > 0 && this.#phase === 'running') {
      const index = randomInt(this.#options.random, addresses.length);
      const [address = ''] = addresses.splice(index, 1);
      const joined = await this.join([address]).then(
        (result) => result.joined > 0,
        () => false,
      );
      if (joined) {
        this.#options.logger.info({ address }, 'rejoined the pool from the snapshot');
        return;
      }
    }
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

  #isMemberAddress(address: Address): boolean {
    for (const member of this.#members.all()) {
      if (member.port === address.port && socketAddress(member).host === address.host) return true;
    }
    return false;
  }

  #hasOthers(): boolean {
    for (const { name, status } of this.#members.all()) {
      if (name !== this.#name && status === 'alive') return true;
    }
    return false;
  }

  #poolSize(): number {
    return this.#memberlist?.numMembers() ?? 1;
  }

  #wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.#options.clock.after(delayMs, resolve));
  }

  #running(): MemberlistPort {
    if (this.#memberlist === undefined || this.#phase === 'new') {
      throw new SerfStateError('the member has not been started');
    }
    if (this.#phase === 'ended') throw new SerfStateError('the member has shut down');
    return this.#memberlist;
  }
}

/** A name is shown, logged and written to files by every member. */
function checkName(name: string): void {
  const size = encodeText(name).length;
  // eslint-disable-next-line no-control-regex
  const plain = /^[^\u0000-\u0020\u007f](?:[^\u0000-\u001f\u007f]*[^\u0000-\u0020\u007f])?$/.test(
    name,
  );
  if (size === 0 || size > 128 || !plain || !isUtf8(Buffer.from(name))) {
    throw new SerfStateError(
      `"${name}" cannot be the name of a member: 1 to 128 bytes are wanted, without line breaks ` +
        'and without spaces at its ends',
    );
  }
}
