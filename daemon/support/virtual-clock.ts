// Time that moves only when told to: tests and simulations of hours run in milliseconds, and
// exactly alike each time.

import type { Clock, Timer } from './clock.ts';

interface Entry {
  readonly dueMs: number;
  readonly order: number;
  run: (() => void) | undefined;
}

/**
 * A clock moved by hand. Timers fire in the order of their due time, those of one instant in the
 * order in which they were set. `advance` is for code without promises; `advanceAsync` lets all
 * promise reactions run between two timers, so that code with `await` behaves as with real time.
 */
export class VirtualClock implements Clock {
  #elapsedMs = 0;
  #wallMs: number;
  #order = 0;
  /** A binary heap by (dueMs, order). Cancelled entries stay until they surface. */
  readonly #heap: Entry[] = [];

  /** @param wallMs what the wall clock shows at the start, milliseconds since 1970 */
  constructor(wallMs = 1_700_000_000_000) {
    this.#wallMs = wallMs;
  }

  nowMs(): number {
    return this.#wallMs + this.#elapsedMs;
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  after(delayMs: number, run: () => void): Timer {
    const entry: Entry = {
      dueMs: this.#elapsedMs + Math.max(0, delayMs),
      order: this.#order++,
      run,
    };
    this.#push(entry);
    return {
      cancel: () => {
        entry.run = undefined;
      },
    };
  }

  /** Moves the wall clock alone, as an administrator or NTP does. */
  jumpWallClock(deltaMs: number): void {
    this.#wallMs += deltaMs;
  }

  /** Timers that are waiting, cancelled ones not counted. */
  get pending(): number {
    return this.#heap.reduce((sum, entry) => sum + (entry.run === undefined ? 0 : 1), 0);
  }

  /** Moves time by `durationMs` and fires what falls due, without leaving the calling turn. */
  advance(durationMs: number): void {
    const endMs = this.#elapsedMs + durationMs;
    while (this.#fireNext(endMs));
    this.#elapsedMs = Math.max(this.#elapsedMs, endMs);
  }

  /** As `advance`, with all promise reactions run before the first timer and after each. */
  async advanceAsync(durationMs: number): Promise<void> {
    const endMs = this.#elapsedMs + durationMs;
    do await settled();
    while (this.#fireNext(endMs));
    this.#elapsedMs = Math.max(this.#elapsedMs, endMs);
  }

  /**
   * Moves time on, timer by timer, until `condition` holds. Gives false when `limitMs` have
   * passed without it (time then stands at the limit).
   */
  async runUntil(condition: () => boolean, limitMs: number): Promise<boolean> {
    const endMs = this.#elapsedMs + limitMs;
    do {
      await settled();
      if (condition()) return true;
    } while (this.#fireNext(endMs));
    this.#elapsedMs = Math.max(this.#elapsedMs, endMs);
    return condition();
  }

  #fireNext(endMs: number): boolean {
    for (;;) {
      const next = this.#heap[0];
      if (next === undefined || next.dueMs > endMs) return false;
      this.#pop();
      if (next.run === undefined) continue;
      this.#elapsedMs = Math.max(this.#elapsedMs, next.dueMs);
      const run = next.run;
      next.run = undefined;
      run();
      return true;
    }
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(entry);
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex];
      if (parent === undefined || isBefore(parent, entry)) break;
      heap[index] = parent;
      index = parentIndex;
    }
    heap[index] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      const left = heap[2 * index + 1];
      const right = heap[2 * index + 2];
      if (left === undefined) break;
      const useRight = right !== undefined && isBefore(right, left);
      const child = useRight ? right : left;
      if (isBefore(last, child)) break;
      heap[index] = child;
      index = 2 * index + (useRight ? 2 : 1);
    }
    heap[index] = last;
  }
}

function isBefore(left: Entry, right: Entry): boolean {
  return left.dueMs < right.dueMs || (left.dueMs === right.dueMs && left.order < right.order);
}

/** Resolves once every promise reaction that is ready, and those it makes ready, has run. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
