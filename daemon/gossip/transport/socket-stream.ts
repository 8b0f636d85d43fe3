// A TCP connection as a `Stream`: pulled, not pushed, so that what is not read stays in the
// kernel; and with one deadline for everything that happens on it.

import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../support/clock.ts';
import { StreamError, StreamTimeoutError, type Address, type Stream } from './transport.ts';

export class SocketStream implements Stream {
  readonly remote: Address;
  readonly #socket: Socket;
  readonly #deadline: Timer;
  #failure: StreamError | undefined;
  #ended = false;
  /** Who waits for something to happen on the socket. */
  #wake: (() => void)[] = [];

  constructor(clock: Clock, socket: Socket, remote: Address, deadlineMs: number) {
    this.#socket = socket;
    this.remote = remote;
    this.#deadline = clock.after(Math.max(0, deadlineMs - clock.monotonicMs()), () => {
      this.#fail(new StreamTimeoutError(`no end of the exchange with ${remote.host} in time`));
      socket.destroy();
    });
    socket.on('readable', () => this.#notify());
    socket.on('connect', () => this.#notify());
    socket.on('end', () => {
      this.#ended = true;
      this.#notify();
    });
    socket.on('error', (error: NodeJS.ErrnoException) =>
      this.#fail(new StreamError(error.code ?? 'EIO', error.message)),
    );
    socket.on('close', () => {
      this.#deadline.cancel();
      this.#ended = true;
      this.#notify();
    });
  }

  /** Resolves once connected; rejects as `read` does. */
  async connected(): Promise<void> {
    while (this.#socket.connecting) {
      if (this.#failure !== undefined) throw this.#failure;
      await this.#something();
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      const chunk = this.#socket.read() as Uint8Array | null;
      if (chunk !== null) return chunk;
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#ended) return undefined;
      await this.#something();
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    await new Promise<void>((resolve, reject) => {
      this.#socket.write(bytes, (error) => {
        if (error === undefined || error === null) resolve();
        else reject(this.#failure ?? new StreamError('EPIPE', error.message));
      });
    });
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#deadline.cancel();
    this.#failure ??= new StreamError('ECANCELED', 'the stream was closed');
    this.#socket.destroy();
    this.#notify();
  }

  #fail(error: StreamError): void {
    this.#failure ??= error;
    this.#notify();
  }

  #something(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  #notify(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }
}
