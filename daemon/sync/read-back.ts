// Proves with the registry's own answer that a written copy is readable, and so measures the lag of
// its edge. Sampled: reading every write back would double the registry's work.

import type { Instance } from '../model/service.ts';
import type { InstanceRef, RegistryDriver } from '../registry/driver.ts';
import { sleep, type Clock } from '../support/clock.ts';
import { copyHash } from './copy.ts';
import { LagMeter } from './lag.ts';
import type { PeerInstance } from './peer-records.ts';
import type { PeerState } from './peer-state.ts';

/** Samples a second and peer, at most. Raising it measures more and reads more. */
const samplesPerSecond = 4;

/** A copy that is not readable after these waits is no sample: its write has its own audit. */
const waitsMs = [0, 20, 50, 100, 200, 400, 800, 1600];

export class ReadBack {
  readonly #driver: Pick<RegistryDriver, 'readInstance' | 'normalise'>;
  readonly #clock: Clock;
  readonly #meters = new Map<string, LagMeter>();
  readonly #nextMs = new Map<string, number>();
  readonly #abort = new AbortController();

  constructor(driver: Pick<RegistryDriver, 'readInstance' | 'normalise'>, clock: Clock) {
    this.#driver = driver;
    this.#clock = clock;
  }

  meter(cluster: string): LagMeter {
    let meter = this.#meters.get(cluster);
    if (meter === undefined) this.#meters.set(cluster, (meter = new LagMeter(this.#clock)));
    return meter;
  }

  /** A copy was written as `hash` says; perhaps reads it back. */
  written(peer: PeerState, source: PeerInstance, ref: InstanceRef, hash: number): void {
    // What came in a snapshot is as old as it is: its age says nothing of the way here.
    if (source.receivedAtMs === 0 || peer.clockOffsetMs === undefined) return;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs < (this.#nextMs.get(peer.cluster) ?? 0)) return;
    this.#nextMs.set(peer.cluster, nowMs + 1000 / samplesPerSecond);
    void this.#sample(peer, source.originTimeMs - peer.clockOffsetMs, ref, hash);
  }

  stop(): void {
    this.#abort.abort(new Error('the syncer stops'));
  }

  async #sample(peer: PeerState, changedMs: number, ref: InstanceRef, hash: number): Promise<void> {
    const { signal } = this.#abort;
    try {
      for (const waitMs of waitsMs) {
        if (waitMs > 0) await sleep(this.#clock, waitMs, signal);
        const answer = await this.#driver.readInstance(ref, signal);
        if (answer.ok && answer.value !== undefined && this.#equals(answer.value, hash)) {
          this.meter(peer.cluster).add(this.#clock.nowMs() - changedMs);
          return;
        }
      }
    } catch (error) {
      // Stopping ends a sample; anything else is the driver's mistake.
      if (!signal.aborted) throw error;
    }
  }

  #equals(found: Instance, hash: number): boolean {
    return copyHash(this.#driver.normalise(found)) === hash;
  }
}
