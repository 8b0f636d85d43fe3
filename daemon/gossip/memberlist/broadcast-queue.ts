// Messages waiting to be gossiped, each a limited number of times (serf-wire.md §7). memberlist
// keeps one queue for state, serf one each for intents, queries and events.

/** Something to tell everybody. */
export interface Broadcast {
  readonly message: Uint8Array;
  /** A later broadcast with the same key replaces this one; `undefined`: none does (serf's). */
  readonly key?: string | undefined;
  /** Called once when the queue lets go of it: sent often enough, replaced, or pruned. */
  readonly finished?: () => void;
}

interface Waiting {
  readonly broadcast: Broadcast;
  readonly id: number;
  transmits: number;
}

/** How often a broadcast is sent in a pool of `nodes`: RetransmitMult × ⌈log10(n + 1)⌉. */
export function retransmitLimit(retransmitMult: number, nodes: number): number {
  return retransmitMult * Math.ceil(Math.log10(nodes + 1));
}

/**
 * A queue ordered by fewest transmits, then longest, then newest. A message that has been handed
 * out `retransmitLimit` times is dropped.
 */
export class TransmitLimitedQueue {
  readonly #numNodes: () => number;
  readonly #retransmitMult: number;
  readonly #queued: () => void;
  /** By number of transmits; each tier sorted: longest first, then newest. */
  readonly #tiers = new Map<number, Waiting[]>();
  readonly #byKey = new Map<string, Waiting>();
  /** What has not been handed out yet, oldest first. */
  readonly #news = new Set<Waiting>();
  #nextId = 0;
  #size = 0;

  constructor(options: {
    readonly numNodes: () => number;
    readonly retransmitMult: number;
    /** Called for each broadcast that is added. */
    readonly queued: () => void;
  }) {
    this.#numNodes = options.numNodes;
    this.#retransmitMult = options.retransmitMult;
    this.#queued = options.queued;
  }

  /** How many wait. */
  get numQueued(): number {
    return this.#size;
  }

  /** Adds a broadcast; one with the same key is replaced. */
  queue(broadcast: Broadcast): void {
    const { key } = broadcast;
    const waiting: Waiting = { broadcast, id: this.#nextId++, transmits: 0 };
    if (key !== undefined) {
      const old = this.#byKey.get(key);
      if (old !== undefined) this.#drop(old);
      this.#byKey.set(key, waiting);
    }
    this.#insert(waiting);
    this.#news.add(waiting);
    this.#queued();
  }

  /**
   * The messages for one packet that have not been handed out at all, oldest first, within the same
   * bounds. Not counted as a transmission: what is told early is repeated as often as all else.
   */
  takeNews(overhead: number, limit: number): Uint8Array[] {
    const messages: Uint8Array[] = [];
    let free = limit;
    for (const waiting of this.#news) {
      const { message } = waiting.broadcast;
      const fits = overhead + message.length <= free;
      // What would not fit an empty packet either must not keep the others waiting.
      if (!fits && overhead + message.length <= limit) break;
      this.#news.delete(waiting);
      if (!fits) continue;
      free -= overhead + message.length;
      messages.push(message);
    }
    return messages;
  }

  /**
   * The messages for one packet: each costs its length + `overhead`, all together at most `limit`
   * bytes. Each is counted as one transmission.
   */
  getBroadcasts(overhead: number, limit: number): Uint8Array[] {
    if (this.#size === 0) return [];
    const most = retransmitLimit(this.#retransmitMult, this.#numNodes());
    const messages: Uint8Array[] = [];
    const again: Waiting[] = [];
    let free = limit;
    for (const transmits of [...this.#tiers.keys()].sort((left, right) => left - right)) {
      const tier = this.#tiers.get(transmits) ?? [];
      let index = 0;
      while (free > overhead && index < tier.length) {
        index = firstThatFits(tier, free - overhead, index);
        const waiting = tier[index];
        if (waiting === undefined) break;
        const { message } = waiting.broadcast;
        free -= overhead + message.length;
        messages.push(message);
        this.#remove(waiting);
        if (waiting.transmits + 1 >= most) this.#finish(waiting);
        else again.push(waiting);
      }
    }
    for (const waiting of again) {
      waiting.transmits += 1;
      this.#insert(waiting);
    }
    return messages;
  }

  /** Drops the most transmitted until at most `maxRetain` are left. */
  prune(maxRetain: number): void {
    while (this.#size > maxRetain) {
      const last = this.#tiers.get(Math.max(...this.#tiers.keys()))?.at(-1);
      if (last === undefined) return;
      this.#drop(last);
    }
  }

  /** Drops everything. */
  reset(): void {
    this.prune(0);
  }

  #insert(waiting: Waiting): void {
    const tier = this.#tiers.get(waiting.transmits);
    if (tier === undefined) this.#tiers.set(waiting.transmits, [waiting]);
    else tier.splice(position(tier, waiting), 0, waiting);
    this.#size += 1;
  }

  #remove(waiting: Waiting): void {
    this.#news.delete(waiting);
    const tier = this.#tiers.get(waiting.transmits);
    if (tier?.[position(tier, waiting)] !== waiting) return;
    tier.splice(position(tier, waiting), 1);
    if (tier.length === 0) this.#tiers.delete(waiting.transmits);
    this.#size -= 1;
  }

  #drop(waiting: Waiting): void {
    this.#remove(waiting);
    this.#finish(waiting);
  }

  #finish({ broadcast, id }: Waiting): void {
    const { key } = broadcast;
    if (key !== undefined && this.#byKey.get(key)?.id === id) this.#byKey.delete(key);
    broadcast.finished?.();
  }
}

/** Where `waiting` is or belongs in its tier. */
function position(tier: readonly Waiting[], waiting: Waiting): number {
  const { length } = waiting.broadcast.message;
  return lowerBound(
    tier,
    (other) =>
      other.broadcast.message.length > length ||
      (other.broadcast.message.length === length && other.id > waiting.id),
  );
}

function firstThatFits(tier: readonly Waiting[], room: number, from: number): number {
  return Math.max(
    from,
    lowerBound(tier, (other) => other.broadcast.message.length > room),
  );
}

/** The first index where `isBefore` no longer holds. */
function lowerBound(tier: readonly Waiting[], isBefore: (other: Waiting) => boolean): number {
  let low = 0;
  let high = tier.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = tier[middle];
    if (other !== undefined && isBefore(other)) low = middle + 1;
    else high = middle;
  }
  return low;
}
