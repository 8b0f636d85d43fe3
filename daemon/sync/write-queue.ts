// Writes to the registry, in turn: the last intent per key wins, at most one write per key and
// window, new services before adds before updates before removals, as many at once as the registry
// takes.

import type { WriteFailure, WriteResult } from '../registry/driver.ts';
import { backoff, type Backoff } from '../support/backoff.ts';
import type { Clock, Timer } from '../support/clock.ts';
import { deadline } from '../support/deadline.ts';
import type { Random } from '../support/random.ts';
import { DeadlineQueue } from './deadline-queue.ts';
import { RateMeter } from './rate-meter.ts';
import { WriteBudget } from './write-budget.ts';

/** The order of writes: what comes first is done first. */
export const priorities = { make: 0, add: 1, update: 2, remove: 3, service: 4 } as const;

/** What a write is for the registry. Each kind of work has a pace of its own (write-budget.ts). */
export type WriteWork = 'service' | 'put' | 'remove';

/** One intent. What is written is worked out when it runs, from the state of then. */
export interface WriteJob {
  /** Identity of what is written; one write of a key at a time. */
  readonly key: string;
  readonly priority: number;
  readonly cluster: string;
  /** What the write aims at; writing the same again and again slows down. */
  readonly aim: string;
  /** What it is for the registry: latencies of the same work compare. */
  readonly work: WriteWork;
  /** Performs it; `undefined` when the state of now no longer asks for it. */
  run(signal: AbortSignal): Promise<WriteResult<unknown> | undefined>;
}

export interface WriteQueueOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** How many writes the driver puts into one call when that many are under way; 1 where missing. */
  readonly writesPerCall?: number;
  /** A write did not happen; `failure.retry` says whether it is tried again. */
  readonly failed: (job: WriteJob, failure: WriteFailure) => void;
  /** Something finished: the status changed. */
  readonly progressed: () => void;
}

/**
 * The window in which one instance is written at most once. Raising it makes storms of one instance
 * cheaper and its second change slower.
 */
export const writeWindowMs = 500;

/** What remains is estimated from the last seconds: an import begins slowly, and then runs. */
const etaSeconds = 3;

/** Writing the same content again waits twice as long each time, up to this. */
const maxRepeatWindowMs = 600_000;

const retryOptions = { initialMs: 500, maxMs: 30_000, factor: 2 };

/** A write that takes longer than this has failed. */
const writeTimeoutMs = 30_000;

interface KeyState {
  job: WriteJob | undefined;
  running: boolean;
  /** It waits in a lane. */
  listed: boolean;
  /** When the timer brings it back; `undefined`: it waits for no timer. */
  laterMs: number | undefined;
  notBeforeMs: number;
  lastWriteMs: number;
  lastAim: string;
  repeats: number;
  backoff: Backoff | undefined;
}

export class WriteQueue {
  readonly #options: WriteQueueOptions;
  readonly #budgets: Readonly<Record<WriteWork, WriteBudget>>;
  readonly #rate: RateMeter;
  readonly #keys = new Map<string, KeyState>();
  /** Keys that may run, first in first out per priority. */
  readonly #lanes = Object.values(priorities).map(() => new Set<string>());
  /** Keys that must wait for their time. */
  readonly #later = new DeadlineQueue<string>();
  readonly #abort = new AbortController();
  #waiting = 0;
  #inFlight = 0;
  #open = false;
  #timer: Timer | undefined;
  #timerDueMs = Number.POSITIVE_INFINITY;
  #sweepDueMs = 0;
  #idle: (() => void)[] = [];

