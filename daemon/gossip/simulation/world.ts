// A pool of simulated members: real memberlist engines on a network in memory, by a virtual clock
// and seeded random numbers. Everything that happens follows from the seed.

import { seededRandom, type Random } from '../../support/random.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { memberlistConfig, type MemberlistConfig } from '../memberlist/config.ts';
import { MemoryNetwork } from '../transport/memory-transport.ts';
import { SimulatedMember } from './simulated-member.ts';

export interface WorldOptions {
  readonly seed: number;
  readonly members: number;
  /** Changes to the LAN profile. */
  readonly changes?: Partial<MemberlistConfig>;
}

/** How often the world looks at every view. */
const lookMs = 500;

/** What a member believes wrongly, since when. */
type Wrong = ReadonlyMap<string, number>;

export class World {
  readonly seed: number;
  readonly clock = new VirtualClock();
  readonly random: Random;
  readonly network: MemoryNetwork;
  /** By name; those that were killed or have left included. */
  readonly members = new Map<string, SimulatedMember>();
  readonly #changes: Partial<MemberlistConfig>;
  #heldDead: Wrong = new Map();
  /** The longest time that a live and reachable member was held dead by another one. */
  longestHeldDeadMs = 0;
  /** Who held whom, for that time. */
  longestHeldDead = '';
  #nextHost = 1;

  constructor(options: WorldOptions) {
    this.seed = options.seed;
    this.random = seededRandom(options.seed);
    this.network = new MemoryNetwork(this.clock, this.random);
    this.#changes = options.changes ?? {};
    for (let index = 0; index < options.members; index += 1) this.addMember(`m${index}`);
  }

  /** A member that has not been started. */
  addMember(name: string): SimulatedMember {
    const member = new SimulatedMember(this, name, this.newHost());
    this.members.set(name, member);
    return member;
  }

  /** An address that no member has had. */
  newHost(): string {
    const host = this.#nextHost++;
    return `10.${host >> 16}.${(host >> 8) & 0xff}.${host & 0xff}`;
  }

  config(name: string, host: string): MemberlistConfig {
    return memberlistConfig('lan', { name, bind: { host, port: 7946 }, ...this.#changes });
  }

  /** Members that run, paused ones included. */
  running(): SimulatedMember[] {
    return [...this.members.values()].filter((member) => member.isRunning);
  }

  /** Starts all; each joins some other one. */
  async startAll(): Promise<void> {
    for (const member of this.members.values()) {
      await member.start();
      member.joinSoon();
    }
  }

  /** Lets `durationMs` pass, and looks at all views meanwhile. */
  async run(durationMs: number): Promise<void> {
    for (let passedMs = 0; passedMs < durationMs; passedMs += lookMs) {
      await this.clock.advanceAsync(Math.min(lookMs, durationMs - passedMs));
      this.#look();
    }
  }

  /** Lets time pass until `condition` holds; gives how long it took, `undefined` past the limit. */
  async runUntil(condition: () => boolean, limitMs: number): Promise<number | undefined> {
    const startMs = this.clock.monotonicMs();
    while (!condition()) {
      if (this.clock.monotonicMs() - startMs >= limitMs) return undefined;
      await this.clock.advanceAsync(100);
      this.#look();
    }
    return this.clock.monotonicMs() - startMs;
  }

  /** Whether every running member knows exactly the running members, with the same versions. */
  viewsAgree(): boolean {
    return this.disagreement() === undefined;
  }

  /** The first difference between the views and the truth. */
  disagreement(): string | undefined {
    const running = this.running();
    // Counting is cheap and tells nearly always.
    const short = running.find(({ memberlist }) => memberlist.members().length !== running.length);
    if (short !== undefined)
      return `${short.name} sees ${short.view()}, of ${running.length} that run`;
    const expected = running
      .map((member) => member.fingerprint())
      .sort()
      .join(' ');
    for (const member of running) {
      const view = member.view();
      if (view !== expected) return `${member.name} sees [${view}], true is [${expected}]`;
    }
    return undefined;
  }

  async stopAll(): Promise<void> {
    for (const member of this.running()) await member.kill();
  }

  /** Datagrams pass both ways, and neither is paused. */
  #reachable(left: SimulatedMember, right: SimulatedMember): boolean {
    if (left.isPaused || right.isPaused) return false;
    const { network } = this;
    if (network.pathLoss.size > 0) return false;
    return !network.isCut(left.host, right.host) && !network.isCut(right.host, left.host);
  }

  #look(): void {
    const nowMs = this.clock.monotonicMs();
    const stillWrong = new Map<string, number>();
    for (const observer of this.running()) {
      for (const name of observer.heldDead()) {
        const member = this.members.get(name);
        if (member?.isRunning !== true || !this.#reachable(observer, member)) continue;
        const key = `${observer.name} held ${name} dead`;
        const sinceMs = this.#heldDead.get(key) ?? nowMs;
        stillWrong.set(key, sinceMs);
        if (nowMs - sinceMs > this.longestHeldDeadMs) {
          this.longestHeldDeadMs = nowMs - sinceMs;
          this.longestHeldDead = `${key} at ${nowMs} ms`;
        }
      }
    }
    this.#heldDead = stillWrong;
  }
}
