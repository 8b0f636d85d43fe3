// One process of the simulated pool: it can be started, killed, paused, restarted elsewhere; and
// it reconnects to those it lost, as the layer above memberlist does (serf-wire.md §8).

import { randomInt } from '../../support/random.ts';
import { Memberlist, type MemberlistStats } from '../memberlist/memberlist.ts';
import { hostOf, type Node } from '../memberlist/node.ts';
import { ProcessClock } from './process-clock.ts';
import type { World } from './world.ts';

/** serf's ReconnectInterval. */
const reconnectIntervalMs = 30_000;
/** How long a failed join waits before the next try. */
const joinRetryMs = 2000;
/** serf's wait for a leave to be sent. */
const leaveTimeoutMs = 5000;

export class SimulatedMember {
  readonly name: string;
  host: string;
  meta = '';
  readonly #world: World;
  #clock: ProcessClock;
  #memberlist: Memberlist | undefined;
  #leaving = false;
  /** Name → host of members that were lost, not of those that left. */
  #failed = new Map<string, string>();
  /** Join and leave events in the order seen, for the tests. */
  readonly events: string[] = [];

  constructor(world: World, name: string, host: string) {
    this.#world = world;
    this.name = name;
    this.host = host;
    this.#clock = new ProcessClock(world.clock);
  }

  get isRunning(): boolean {
    return this.#memberlist !== undefined;
  }

  /** Neither runs nor is leaving. */
  get isStopped(): boolean {
    return this.#memberlist === undefined && !this.#leaving;
  }

  get isPaused(): boolean {
    return this.#clock.paused;
  }

  get memberlist(): Memberlist {
    if (this.#memberlist === undefined) throw new Error(`${this.name} does not run`);
    return this.#memberlist;
  }

  /** A new process: it remembers nothing of an earlier one. */
  async start(): Promise<void> {
    this.#clock = new ProcessClock(this.#world.clock);
    this.#failed = new Map();
    const memberlist = new Memberlist({
      config: this.#world.config(this.name, this.host),
      openTransport: this.#world.network.transport(this.#clock),
      clock: this.#clock,
      random: this.#world.random,
      delegate: {
        nodeMeta: () => Buffer.from(this.meta),
        notifyMessage: () => undefined,
        getBroadcasts: () => [],
        takeNews: () => [],
        localState: () => new Uint8Array(0),
        mergeRemoteState: () => undefined,
      },
      events: {
        notifyJoin: (node) => {
          this.#failed.delete(node.name);
          this.#note('join', node);
        },
        notifyLeave: (node) => {
          if (node.state === 'dead') this.#failed.set(node.name, hostOf(node.addr));
          this.#note(node.state, node);
        },
        notifyUpdate: (node) => this.#note('update', node),
      },
    });
    await memberlist.start();
    this.#memberlist = memberlist;
    this.#reconnectLater(memberlist);
  }

  /**
   * Begins to join some other running member, and tries another one until somebody answers, as
   * the product does with its list of addresses. The result shows in the views.
   */
  joinSoon(): void {
    const { memberlist } = this;
    const others = this.#world.running().filter((member) => member !== this);
    const peer = others[randomInt(this.#world.random, others.length)];
    if (peer === undefined) return;
    void memberlist.join([peer.host]).then(({ joined }) => {
      if (joined > 0) return;
      this.#clock.after(joinRetryMs, () => {
        if (this.#memberlist === memberlist) this.joinSoon();
      });
    });
  }

  async kill(): Promise<void> {
    const { memberlist } = this;
    this.#memberlist = undefined;
    this.#clock.resume();
    await memberlist.shutdown();
  }

  /** Leaves gracefully; the process ends once the leave was sent. */
  async leave(): Promise<void> {
    const { memberlist } = this;
    this.#memberlist = undefined;
    this.#leaving = true;
    await memberlist.leave(leaveTimeoutMs);
    await memberlist.shutdown();
    this.#leaving = false;
  }

  pause(): void {
    this.#clock.pause();
  }

  resume(): void {
    this.#clock.resume();
  }

  /** Names that this member holds dead, but for those that left. */
  heldDead(): ReadonlySet<string> {
    return new Set(this.#failed.keys());
  }

  /** How this member should look to all: name, place, meta-data. */
  fingerprint(): string {
    return describe(this.memberlist.localNode());
  }

  /** What this member sees, in the form of fingerprints. */
  view(): string {
    return this.memberlist.members().map(describe).sort().join(' ');
  }

  stats(): MemberlistStats {
    return this.memberlist.stats();
  }

  #note(what: string, node: Node): void {
    if (node.name !== this.name) this.events.push(`${what} ${node.name}`);
  }

  #reconnectLater(memberlist: Memberlist): void {
    this.#clock.after(reconnectIntervalMs, () => {
      if (this.#memberlist !== memberlist) return;
      this.#reconnectLater(memberlist);
      const failed = [...this.#failed.values()];
      const chance = failed.length / Math.max(1, memberlist.members().length);
      const host = failed[randomInt(this.#world.random, failed.length)];
      if (host !== undefined && this.#world.random.next() < chance) void memberlist.join([host]);
    });
  }
}

function describe({ name, addr, port, meta }: Node): string {
  return `${name}@${hostOf(addr)}:${port}/${Buffer.from(meta).toString()}`;
}
