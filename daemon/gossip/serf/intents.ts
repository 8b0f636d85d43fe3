// A join or leave intent can arrive before the member that it is about: the newest per name waits
// here for a while (serf-wire.md §8).

import type { Clock } from '../../support/clock.ts';

export type IntentKind = 'join' | 'leave';

export interface Intent {
  readonly kind: IntentKind;
  readonly lTime: number;
  readonly atMs: number;
}

/** How long an intent waits for its member. */
const recentIntentTimeoutMs = 5 * 60_000;
/** Forged names must not fill the memory; the oldest give way. */
const maxIntents = 4096;

export class RecentIntents {
  readonly #clock: Clock;
  readonly #intents = new Map<string, Intent>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#intents.size;
  }

  /** Keeps an intent; false where an equal or newer one about the member is there already. */
  upsert(node: string, kind: IntentKind, lTime: number): boolean {
    const known = this.#intents.get(node);
    if (known !== undefined && known.lTime >= lTime) return false;
    this.#intents.delete(node);
    this.#intents.set(node, { kind, lTime, atMs: this.#clock.monotonicMs() });
    if (this.#intents.size > maxIntents) {
      const [oldest] = this.#intents.keys();
      if (oldest !== undefined) this.#intents.delete(oldest);
    }
    return true;
  }

  get(node: string): Intent | undefined {
    return this.#intents.get(node);
  }

  /** Forgets those that waited too long. */
  reap(): void {
    const limitMs = this.#clock.monotonicMs() - recentIntentTimeoutMs;
    for (const [node, intent] of this.#intents) {
      if (intent.atMs < limitMs) this.#intents.delete(node);
    }
  }
}
