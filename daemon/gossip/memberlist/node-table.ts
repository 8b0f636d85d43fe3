// All nodes that are known, and the ring in which they are probed (serf-wire.md §4): shuffled,
// new ones at a random place, reshuffled after each round.

import { randomInt, type Random } from '../../support/random.ts';
import { formatAddress, socketAddress, type Node, type NodeStatus } from './node.ts';
import type { Suspicion } from './suspicion.ts';

/** What is known of one node. */
export interface Entry {
  /** What others are shown; replaced, never changed. */
  node: Node;
  incarnation: number;
  /** When `node.state` changed last, monotonic milliseconds. */
  stateChangeMs: number;
  suspicion: Suspicion | undefined;
}

export function isDeadOrLeft(state: NodeStatus): boolean {
  return state === 'dead' || state === 'left';
}

export class NodeTable {
  readonly #random: Random;
  readonly #byName = new Map<string, Entry>();
  /** Nodes per `host:port`; two may share one while the older is dead. */
  readonly #byAddress = new Map<string, number>();
  #ring: Entry[] = [];
  #next = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  get size(): number {
    return this.#byName.size;
  }

  get(name: string): Entry | undefined {
    return this.#byName.get(name);
  }

  /** In the order of the ring. */
  all(): readonly Entry[] {
    return this.#ring;
  }

  /** Whether a node is known to send from here. */
  hasAddress(address: string): boolean {
    return this.#byAddress.has(address);
  }

  /** Adds a node at a random place in the ring. */
  add(entry: Entry): void {
    this.#byName.set(entry.node.name, entry);
    this.#countAddress(entry.node, 1);
    const index = randomInt(this.#random, this.#ring.length + 1);
    this.#ring.push(entry);
    const last = this.#ring.length - 1;
    const displaced = this.#ring[index];
    if (displaced !== undefined) this.#ring[last] = displaced;
    this.#ring[index] = entry;
  }

  /** Replaces what is shown of a node; its name stays. */
  update(entry: Entry, changes: Partial<Omit<Node, 'name'>>): void {
    this.#countAddress(entry.node, -1);
    entry.node = { ...entry.node, ...changes };
    this.#countAddress(entry.node, 1);
  }

  /**
   * The next one in the ring that `wanted` takes, or `undefined` after a whole round without.
   * When the round ends, nodes that are `expired` are forgotten and the ring is shuffled.
   */
  nextInRing(
    wanted: (entry: Entry) => boolean,
    expired: (entry: Entry) => boolean,
  ): Entry | undefined {
    for (let checked = this.#ring.length; checked > 0; checked -= 1) {
      if (this.#next >= this.#ring.length) {
        this.#next = 0;
        this.#forget(expired);
        this.#shuffle();
      }
      const entry = this.#ring[this.#next++];
      if (entry !== undefined && wanted(entry)) return entry;
    }
    return undefined;
  }

  /** Up to `count` different random nodes that `wanted` takes. */
  pick(count: number, wanted: (entry: Entry) => boolean): Entry[] {
    const ring = this.#ring;
    const picked: Entry[] = [];
    // As memberlist: a bounded number of draws, which may find fewer than there are.
    for (let draws = 3 * ring.length; draws > 0 && picked.length < count; draws -= 1) {
      const entry = ring[randomInt(this.#random, ring.length)];
      if (entry !== undefined && wanted(entry) && !picked.includes(entry)) picked.push(entry);
    }
    return picked;
  }

  #forget(expired: (entry: Entry) => boolean): void {
    this.#ring = this.#ring.filter((entry) => {
      if (!expired(entry)) return true;
      entry.suspicion?.cancel();
      this.#byName.delete(entry.node.name);
      this.#countAddress(entry.node, -1);
      return false;
    });
  }

  #shuffle(): void {
    const ring = this.#ring;
    for (let index = ring.length - 1; index > 0; index -= 1) {
      const other = randomInt(this.#random, index + 1);
      const [left, right] = [ring[index], ring[other]];
      if (left === undefined || right === undefined) continue;
      ring[index] = right;
      ring[other] = left;
    }
  }

  #countAddress(node: Node, delta: number): void {
    const key = formatAddress(socketAddress(node));
    const count = (this.#byAddress.get(key) ?? 0) + delta;
    if (count > 0) this.#byAddress.set(key, count);
    else this.#byAddress.delete(key);
  }
}
