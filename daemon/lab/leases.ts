// Leases of any number of instances on one timer: a heartbeat writes one number and moves nothing.

import type { Clock, Timer } from '../support/clock.ts';

export interface Lease<T> {
  readonly owner: T;
  readonly ttlMs: number;
  /** Monotonic milliseconds at which it runs out. */
  endsMs: number;
  revoked: boolean;
}

/** A lease is noticed as ended this long after its end, as measured (servicecenter-api.md §5). */
const noticeMs = 300;
/** Width of a bucket. Raising it saves wake-ups and lets a dead instance live that much longer. */
const bucketMs = 100;

/**
 * Keeps leases in buckets by the time they were to end. A renewal only writes the new end; the
 * bucket's turn finds it still alive and files it anew, so each lease moves once per TTL at most.
 */
export class Leases<T> {
  readonly #clock: Clock;
  readonly #onEnd: (owner: T) => void;
  readonly #buckets = new Map<number, Lease<T>[]>();
  #next: number | undefined;
  #timer: Timer | undefined;
  #paused = false;

  /** `onEnd` is called once for each lease that ran out, never for a revoked one. */
  constructor(clock: Clock, onEnd: (owner: T) => void) {
    this.#clock = clock;
    this.#onEnd = onEnd;
  }

  grant(owner: T, ttlMs: number): Lease<T> {
    const endsMs = this.#clock.monotonicMs() + ttlMs;
    const lease: Lease<T> = { owner, ttlMs, endsMs, revoked: false };
    this.#file(lease);
    return lease;
  }

  /** Starts the lease again in full. */
  renew(lease: Lease<T>): void {
    lease.endsMs = this.#clock.monotonicMs() + lease.ttlMs;
  }

  revoke(lease: Lease<T>): void {
    lease.revoked = true;
  }

  /** As a stopped process: time goes on, no lease is ended. */
  pause(): void {
    this.#paused = true;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Ends what ran out meanwhile, `delayMs` from now. */
  resume(delayMs: number): void {
    this.#paused = false;
    this.#schedule(delayMs);
  }

  /** Every lease starts again in full, as after a restart on the same data (§12). */
  restartAll(): void {
    for (const bucket of this.#buckets.values()) {
      for (const lease of bucket) if (!lease.revoked) this.renew(lease);
    }
  }

  close(): void {
    this.#buckets.clear();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #file(lease: Lease<T>): void {
    const index = Math.ceil((lease.endsMs + noticeMs) / bucketMs);
    const bucket = this.#buckets.get(index);
    if (bucket === undefined) this.#buckets.set(index, [lease]);
    else bucket.push(lease);
    if (this.#next === undefined || index < this.#next) {
      this.#next = index;
      this.#timer?.cancel();
      this.#timer = undefined;
    }
    if (this.#timer === undefined && !this.#paused) this.#schedule(0);
  }

  #schedule(leastMs: number): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#next === undefined) return;
    const waitMs = Math.max(leastMs, this.#next * bucketMs - this.#clock.monotonicMs());
    this.#timer = this.#clock.after(waitMs, () => this.#sweep());
  }

  #sweep(): void {
    this.#timer = undefined;
    const nowMs = this.#clock.monotonicMs();
    const due = [...this.#buckets.keys()]
      .filter((index) => index * bucketMs <= nowMs)
      .sort((left, right) => left - right);
    const ended: Lease<T>[] = [];
    for (const index of due) {
      const bucket = this.#buckets.get(index) ?? [];
      this.#buckets.delete(index);
      for (const lease of bucket) {
        if (lease.revoked) continue;
        if (lease.endsMs + noticeMs > nowMs) this.#file(lease);
        else ended.push(lease);
      }
    }
    this.#next = undefined;
    for (const index of this.#buckets.keys()) {
      if (this.#next === undefined || index < this.#next) this.#next = index;
    }
    for (const lease of ended) {
      lease.revoked = true;
      this.#onEnd(lease.owner);
    }
    if (!this.#paused) this.#schedule(0);
  }
}
