// Datagrams on their way in: per-source rates, two bounded queues (members before strangers), and
// slices short enough that timers always get their turn.

import type { Clock } from '../../support/clock.ts';
import type { Address } from '../transport/transport.ts';
import type { Limits } from './config.ts';
import type { Counters } from './counters.ts';
import { formatAddress } from './node.ts';
import type { TroubleLog } from './trouble.ts';

/** Sources whose rate is followed; the longest unknown goes first. */
const maxBuckets = 1024;
/** All strangers together get this many times the rate of one. */
const allStrangersFactor = 4;

interface Bucket {
  tokens: number;
  atMs: number;
}

interface Waiting {
  readonly bytes: Uint8Array;
  readonly from: Address;
}

export interface ReceptionOptions {
  readonly limits: Limits;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly trouble: TroubleLog;
  readonly isMember: (address: string) => boolean;
  readonly defer: (run: () => void) => void;
  readonly handle: (bytes: Uint8Array, from: Address) => void;
}

export class Reception {
  readonly #options: ReceptionOptions;
  readonly #buckets = new Map<string, Bucket>();
  readonly #strangers: Bucket;
  readonly #memberQueue: Waiting[] = [];
  readonly #strangerQueue: Waiting[] = [];
  #sliceMs = -1;
  #handledInSlice = 0;
  #draining = false;

  constructor(options: ReceptionOptions) {
    this.#options = options;
    const burst = allStrangersFactor * options.limits.strangerRate;
    this.#strangers = { tokens: burst, atMs: options.clock.monotonicMs() };
  }

  /** Datagrams that wait. */
  get waiting(): number {
    return this.#memberQueue.length + this.#strangerQueue.length;
  }

  /** Takes a datagram: handles it now, lets it wait, or drops and counts it. */
  offer(bytes: Uint8Array, from: Address): void {
    const { limits, counters, trouble, clock } = this.#options;
    const nowMs = clock.monotonicMs();
    const address = formatAddress(from);
    const known = this.#options.isMember(address);
    if (!this.#admit(known, known ? address : from.host, nowMs)) {
      counters.add('datagramsOverRate');
      trouble.note('flood', from.host, 'more datagrams than its rate allows; the rest is dropped');
      return;
    }
    if (!this.#draining && this.#slotInSlice(nowMs)) {
      this.#options.handle(bytes, from);
      return;
    }
    const queue = known ? this.#memberQueue : this.#strangerQueue;
    if (queue.length >= limits.handoffQueueDepth) {
      counters.add('datagramsDropped');
      return;
    }
    queue.push({ bytes, from });
    this.#drainSoon();
  }

  /** Forgets what waits. */
  close(): void {
    this.#memberQueue.length = 0;
    this.#strangerQueue.length = 0;
  }

  #drainSoon(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#options.defer(() => this.#drain());
  }

  #drain(): void {
    const { datagramsPerSlice } = this.#options.limits;
    const members = this.#memberQueue.splice(0, datagramsPerSlice);
    const strangers = this.#strangerQueue.splice(0, datagramsPerSlice - members.length);
    for (const { bytes, from } of members) this.#options.handle(bytes, from);
    for (const { bytes, from } of strangers) this.#options.handle(bytes, from);
    this.#draining = false;
    if (this.waiting > 0) this.#drainSoon();
  }

  /** A few datagrams a millisecond need not wait at all. */
  #slotInSlice(nowMs: number): boolean {
    const sliceMs = Math.floor(nowMs);
    if (sliceMs !== this.#sliceMs) {
      this.#sliceMs = sliceMs;
      this.#handledInSlice = 0;
    }
    this.#handledInSlice += 1;
    return this.#handledInSlice <= this.#options.limits.datagramsPerSlice;
  }

  #admit(known: boolean, key: string, nowMs: number): boolean {
    const { memberRate, strangerRate } = this.#options.limits;
    const rate = known ? memberRate : strangerRate;
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      bucket = { tokens: rate, atMs: nowMs };
      this.#buckets.set(key, bucket);
      const [oldest] = this.#buckets.keys();
      if (this.#buckets.size > maxBuckets && oldest !== undefined) this.#buckets.delete(oldest);
    }
    if (!takeToken(bucket, rate, nowMs)) return false;
    return known || takeToken(this.#strangers, allStrangersFactor * strangerRate, nowMs);
  }
}

/** A bucket that fills with `rate` tokens a second and holds one second's worth. */
function takeToken(bucket: Bucket, rate: number, nowMs: number): boolean {
  bucket.tokens = Math.min(rate, bucket.tokens + ((nowMs - bucket.atMs) * rate) / 1000);
  bucket.atMs = nowMs;
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}
