// serf's list of members: memberlist's joins and leaves and the intents of the members themselves
// make a status (serf-wire.md §8 "Member status").

import type { Clock } from '../../support/clock.ts';
import { hostOf, type Node, type Versions } from '../memberlist/node.ts';
import type { MemberStatus, PoolMember } from '../pool.ts';
import type { Address } from '../transport/transport.ts';
import { RecentIntents } from './intents.ts';
import type { LamportClock } from './lamport.ts';
import { decodeTags, type Tags } from './tags.ts';

/** How long a failed member is kept and dialled again, and a left one remembered. */
export interface Retention {
  /** Raising it heals longer outages without a join; the dead stay listed for longer. */
  readonly reconnectTimeoutMs: number;
  /** Raising it keeps late gossip from resurrecting the departed for longer. */
  readonly tombstoneTimeoutMs: number;
}

/** A member as known now; a later state is another object. */
export interface Member {
  readonly name: string;
  readonly addr: Uint8Array;
  readonly port: number;
  readonly tags: Tags;
  readonly versions: Versions;
  readonly status: MemberStatus;
  /** Lamport time of the newest intent about it. */
  readonly statusLTime: number;
  /** Wall clock at the last change of status. */
  readonly sinceMs: number;
  /** Monotonic, when it failed or left. */
  readonly leaveTimeMs: number;
  /** Is to be forgotten as soon as it is gone. */
  readonly pruneOnLeave: boolean;
  /** It has left, and a newer join intent has come; memberlist does not have it alive yet. */
  readonly isRejoining: boolean;
}

export type MemberChange = 'joined' | 'updated' | 'failed' | 'left' | 'reaped';

interface MemberTableOptions {
  readonly self: string;
  readonly clock: Clock;
  readonly lamport: LamportClock;
  readonly retention: Retention;
  readonly changed: (change: MemberChange, member: Member) => void;
  /** Somebody says that we leave, and we do not: answer with a new join intent. */
  readonly refute: () => void;
  readonly isLeaving: () => boolean;
}

export class MemberTable {
  readonly #options: MemberTableOptions;
  readonly #members = new Map<string, Member>();
  readonly #intents: RecentIntents;

  constructor(options: MemberTableOptions) {
    this.#options = options;
    this.#intents = new RecentIntents(options.clock);
  }

  get size(): number {
    return this.#members.size;
  }

  get waitingIntents(): number {
    return this.#intents.size;
  }

  all(): IterableIterator<Member> {
    return this.#members.values();
  }

  get(name: string): Member | undefined {
    return this.#members.get(name);
  }

