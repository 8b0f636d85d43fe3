// Keeps the leases of copies alive: each is renewed when a third of it has passed, in batches,
// spread over that third so that no second carries more than its share.

import type { InstanceRef, RegistryDriver } from '../registry/driver.ts';
import type { Clock, Timer } from '../support/clock.ts';
import { deadline } from '../support/deadline.ts';
import { randomInt, type Random } from '../support/random.ts';

/** The part of a lease after which it is renewed. Raising it saves writes and nears the end. */
const renewalShare = 1 / 3;

/** A renewal later than this part of the lease counts as late. */
const lateShare = 2 / 3;

/** Renewals fall due in slots of this length, so that they fill batches. */
const slotMs = 1000;

/** Batches that are under way at once. */
const maxBatches = 2;

/** A batch that the registry did not take is sent again after this. */
const retryMs = 2000;

/** A batch that takes longer than this has failed. */
const batchTimeoutMs = 20_000;

/**
 * After a start nobody knows how old a lease is: every copy is renewed within this time, or a sixth
 * of its lease where that is shorter.
 */
const startSpreadMs = 30_000;

/** When the registry may have lost its data, every copy is asked for within this time. */
const doubtSpreadMs = 2_000;

interface Lease {
  readonly ref: InstanceRef;
  leaseMs: number;
  /** When it was last renewed by us; `undefined`: by an earlier process. */
  renewedMs: number | undefined;
  slot: number;
}

export interface LeaseKeeperOptions {
  readonly driver: Pick<RegistryDriver, 'renew' | 'renewBatchSize'>;
  readonly clock: Clock;
  readonly random: Random;
  /** The registry no longer knows these: they must be registered again. */
  missing(refs: readonly InstanceRef[]): void;
}

export interface LeaseFigures {
  readonly kept: number;
  readonly inTimeShare: number | undefined;
  readonly lastRoundMs: number | undefined;
}

