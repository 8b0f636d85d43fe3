// Two ends of a stream in memory, with the delays, cuts and deadlines of their network.

import type { Clock, Timer } from '../../support/clock.ts';
import { StreamError, StreamTimeoutError, type Address, type Stream } from './transport.ts';

/** How bytes travel. */
export interface Courier {
  readonly clock: Clock;
  readonly delayMs: () => number;
  /** Both ways are passable; while they are not, bytes wait (as TCP's retransmission would). */
  readonly open: () => boolean;
}

interface End {
  readonly address: Address;
  readonly clock: Clock;
  readonly deadlineMs: number;
}

/** How long a sender waits before it tries a cut path again. */
const retransmitMs = 200;

/** The client's and the server's end. */
export function memoryStreamPair(
  courier: Courier,
  ends: { readonly client: End; readonly server: End },
): [MemoryStream, MemoryStream] {
  const near = new MemoryStream(courier, ends.client, ends.server.address);
  const far = new MemoryStream(courier, ends.server, ends.client.address);
  near.peer = far;
  far.peer = near;
  return [near, far];
}

export class MemoryStream implements Stream {
  readonly remote: Address;
  peer: MemoryStream | undefined;
  readonly #courier: Courier;
  readonly #clock: Clock;
  readonly #deadline: Timer;
  readonly #arrived: Uint8Array[] = [];
  readonly #closeListeners: (() => void)[] = [];
  /** What is on its way to the peer, in order. */
  readonly #outbox: (() => void)[] = [];
  #underway = false;
  #ended = false;
  #failure: StreamError | undefined;
  #wake: (() => void)[] = [];

  constructor(courier: Courier, own: End, remote: Address) {
    this.#courier = courier;
    this.#clock = own.clock;
    this.remote = remote;
    this.#deadline = own.clock.after(Math.max(0, own.deadlineMs - own.clock.monotonicMs()), () =>
      this.#close(new StreamTimeoutError(`no end of the exchange with ${remote.host} in time`)),
    );
  }

  onClose(listener: () => void): void {
    this.#closeListeners.push(listener);
  }

  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      const chunk = this.#arrived.shift();
      if (chunk !== undefined) return chunk;
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const copy = new Uint8Array(bytes);
    this.#post((peer) => peer.#receive(copy));
  }

  end(): void {
    this.#post((peer) => peer.#finish());
  }

  destroy(): void {
    this.#close(new StreamError('ECANCELED', 'the stream was closed'));
  }

  #post(deliver: (peer: MemoryStream) => void): void {
    const { peer } = this;
    if (peer === undefined) return;
    this.#outbox.push(() => peer.#clock.after(0, () => deliver(peer)));
    this.#carry();
  }

  #carry(): void {
    if (this.#underway || this.#outbox.length === 0) return;
    this.#underway = true;
    const { clock, delayMs, open } = this.#courier;
    const travel = (waitMs: number): void => {
      clock.after(waitMs, () => {
        if (!open() && this.#failure === undefined) {
          travel(retransmitMs);
          return;
        }
        if (open()) for (const deliver of this.#outbox) deliver();
        this.#outbox.length = 0;
        this.#underway = false;
      });
    };
    travel(delayMs());
  }

  #receive(bytes: Uint8Array): void {
    if (this.#failure === undefined) this.#arrived.push(bytes);
    this.#notify();
  }

  #finish(): void {
    this.#ended = true;
    this.#notify();
  }

  #close(failure: StreamError): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    this.#deadline.cancel();
    this.#post((peer) => peer.#finish());
    this.#notify();
    for (const listener of this.#closeListeners) listener();
  }

  #notify(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }
}
