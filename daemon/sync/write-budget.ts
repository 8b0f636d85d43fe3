// How many writes the registry takes at once, learnt from how long it answers: as many as it works on
// side by side, and few that wait in front of it. By Little's law what is under way is rate × latency;
// beyond what the registry works on, more under way is only more latency, for us and for applications.
// So the latency of few at once, measured again every few seconds, is what the present one is held to.

/**
 * Most calls at once. Beyond some tens a registry only queues them (servicecenter-api.md §6:
 * 32 connections bring a ServiceCenter to its limit).
 */
const mostCalls = 64;
/** Writes at once before anything is known: what changes together goes out together. */
const firstWrites = 8;
/**
 * How much longer than unhurried an answer may take: so many times, or by so much where that is more.
 * Raising these fills a registry of varying latency better, and makes its applications wait longer.
 */
const allowed = { factor: 1.75, addedMs: 2 };
/** Answers that make one judgement. Raising it judges more surely and later. */
const samples = { opening: 8, measuring: 24, steady: 32 };
/** Most that one judgement changes. */
const steepest = { up: 1.5, down: 0.7 };
/** An unhurried answer is measured with this part of the calls. */
const measuringShare = 1 / 8;
/**
 * It is measured again after the first time, then half as often each time down to the last: a registry that has
 * just been started becomes quicker. And not more often than costs this part of the time. Raising these
 * spares the short dips and believes longer in a registry as it was.
 */
const measureAgain = { firstMs: 250, lastMs: 4_000, timesItself: 20 };
/** After so long without a queue of writes the registry is got to know anew. */
const idleMs = 2_000;

type Phase =
  /** Nothing is known, and nothing is asked: some writes together are no import yet. */
  | 'first'
  /** What an unhurried answer takes. */
  | 'measuring'
  /** Twice as many each time, until answers take longer. */
  | 'opening'
  | 'steady';

export class WriteBudget {
  readonly #writesPerCall: number;
  #phase: Phase = 'first';
  #calls: number;
  /** What `measuring` comes back to; `undefined`: to the opening. */
  #before: number | undefined;
  #unhurriedMs = Number.POSITIVE_INFINITY;
  /** Latencies of writes that were sent since `#sinceMs`, under the present limit. */
  #latencies: number[] = [];
  #sinceMs = Number.NEGATIVE_INFINITY;
  #measuring = { sinceMs: 0, againAtMs: 0, everyMs: measureAgain.firstMs };
  #fullAtMs = Number.NEGATIVE_INFINITY;

  /** `writesPerCall`: how many writes the driver puts into one call when that many wait. */
  constructor(writesPerCall = 1) {
    this.#writesPerCall = writesPerCall;
    this.#calls = Math.max(1, firstWrites / writesPerCall);
  }

  /** Writes that may be under way. */
  get limit(): number {
    return Math.max(1, Math.floor(this.#calls)) * this.#writesPerCall;
  }

  /**
   * The registry took a write, `latencyMs` after it was sent. `full`: as many were under way as may be;
   * what was sent with less tells nothing of a limit.
   */
  succeeded(latencyMs: number, full: boolean, nowMs: number): void {
    if (!full) return;
    if (nowMs - this.#fullAtMs > idleMs) this.#restart(nowMs);
    this.#fullAtMs = nowMs;
    if (nowMs - latencyMs < this.#sinceMs) return;
    this.#latencies.push(latencyMs);
    if (this.#latencies.length >= this.#enough()) this.#judge(medianOf(this.#latencies), nowMs);
  }

  /** The registry failed at a write, or did not answer: half as many, at most once per latency. */
  failed(latencyMs: number, nowMs: number): void {
    if (nowMs - latencyMs < this.#sinceMs) return;
    if (this.#phase === 'first') this.#restart(nowMs);
    const calls = this.#phase === 'measuring' ? (this.#before ?? this.#calls) : this.#calls;
    this.#phase = 'steady';
    this.#set(calls / 2, nowMs);
  }

  #restart(nowMs: number): void {
    this.#phase = 'first';
    this.#before = undefined;
    this.#unhurriedMs = Number.POSITIVE_INFINITY;
    this.#measuring.everyMs = measureAgain.firstMs;
    this.#set(firstWrites / this.#writesPerCall, nowMs);
    // The write that shows the queue was itself sent before it.
    this.#sinceMs = Number.NEGATIVE_INFINITY;
  }

  #enough(): number {
    if (this.#phase === 'first') return 2 * this.limit;
    const isFirst = this.#phase === 'measuring' && this.#before === undefined;
    // Of each place under way one answer, at least.
    return Math.max(this.limit, samples[isFirst ? 'opening' : this.#phase]);
  }

  #judge(latencyMs: number, nowMs: number): void {
    switch (this.#phase) {
      case 'first':
        this.#measure(1, nowMs);
        return;
      case 'measuring':
        this.#unhurriedMs = latencyMs;
        this.#measured(nowMs);
        this.#phase = this.#before === undefined ? 'opening' : 'steady';
        this.#set(this.#before ?? this.#calls * 2, nowMs);
        return;
      case 'opening':
        // Halfway there, twice as many would be beyond it.
        if (latencyMs <= (this.#unhurriedMs + this.#allowedMs()) / 2) {
          this.#set(this.#calls * 2, nowMs);
          return;
        }
        this.#phase = 'steady';
        this.#set(this.#calls * Math.max(0.5, this.#allowedMs() / latencyMs), nowMs);
        return;
      case 'steady':
        // One call at a time waits for nothing of ours.
        this.#unhurriedMs = this.#calls <= 1 ? latencyMs : Math.min(this.#unhurriedMs, latencyMs);
        // Far beyond: the registry is another one than it was, or is worn out. Which, few at once show.
        if (latencyMs > this.#allowedMs() * 2) {
          this.#before = this.#calls * steepest.down;
          this.#measure(this.#calls * measuringShare, nowMs);
          return;
        }
        if (nowMs > this.#measuring.againAtMs) {
          this.#before = this.#calls;
          this.#measure(this.#calls * measuringShare, nowMs);
          return;
        }
        this.#set(
          this.#calls * clamp(this.#allowedMs() / latencyMs, steepest.down, steepest.up),
          nowMs,
        );
    }
  }

  #measure(calls: number, nowMs: number): void {
    this.#phase = 'measuring';
    this.#measuring.sinceMs = nowMs;
    this.#set(calls, nowMs);
  }

  #measured(nowMs: number): void {
    const { sinceMs, everyMs } = this.#measuring;
    const waitMs = Math.max(everyMs, (nowMs - sinceMs) * measureAgain.timesItself);
    this.#measuring.againAtMs = nowMs + waitMs;
    this.#measuring.everyMs = Math.min(measureAgain.lastMs, everyMs * 2);
  }

  #allowedMs(): number {
    return Math.max(this.#unhurriedMs * allowed.factor, this.#unhurriedMs + allowed.addedMs);
  }

  #set(calls: number, nowMs: number): void {
    this.#calls = clamp(calls, 1, mostCalls);
    this.#latencies = [];
    this.#sinceMs = nowMs;
  }
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[sorted.length >> 1] ?? 0;
}