export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions;
  readonly #leases = new Map<string, Lease>();
  /** Leases by the slot in which they fall due. */
  readonly #slots = new Map<number, Set<Lease>>();
  readonly #abort = new AbortController();
  #running = false;
  #timer: Timer | undefined;
  #firstSlot = 0;
  #batches = 0;
  #waiting: Lease[] = [];
  readonly #inTime = { renewed: 0, total: 0 };
  #lastShare: number | undefined;
  #roundStartMs: number | undefined;
  #lastRoundMs: number | undefined;

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
  }

  /** Renews while true (the leader does, whatever is paused). */
  setRunning(running: boolean): void {
    if (running === this.#running) return;
    this.#running = running;
    this.#timer?.cancel();
    if (!running) return;
    const nowMs = this.#now();
    this.#firstSlot = Math.floor(nowMs / slotMs);
    // Whoever kept them until now may have stopped: all within a short while.
    for (const lease of this.#leases.values()) this.#scheduleFirst(lease);
    this.#tick();
  }

  /** The registry was away, or looks empty: what it has lost is found by renewing all soon. */
  renewSoon(): void {
    if (!this.#running) return;
    for (const lease of this.#leases.values()) {
      const spreadMs = Math.min(doubtSpreadMs, lease.leaseMs / 6);
      this.#schedule(lease, this.#now() + randomInt(this.#options.random, spreadMs));
    }
  }

  /** A copy is in the registry with this lease; `written`: we registered it just now. */
  keep(ref: InstanceRef, leaseSeconds: number, written: boolean): void {
    const id = leaseId(ref);
    let lease = this.#leases.get(id);
    if (lease === undefined) {
      lease = { ref, leaseMs: leaseSeconds * 1000, renewedMs: undefined, slot: -1 };
      this.#leases.set(id, lease);
      if (!written) this.#scheduleFirst(lease);
    } else if (lease.leaseMs !== leaseSeconds * 1000) {
      const shorter = leaseSeconds * 1000 < lease.leaseMs;
      lease.leaseMs = leaseSeconds * 1000;
      if (shorter && !written) this.#scheduleFirst(lease);
    }
    if (written) this.#renewed(lease, this.#now());
  }

  forget(ref: InstanceRef): void {
    const id = leaseId(ref);
    const lease = this.#leases.get(id);
    if (lease === undefined) return;
    this.#unschedule(lease);
    this.#leases.delete(id);
  }

  /** When the lease ends if nobody renews it, monotonic milliseconds; `undefined`: not known. */
  endsAtMonotonicMs(ref: InstanceRef): number | undefined {
    const lease = this.#leases.get(leaseId(ref));
    return lease?.renewedMs === undefined ? undefined : lease.renewedMs + lease.leaseMs;
  }

  figures(): LeaseFigures {
    return {
      kept: this.#leases.size,
      inTimeShare: this.#lastShare,
      lastRoundMs: this.#lastRoundMs,
    };
  }

  stop(): void {
    this.setRunning(false);
    this.#abort.abort(new Error('the syncer stops'));
  }

  #now(): number {
    return this.#options.clock.monotonicMs();
  }

  #scheduleFirst(lease: Lease): void {
    const spreadMs = Math.min(startSpreadMs, lease.leaseMs / 6);
    this.#schedule(lease, this.#now() + randomInt(this.#options.random, spreadMs));
  }

  #renewed(lease: Lease, atMs: number): void {
    lease.renewedMs = atMs;
    const dueMs = lease.leaseMs * renewalShare * (0.9 + 0.2 * this.#options.random.next());
    this.#schedule(lease, atMs + dueMs);
  }

  #schedule(lease: Lease, dueMs: number): void {
    this.#unschedule(lease);
    lease.slot = Math.max(this.#firstSlot, Math.floor(dueMs / slotMs));
    const slot = this.#slots.get(lease.slot);
    if (slot === undefined) this.#slots.set(lease.slot, new Set([lease]));
    else slot.add(lease);
  }

  #unschedule(lease: Lease): void {
    const slot = this.#slots.get(lease.slot);
    if (slot === undefined) return;
    slot.delete(lease);
    if (slot.size === 0) this.#slots.delete(lease.slot);
  }

  #tick(): void {
    if (!this.#running) return;
    const nowSlot = Math.floor(this.#now() / slotMs);
    for (; this.#firstSlot <= nowSlot; this.#firstSlot++) {
      const due = this.#slots.get(this.#firstSlot);
      if (due === undefined) continue;
      this.#slots.delete(this.#firstSlot);
      for (const lease of due) this.#waiting.push(lease);
    }
    if (this.#waiting.length > 0 && this.#batches === 0) this.#roundStartMs ??= this.#now();
    // The nearest end of a lease goes first.
    this.#waiting.sort((left, right) => endOf(left) - endOf(right));
    this.#pump();
    this.#timer = this.#options.clock.after(slotMs, () => this.#tick());
  }

  #pump(): void {
    while (this.#running && this.#batches < maxBatches && this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#options.driver.renewBatchSize);
      const alive = batch.filter((lease) => this.#leases.get(leaseId(lease.ref)) === lease);
      if (alive.length > 0) void this.#renew(alive);
    }
    if (this.#batches === 0 && this.#waiting.length === 0 && this.#roundStartMs !== undefined) {
      this.#lastRoundMs = Math.round(this.#now() - this.#roundStartMs);
      this.#roundStartMs = undefined;
      const { renewed, total } = this.#inTime;
      if (total > 0) this.#lastShare = renewed / total;
      this.#inTime.renewed = 0;
      this.#inTime.total = 0;
    }
  }

  async #renew(batch: readonly Lease[]): Promise<void> {
    this.#batches++;
    const sentMs = this.#now();
    const { signal, release } = deadline(batchTimeoutMs, this.#abort.signal, this.#options.clock);
    try {
      const refs = batch.map(({ ref }) => ref);
      const result = await this.#options.driver.renew(refs, signal);
      if (!result.ok) this.#again(batch);
      else this.#done(batch, result.value.missing, sentMs);
    } catch {
      // An aborted call: the registry did not answer in time, or we stop.
      this.#again(batch);
    } finally {
      release();
      this.#batches--;
      this.#pump();
    }
  }

  #done(batch: readonly Lease[], missing: readonly InstanceRef[], sentMs: number): void {
    const gone = new Set(missing.map(leaseId));
    for (const lease of batch) {
      const id = leaseId(lease.ref);
      if (this.#leases.get(id) !== lease) continue;
      this.#inTime.total++;
      const inTime =
        lease.renewedMs === undefined || sentMs - lease.renewedMs <= lease.leaseMs * lateShare;
      if (gone.has(id)) {
        this.#leases.delete(id);
      } else {
        if (inTime) this.#inTime.renewed++;
        this.#renewed(lease, sentMs);
      }
    }
    if (missing.length > 0) this.#options.missing(missing);
  }

  #again(batch: readonly Lease[]): void {
    const dueMs = this.#now() + retryMs;
    for (const lease of batch) {
      if (this.#leases.get(leaseId(lease.ref)) === lease) this.#schedule(lease, dueMs);
    }
  }
}

function endOf(lease: Lease): number {
  return lease.renewedMs === undefined ? 0 : lease.renewedMs + lease.leaseMs;
}

function leaseId(ref: Pick<InstanceRef, 'serviceId' | 'instanceId'>): string {
  return `${ref.serviceId}/${ref.instanceId}`;
}
