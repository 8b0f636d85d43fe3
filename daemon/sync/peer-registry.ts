// The peers that we know of, and what is kept about them between runs: when each was last heard,
// and which are paused.

import type { StateStore } from '../store/ports.ts';
import type { Clock } from '../support/clock.ts';
import { PeerState, type PeerObserver } from './peer-state.ts';

const heardPrefix = 'peer-heard/';
const pausedPrefix = 'paused/';
const pausedAllKey = 'paused-all';

/** How often the last sign of life is kept. A restart takes it for this much later than kept. */
const keepIntervalMs = 10_000;

export class PeerRegistry {
  readonly #store: StateStore;
  readonly #clock: Clock;
  readonly #observer: PeerObserver;
  readonly #peers = new Map<string, PeerState>();
  readonly #heard = new Map<string, number>();
  readonly #paused = new Set<string>();
  #pausedAll = false;

  constructor(store: StateStore, clock: Clock, observer: PeerObserver) {
    this.#store = store;
    this.#clock = clock;
    this.#observer = observer;
  }

  load(state: ReadonlyMap<string, string>): void {
    for (const [key, value] of state) {
      if (key.startsWith(heardPrefix)) this.#heard.set(key.slice(heardPrefix.length), +value);
      if (key.startsWith(pausedPrefix)) this.#paused.add(key.slice(pausedPrefix.length));
      if (key === pausedAllKey) this.#pausedAll = true;
    }
  }

  get all(): ReadonlyMap<string, PeerState> {
    return this.#peers;
  }

  /** Gives the peer's state, made on first use. */
  get(cluster: string): PeerState {
    let peer = this.#peers.get(cluster);
    if (peer === undefined) {
      const keptMs = this.#heard.get(cluster);
      // What was heard after the last time of keeping must not be taken off the grace.
      const heardMs =
        keptMs === undefined ? undefined : Math.min(this.#clock.nowMs(), keptMs + keepIntervalMs);
      peer = new PeerState(cluster, heardMs, this.#clock, this.#observer);
      this.#peers.set(cluster, peer);
    }
    return peer;
  }

  /** Keeps when each peer was last heard; call it at least each `keepIntervalMs`. */
  keepHeard(): void {
    for (const [cluster, { lastHeardMs }] of this.#peers) {
      const kept = this.#heard.get(cluster);
      if (lastHeardMs === undefined || lastHeardMs === kept) continue;
      if (kept !== undefined && Math.abs(lastHeardMs - kept) < keepIntervalMs) continue;
      this.#heard.set(cluster, lastHeardMs);
      this.#store.putState(heardPrefix + cluster, String(lastHeardMs));
    }
  }

  get pausedAll(): boolean {
    return this.#pausedAll;
  }
  isPaused(cluster: string): boolean {
    return this.#pausedAll || this.#paused.has(cluster);
  }
  pause(cluster: string | undefined): void {
    if (cluster === undefined) {
      this.#pausedAll = true;
      this.#store.putState(pausedAllKey, 'true');
    } else {
      this.#paused.add(cluster);
      this.#store.putState(pausedPrefix + cluster, 'true');
    }
  }
  /** Resumes one peer, or lifts the pause of all and of each. */
  resume(cluster: string | undefined): void {
    const clusters = cluster === undefined ? [...this.#paused] : [cluster];
    for (const each of clusters) {
      if (this.#paused.delete(each)) this.#store.deleteState(pausedPrefix + each);
    }
    if (cluster === undefined && this.#pausedAll) {
      this.#pausedAll = false;
      this.#store.deleteState(pausedAllKey);
    }
  }
}
