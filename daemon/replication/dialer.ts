// Keeps one stream to a peer open: tries its addresses in turn, waits longer after each round of
// failures, and begins anew when it ends.

import { backoff } from '../support/backoff.ts';
import type { Backoff } from '../support/backoff.ts';
import { sleep } from '../support/clock.ts';
import type { Clock } from '../support/clock.ts';
import type { Logger } from '../support/logger.ts';
import type { Random } from '../support/random.ts';
import type { StreamEnd } from './frames.ts';

export interface DialerOptions {
  readonly addresses: readonly string[];
  /** Opens a stream to an address and runs it; resolves with its end. */
  attempt(address: string, signal: AbortSignal): Promise<StreamEnd>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** The first and the longest wait between rounds: a returning peer is found within 10 s, ±20 %. */
const waits = { initialMs: 100, maxMs: 10_000, factor: 2 } as const;
/** A stream that lasted this long was a success: the next failure is the first one again. */
const provenMs = 5_000;
/** What will not change by asking again soon. */
const slowMs = 5_000;

export class Dialer {
  readonly #options: DialerOptions;
  readonly #backoff: Backoff;
  readonly #stop = new AbortController();
  #addresses: readonly string[];
  #next = 0;
  #wake = new AbortController();
  #lastReason = '';

  constructor(options: DialerOptions) {
    this.#options = options;
    this.#addresses = options.addresses;
    this.#backoff = backoff(waits, options.random);
  }

  start(): void {
    void this.#run();
  }

  /** Takes other addresses; a stream that is open stays. */
  update(addresses: readonly string[]): void {
    if (addresses.join() === this.#addresses.join()) return;
    this.#addresses = addresses;
    this.#next = 0;
    this.#wake.abort();
  }

  stop(): void {
    this.#stop.abort();
    this.#wake.abort();
  }

  async #run(): Promise<void> {
    const { clock, logger } = this.#options;
    while (!this.#stop.signal.aborted) {
      const address = this.#addresses[this.#next % Math.max(1, this.#addresses.length)];
      if (address === undefined) {
        await this.#pause(waits.maxMs);
        continue;
      }
      const startedMs = clock.monotonicMs();
      const end = await this.#options.attempt(address, this.#stop.signal);
      if (this.#isStopped()) return;
      const reason = `${end.code}: ${end.reason}`;
      // The same complaint every few seconds would bury everything else.
      if (reason === this.#lastReason) logger.debug({ address, ...end }, 'stream ended again');
      else logger.info({ address, ...end }, 'stream ended');
      this.#lastReason = reason;
      if (clock.monotonicMs() - startedMs > provenMs) {
        this.#backoff.reset();
        this.#lastReason = '';
      }
      await this.#pause(this.#waitMs(end));
    }
  }

  /** Chooses the next address and gives how long to wait before it is tried. */
  #waitMs(end: StreamEnd): number {
    const waitMs = this.#backoff.nextMs();
    switch (end.code) {
      case 'duplicate':
        return slowMs;
      case 'version':
      case 'wrong-cluster':
      case 'unknown-cluster':
      case 'protocol':
      case 'bad-snapshot':
      case 'record-too-large':
      case 'left':
        this.#next++;
        return Math.max(waitMs, slowMs * 0.2);
      case 'goodbye':
      case 'lost':
      case 'silent':
      case 'replaced':
      case 'stopped':
        this.#next++;
        return waitMs;
    }
  }

  async #pause(waitMs: number): Promise<void> {
    this.#wake = new AbortController();
    await sleep(this.#options.clock, waitMs, this.#wake.signal).catch(() => undefined);
  }

  #isStopped(): boolean {
    return this.#stop.signal.aborted;
  }
}
