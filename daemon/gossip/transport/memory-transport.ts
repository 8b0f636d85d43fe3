// A network in memory for simulation: datagrams and streams between hosts, with loss, delay,
// duplication, reordering, one-way cuts and paused hosts. All by the given clock and random
// numbers, so that a run replays exactly.

import type { Clock } from '../../support/clock.ts';
import { randomInt, type Random } from '../../support/random.ts';
import { memoryStreamPair, type Courier } from './memory-stream.ts';
import {
  StreamError,
  StreamTimeoutError,
  type Address,
  type OpenTransport,
  type Stream,
  type Transport,
  type TransportHandlers,
} from './transport.ts';

/** What happens to datagrams on their way. Streams are delayed and cut, never lost. */
export interface Weather {
  /** Share of datagrams that never arrive, 0 to 1. */
  readonly loss: number;
  /** Share of datagrams that arrive twice. */
  readonly duplication: number;
  /** One way; each datagram takes a random time between the two, which reorders them. */
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
}

/** A local network on a good day. */
export const fairWeather: Weather = { loss: 0, duplication: 0, minDelayMs: 1, maxDelayMs: 3 };

interface Host {
  readonly local: Address;
  readonly clock: Clock;
  readonly handlers: TransportHandlers;
  readonly streams: Set<Stream>;
  streamsRefused: number;
  readonly maxStreams: number;
  readonly streamTimeoutMs: number;
}

export class MemoryNetwork {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #hosts = new Map<string, Host>();
  readonly #cuts = new Set<string>();
  /** Names → addresses, for `resolve`. */
  readonly names = new Map<string, readonly string[]>();
  weather: Weather = fairWeather;
  /** Loss in one direction, `from>to` → share. */
  readonly pathLoss = new Map<string, number>();
  datagrams = 0;
  bytes = 0;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** The transport of one host; `clock` may be one that stands still while the host is paused. */
  transport(clock: Clock): OpenTransport {
    return async (bind, handlers) => {
      const local = { host: bind.host, port: bind.port === 0 ? 7946 : bind.port };
      if (this.#hosts.has(key(local))) throw new Error(`${key(local)} is in use`);
      const { maxStreams, streamTimeoutMs } = bind;
      const host: Host = {
        local,
        clock,
        handlers,
        streams: new Set(),
        streamsRefused: 0,
        maxStreams,
        streamTimeoutMs,
      };
      this.#hosts.set(key(local), host);
      return new MemoryTransport(this, host);
    };
  }

  /** Nothing of `from` reaches `to` any more. */
  cut(from: string, to: string): void {
    this.#cuts.add(`${from}>${to}`);
  }

  /** Everything reaches everybody again, with the weather. */
  heal(): void {
    this.#cuts.clear();
    this.pathLoss.clear();
  }

  isCut(from: string, to: string): boolean {
    return this.#cuts.has(`${from}>${to}`);
  }

  /** Sends a datagram into the weather. */
  send(from: Address, to: Address, bytes: Uint8Array): void {
    this.datagrams += 1;
    this.bytes += bytes.length;
    const loss = this.pathLoss.get(`${from.host}>${to.host}`) ?? this.weather.loss;
    const copies = this.#random.next() < this.weather.duplication ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      if (this.#random.next() < loss || this.isCut(from.host, to.host)) continue;
      // A copy: the receiver may keep what it gets.
      const datagram = new Uint8Array(bytes);
      this.#clock.after(this.#delayMs(), () => {
        const host = this.#hosts.get(key(to));
        if (host !== undefined) arrive(host, () => host.handlers.datagram(datagram, from));
      });
    }
  }

  /** Connects two hosts, if both ways are open. */
  async dial(client: Host, to: Address, deadlineMs: number): Promise<Stream> {
    const path = { from: client.local.host, to: to.host };
    await this.#pass(2 * this.#delayMs());
    const open = (): boolean => !this.isCut(path.from, path.to) && !this.isCut(path.to, path.from);
    if (!open()) {
      await this.#pass(deadlineMs - client.clock.monotonicMs());
      throw new StreamTimeoutError(`no answer from ${key(to)}`);
    }
    const host = this.#hosts.get(key(to));
    if (host === undefined) throw new StreamError('ECONNREFUSED', `nobody listens on ${key(to)}`);
    if (host.streams.size >= host.maxStreams) {
      host.streamsRefused += 1;
      throw new StreamError('ECONNRESET', `${key(to)} has too many streams`);
    }
    const courier: Courier = { delayMs: () => this.#delayMs(), open, clock: this.#clock };
    const [near, far] = memoryStreamPair(courier, {
      client: { address: client.local, clock: client.clock, deadlineMs },
      server: {
        address: to,
        clock: host.clock,
        deadlineMs: host.clock.monotonicMs() + host.streamTimeoutMs,
      },
    });
    host.streams.add(far);
    far.onClose(() => host.streams.delete(far));
    client.streams.add(near);
    near.onClose(() => client.streams.delete(near));
    arrive(host, () => host.handlers.stream(far));
    return near;
  }

  remove({ local, streams }: Host): void {
    this.#hosts.delete(key(local));
    for (const stream of streams) stream.destroy();
  }

  #delayMs(): number {
    const { minDelayMs, maxDelayMs } = this.weather;
    return minDelayMs + randomInt(this.#random, maxDelayMs - minDelayMs + 1);
  }

  #pass(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.#clock.after(delayMs, resolve));
  }
}

/** Runs what arrives by the receiver's own clock: a paused host sees it when it wakes up. */
function arrive(host: Host, run: () => void): void {
  host.clock.after(0, run);
}

function key({ host, port }: Address): string {
  return `${host}|${port}`;
}

class MemoryTransport implements Transport {
  readonly local: Address;
  readonly sendErrors = 0;
  readonly #network: MemoryNetwork;
  readonly #host: Host;
  #closed = false;

  constructor(network: MemoryNetwork, host: Host) {
    this.#network = network;
    this.#host = host;
    this.local = host.local;
  }

  get streamsRefused(): number {
    return this.#host.streamsRefused;
  }

  send(to: Address, bytes: Uint8Array): void {
    if (!this.#closed) this.#network.send(this.local, to, bytes);
  }

  async dial(to: Address, deadlineMs: number): Promise<Stream> {
    if (this.#closed) throw new StreamError('ECANCELED', 'the transport is closed');
    return this.#network.dial(this.#host, to, deadlineMs);
  }

  async resolve(host: string): Promise<readonly string[]> {
    if (/^[\d.:a-f]+$/.test(host)) return [host];
    const found = this.#network.names.get(host);
    if (found === undefined) throw new Error(`nobody is called ${host}`);
    return found;
  }

  hostAddresses(): readonly string[] {
    return [this.local.host];
  }

  defer(run: () => void): void {
    this.#host.clock.after(0, run);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#network.remove(this.#host);
  }
}