  withStatus(status: MemberStatus): Member[] {
    return [...this.#members.values()].filter((member) => member.status === status);
  }

  /** Is another member alive? */
  hasOthers(): boolean {
    for (const { name, status } of this.#members.values()) {
      if (name !== this.#options.self && status === 'alive') return true;
    }
    return false;
  }

  /** The member that has this address, whatever its status. */
  at(address: Address): Member | undefined {
    for (const member of this.#members.values()) {
      if (member.port === address.port && hostOf(member.addr) === address.host) return member;
    }
    return undefined;
  }

  /** memberlist has a member alive. */
  nodeJoined(node: Node): void {
    const known = this.#members.get(node.name);
    const intent = known === undefined ? this.#intents.get(node.name) : undefined;
    const member: Member = {
      ...this.#describe(node),
      status: intent?.kind === 'leave' ? 'leaving' : 'alive',
      statusLTime: known?.statusLTime ?? intent?.lTime ?? 0,
      sinceMs: this.#options.clock.nowMs(),
      leaveTimeMs: 0,
      pruneOnLeave: false,
      isRejoining: false,
    };
    this.#set('joined', member);
  }

  /** memberlist has a member dead or left. */
  nodeLeft(node: Node): void {
    const known = this.#members.get(node.name);
    if (known === undefined) return;
    if (known.status === 'alive') {
      // A node that said so itself has left, even where its intent has not come through yet.
      this.#gone(known, node.state === 'left' ? 'left' : 'failed');
    } else if (known.status === 'leaving') {
      this.#gone(known, 'left');
    }
  }

  /** The meta-data or the address of a member changed. */
  nodeUpdated(node: Node): void {
    const known = this.#members.get(node.name);
    if (known !== undefined) this.#set('updated', { ...known, ...this.#describe(node) });
  }

  /** A member leaves, or was made to. Gives whether that changed something: it is then gossiped on. */
  leaveIntent(name: string, lTime: number, prune: boolean): boolean {
    if (!this.#options.lamport.witness(lTime)) return false;
    const known = this.#members.get(name);
    if (known === undefined) return this.#intents.upsert(name, 'leave', lTime);
    if (lTime <= known.statusLTime || this.#isDenied(name)) return false;
    const pruneOnLeave = prune && name !== this.#options.self;
    const stamped = { ...known, statusLTime: lTime, pruneOnLeave, isRejoining: false };
    if (known.status === 'left') {
      if (pruneOnLeave) this.#erase(stamped);
      else this.#members.set(name, stamped);
    } else if (known.status === 'leaving') this.#members.set(name, stamped);
    else this.#depart(stamped);
    return true;
  }

  /**
   * The other side of a push/pull has a member as left. serf makes a leave intent of it with the
   * time of the status plus one; here the time stays as it is, and decides only about a member that
   * lives: its join may have the very number that serf makes up.
   */
  mergeLeft(name: string, lTime: number): void {
    if (!this.#options.lamport.witness(lTime)) return;
    const known = this.#members.get(name);
    if (known === undefined) {
      this.#intents.upsert(name, 'leave', lTime);
    } else if (known.status === 'failed') {
      if (lTime >= known.statusLTime) this.#depart({ ...known, statusLTime: lTime });
    } else if (known.status === 'alive' && lTime > known.statusLTime && !this.#isDenied(name)) {
      this.#depart({ ...known, statusLTime: lTime });
    }
  }

  /** A member (re)joined. Gives whether that was news. */
  joinIntent(name: string, lTime: number): boolean {
    if (!this.#options.lamport.witness(lTime)) return false;
    const known = this.#members.get(name);
    if (known === undefined) return this.#intents.upsert(name, 'join', lTime);
    if (lTime <= known.statusLTime) return false;
    const stamped = { ...known, statusLTime: lTime };
    if (known.status === 'leaving') {
      const back = { ...stamped, status: 'alive' as const, pruneOnLeave: false };
      this.#set('updated', { ...back, sinceMs: this.#nowMs() });
    } else {
      this.#members.set(name, { ...stamped, isRejoining: known.status === 'left' });
    }
    return true;
  }

  /**
   * The other side of a push/pull has this time for a member. Where it is ahead of our own, an old
   * leave of ours may have come back there after our join was known: we say again that we are here.
   */
  mergeTime(name: string, lTime: number): void {
    const own = name === this.#options.self ? this.#members.get(name)?.statusLTime : undefined;
    if (!this.joinIntent(name, lTime)) return;
    if (own !== undefined && !this.#options.isLeaving()) this.#options.refute();
  }

  /** Forgets the failed, the left and the intents whose time is up. */
  reap(): void {
    const nowMs = this.#options.clock.monotonicMs();
    const { reconnectTimeoutMs, tombstoneTimeoutMs } = this.#options.retention;
    for (const member of this.#members.values()) {
      const goneMs = nowMs - member.leaveTimeMs;
      const limitMs =
        member.status === 'failed'
          ? reconnectTimeoutMs
          : member.status === 'left'
            ? tombstoneTimeoutMs
            : Infinity;
      if (goneMs > limitMs) this.#erase(member);
    }
    this.#intents.reap();
  }

  /** Somebody says that we leave: contradicted, unless we do. */
  #isDenied(name: string): boolean {
    if (name !== this.#options.self || this.#options.isLeaving()) return false;
    this.#options.refute();
    return true;
  }

  /** A living member begins to leave, a failed one has left. */
  #depart(member: Member): void {
    if (member.status === 'failed') this.#gone(member, 'left');
    else this.#set('updated', { ...member, status: 'leaving', sinceMs: this.#nowMs() });
  }

  #gone(member: Member, status: 'failed' | 'left'): void {
    const gone: Member = {
      ...member,
      status,
      sinceMs: this.#nowMs(),
      leaveTimeMs: this.#options.clock.monotonicMs(),
    };
    this.#set(status, gone);
    if (gone.pruneOnLeave) this.#erase(gone);
  }

  #set(change: MemberChange, member: Member): void {
    this.#members.set(member.name, member);
    this.#options.changed(change, member);
  }

  #erase(member: Member): void {
    this.#members.delete(member.name);
    this.#options.changed('reaped', member);
  }

  #describe(node: Node): Pick<Member, 'name' | 'addr' | 'port' | 'tags' | 'versions'> {
    const { name, addr, port, versions } = node;
    return { name, addr, port, tags: decodeTags(node.meta), versions };
  }

  #nowMs(): number {
    return this.#options.clock.nowMs();
  }
}

/** A member as the rest of the daemon sees it. */
export function poolMember(member: Member, roundTripMs: number | undefined): PoolMember {
  return {
    name: member.name,
    address: hostOf(member.addr),
    port: member.port,
    status: member.status,
    tags: member.tags,
    roundTripMs,
    sinceMs: member.sinceMs,
  };
}