  constructor(options: WriteQueueOptions) {
    this.#options = options;
    this.#rate = new RateMeter(options.clock);
    this.#budgets = {
      service: new WriteBudget(),
      put: new WriteBudget(options.writesPerCall),
      remove: new WriteBudget(options.writesPerCall),
    };
  }

  get waiting(): number {
    return this.#waiting;
  }
  get inFlight(): number {
    return this.#inFlight;
  }
  get writesPerSecond(): number {
    return this.#rate.perSecond();
  }
  /** How long what waits takes at the present rate; `undefined` when that is not known. */
  get etaMs(): number | undefined {
    const rate = this.#rate.perSecond(etaSeconds);
    const open = this.#waiting + this.#inFlight;
    return open === 0 || rate === 0 ? undefined : Math.round((1000 * open) / rate);
  }

  /** Lets writes happen, or holds them all (a follower, a registry not read yet). */
  setOpen(open: boolean): void {
    this.#open = open;
    this.#pump();
  }

  /** Puts an intent; it replaces an earlier one of its key that has not begun. */
  put(job: WriteJob): void {
    const state = this.#state(job.key);
    if (state.job === undefined) this.#waiting++;
    const repriced = state.listed && state.job !== undefined && state.job.priority !== job.priority;
    if (repriced && state.job !== undefined) {
      this.#lanes[state.job.priority]?.delete(job.key);
      state.listed = false;
    }
    if (state.job?.aim !== job.aim) state.backoff = undefined;
    state.job = job;
    this.#list(job.key, state);
    this.#pump();
  }

  /** Takes back an intent that has not begun. */
  cancel(key: string): void {
    const state = this.#keys.get(key);
    if (state?.job === undefined) return;
    this.#unlist(key, state);
    state.job = undefined;
    this.#waiting--;
    this.#settleIdle();
  }

  /** Takes back all intents that `matches` names. */
  cancelWhere(matches: (job: WriteJob) => boolean): void {
    for (const [key, { job }] of this.#keys) {
      if (job !== undefined && matches(job)) this.cancel(key);
    }
  }

  /** The intent of a key, or what is under way. */
  isPending(key: string): boolean {
    const state = this.#keys.get(key);
    return state !== undefined && (state.job !== undefined || state.running);
  }

  /** Why earlier attempts failed no longer holds: tries again now. */
  retryNow(): void {
    const nowMs = this.#options.clock.monotonicMs();
    for (const [key, state] of this.#keys) {
      if (state.backoff === undefined || state.job === undefined) continue;
      state.backoff = undefined;
      state.notBeforeMs = Math.max(nowMs, state.lastWriteMs + writeWindowMs);
      if (!state.running && !state.listed) this.#list(key, state);
    }
    this.#pump();
  }

  /** Waits until nothing is left or `limitMs` have passed, then ends what is under way. */
  async drain(limitMs: number): Promise<void> {
    if (this.#waiting + this.#inFlight > 0 && this.#open && limitMs > 0) {
      await new Promise<void>((resolve) => {
        const timer = this.#options.clock.after(limitMs, resolve);
        this.#idle.push(() => {
          timer.cancel();
          resolve();
        });
      });
    }
    this.#open = false;
    this.#timer?.cancel();
    this.#abort.abort(new Error('the syncer stops'));
    this.cancelWhere(() => true);
  }

  #state(key: string): KeyState {
    let state = this.#keys.get(key);
    if (state === undefined) {
      state = {
        job: undefined,
        running: false,
        listed: false,
        laterMs: undefined,
        notBeforeMs: 0,
        lastWriteMs: Number.NEGATIVE_INFINITY,
        lastAim: '',
        repeats: 0,
        backoff: undefined,
      };
      this.#keys.set(key, state);
    }
    return state;
  }

  /** Puts a key where it waits: into its lane, or among those whose time has not come. */
  #list(key: string, state: KeyState): void {
    const { job } = state;
    if (job === undefined || state.running) return;
    const window =
      job.aim === state.lastAim
        ? Math.min(maxRepeatWindowMs, writeWindowMs * 2 ** Math.min(state.repeats, 16))
        : writeWindowMs;
    const dueMs = Math.max(state.notBeforeMs, state.lastWriteMs + window);
    if (dueMs <= this.#options.clock.monotonicMs()) {
      this.#lanes[job.priority]?.add(key);
      state.listed = true;
    } else {
      this.#unlist(key, state);
      if (state.laterMs !== undefined && state.laterMs <= dueMs) return;
      state.laterMs = dueMs;
      this.#later.put(dueMs, key);
    }
  }

  #unlist(key: string, state: KeyState): void {
    if (!state.listed) return;
    if (state.job !== undefined) this.#lanes[state.job.priority]?.delete(key);
    state.listed = false;
  }

  #pump(): void {
    const nowMs = this.#options.clock.monotonicMs();
    for (let due = this.#later.takeDue(nowMs); due; due = this.#later.takeDue(nowMs)) {
      const state = this.#keys.get(due.item);
      if (state === undefined) continue;
      state.laterMs = undefined;
      if (!state.listed) this.#list(due.item, state);
    }
    if (this.#open) this.#begin();
    this.#sweep(nowMs);
    this.#arm();
  }

  /** Begins what may begin now; what comes first waits for its turn, and all that comes after it. */
  #begin(): void {
    for (const lane of this.#lanes) {
      for (const key of lane) {
        const state = this.#keys.get(key);
        if (state?.job === undefined) continue;
        if (this.#inFlight >= this.#budgets[state.job.work].limit) return;
        lane.delete(key);
        void this.#run(key, state, state.job);
      }
    }
  }

  async #run(key: string, state: KeyState, job: WriteJob): Promise<void> {
    const { clock } = this.#options;
    const startMs = clock.monotonicMs();
    const quiet = startMs - state.lastWriteMs > 60_000;
    state.repeats = job.aim === state.lastAim && !quiet ? state.repeats + 1 : 0;
    state.lastAim = job.aim;
    state.lastWriteMs = startMs;
    state.job = undefined;
    state.listed = false;
    state.running = true;
    this.#waiting--;
    this.#inFlight++;
    const result = await this.#perform(job);
    const full = this.#inFlight >= this.#budgets[job.work].limit;
    this.#inFlight--;
    state.running = false;
    const endMs = clock.monotonicMs();
    const latencyMs = endMs - startMs;
    // The registry may have taken it at any time until its answer: the window counts from there.
    state.lastWriteMs = endMs;
    if (result === undefined) {
      // Nothing was asked of the registry: this was no write.
      state.lastWriteMs = Number.NEGATIVE_INFINITY;
      state.backoff = undefined;
    } else if (result.ok) {
      this.#budgets[job.work].succeeded(latencyMs, full, endMs);
      this.#rate.count();
      state.backoff = undefined;
    } else {
      this.#afterFailure(state, job, result.failure, latencyMs);
    }
    this.#list(key, state);
    this.#options.progressed();
    this.#settleIdle();
    this.#pump();
  }

  async #perform(job: WriteJob): Promise<WriteResult<unknown> | undefined> {
    const { signal, release } = deadline(writeTimeoutMs, this.#abort.signal, this.#options.clock);
    try {
      return await job.run(signal);
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      return { ok: false, failure: { code: 'timeout', retry: true, detail } };
    } finally {
      release();
    }
  }

  #afterFailure(state: KeyState, job: WriteJob, failure: WriteFailure, latencyMs: number): void {
    const { clock, random, failed } = this.#options;
    const nowMs = clock.monotonicMs();
    if (failure.retry) {
      if (failure.code !== 'service-gone' && failure.code !== 'rights') {
        this.#budgets[job.work].failed(latencyMs, nowMs);
      }
      state.backoff ??= backoff(retryOptions, random);
      state.notBeforeMs = nowMs + state.backoff.nextMs();
      // A newer intent takes the place of the failed one, and its back-off with it.
      if (state.job === undefined && !this.#abort.signal.aborted) {
        state.job = job;
        this.#waiting++;
      }
    } else {
      state.backoff = undefined;
    }
    failed(job, failure);
  }

  #settleIdle(): void {
    if (this.#waiting + this.#inFlight > 0) return;
    for (const done of this.#idle.splice(0)) done();
  }

  /** Forgets keys whose last write is so long ago that it holds nothing back. */
  #sweep(nowMs: number): void {
    if (nowMs < this.#sweepDueMs) return;
    this.#sweepDueMs = nowMs + 60_000;
    for (const [key, state] of this.#keys) {
      const busy = state.job !== undefined || state.running;
      if (!busy && nowMs - state.lastWriteMs > 120_000) this.#keys.delete(key);
    }
  }

  #arm(): void {
    const dueMs = this.#later.nextMs;
    if (dueMs === undefined || this.#abort.signal.aborted) return;
    if (this.#timer !== undefined && this.#timerDueMs <= dueMs) return;
    this.#timer?.cancel();
    this.#timerDueMs = dueMs;
    const delayMs = Math.max(0, dueMs - this.#options.clock.monotonicMs());
    this.#timer = this.#options.clock.after(delayMs, () => {
      this.#timer = undefined;
      this.#pump();
    });
  }
}
