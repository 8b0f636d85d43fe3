// Datagrams and streams of the operating system, on one port number (serf-wire.md §1).

import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { once } from 'node:events';
import { lookup } from 'node:dns/promises';
import { connect, createServer, isIP, isIPv6, type Server, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Clock } from '../../support/clock.ts';
import { SocketStream } from './socket-stream.ts';
import type {
  Address,
  BindOptions,
  OpenTransport,
  Stream,
  Transport,
  TransportHandlers,
} from './transport.ts';

/** What the system is asked to hold of arrived datagrams; it may give less. */
const receiveBufferBytes = 2 * 1024 * 1024;
/** How often a number is tried that is free for streams, until it is free for datagrams too. */
const portAttempts = 20;
/** Connections that may wait to be accepted. */
const backlog = 128;

/** Opens real sockets. `0.0.0.0` listens on IPv4 and IPv6, where the host has both. */
export function netTransport(clock: Clock): OpenTransport {
  return (bind, handlers) => NetTransport.open(clock, bind, handlers);
}

class NetTransport implements Transport {
  static async open(
    clock: Clock,
    bind: BindOptions,
    handlers: TransportHandlers,
  ): Promise<Transport> {
    const hosts = bind.host === '0.0.0.0' || bind.host === '::' ? ['::', bind.host] : [bind.host];
    let failure: unknown;
    for (const host of new Set(hosts)) {
      for (let attempt = 0; attempt < (bind.port === 0 ? portAttempts : 1); attempt += 1) {
        try {
          return await NetTransport.#openOn(host, clock, bind, handlers);
        } catch (error) {
          failure = error;
        }
      }
    }
    throw bindError(bind, failure);
  }

  static async #openOn(
    host: string,
    clock: Clock,
    bind: BindOptions,
    handlers: TransportHandlers,
  ): Promise<Transport> {
    const server = createServer({ noDelay: true, allowHalfOpen: true });
    server.maxConnections = bind.maxStreams;
    server.listen({ host, port: bind.port, backlog, ipv6Only: false });
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port was bound');
    const type = isIPv6(host) ? 'udp6' : 'udp4';
    const datagrams = createSocket({ type, ipv6Only: false });
    try {
      datagrams.bind({ address: host, port: address.port });
      await once(datagrams, 'listening');
    } catch (error) {
      datagrams.close();
      server.close();
      throw error;
    }
    askForReceiveBuffer(datagrams);
    const local = { host: bind.host, port: address.port };
    return new NetTransport(clock, local, server, datagrams, bind, handlers, type === 'udp6');
  }

  readonly local: Address;
  readonly #clock: Clock;
  readonly #server: Server;
  readonly #datagrams: DatagramSocket;
  /** The socket takes IPv4 addresses only as `::ffff:a.b.c.d`. */
  readonly #mapped: boolean;
  readonly #sockets = new Set<Socket>();
  #sendErrors = 0;
  #streamsRefused = 0;
  #closed = false;

  constructor(
    clock: Clock,
    local: Address,
    server: Server,
    datagrams: DatagramSocket,
    bind: BindOptions,
    handlers: TransportHandlers,
    mapped: boolean,
  ) {
    this.#clock = clock;
    this.local = local;
    this.#server = server;
    this.#datagrams = datagrams;
    this.#mapped = mapped;
    datagrams.on('message', (bytes, { address, port }) =>
      handlers.datagram(bytes, { host: plainHost(address), port }),
    );
    // ICMP errors of earlier sends surface here; they say nothing about the socket itself.
    datagrams.on('error', () => (this.#sendErrors += 1));
    server.on('error', () => (this.#sendErrors += 1));
    server.on('drop', () => (this.#streamsRefused += 1));
    server.on('connection', (socket) => {
      const remote = { host: plainHost(socket.remoteAddress ?? ''), port: socket.remotePort ?? 0 };
      handlers.stream(this.#track(socket, remote, clock.monotonicMs() + bind.streamTimeoutMs));
    });
  }

  get sendErrors(): number {
    return this.#sendErrors;
  }

  get streamsRefused(): number {
    return this.#streamsRefused;
  }

  send({ host, port }: Address, bytes: Uint8Array): void {
    if (this.#closed) return;
    const target = this.#mapped && !isIPv6(host) ? `::ffff:${host}` : host;
    try {
      this.#datagrams.send(bytes, port, target, (error) => {
        if (error !== null) this.#sendErrors += 1;
      });
    } catch {
      // Node throws for what it checks itself, such as port 0.
      this.#sendErrors += 1;
    }
  }

  async dial({ host, port }: Address, deadlineMs: number): Promise<Stream> {
    const socket = connect({ host, port, noDelay: true, allowHalfOpen: true });
    const stream = this.#track(socket, { host, port }, deadlineMs);
    await stream.connected();
    return stream;
  }

  async resolve(host: string): Promise<readonly string[]> {
    if (isIP(host) !== 0) return [host];
    const found = await lookup(host, { all: true });
    return found.map(({ address }) => address);
  }

  hostAddresses(): readonly string[] {
    return Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter(({ internal, address }) => !internal && !/^(fe80:|169\.254\.)/i.test(address))
      .map(({ address }) => address);
  }

  defer(run: () => void): void {
    setImmediate(run);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all([
      new Promise<void>((resolve) => this.#datagrams.close(() => resolve())),
      new Promise<void>((resolve) => this.#server.close(() => resolve())),
    ]);
  }

  #track(socket: Socket, remote: Address, deadlineMs: number): SocketStream {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    return new SocketStream(this.#clock, socket, remote, deadlineMs);
  }
}

/** Halved until the system accepts it. */
function askForReceiveBuffer(socket: DatagramSocket): void {
  for (let size = receiveBufferBytes; size >= 64 * 1024; size /= 2) {
    try {
      socket.setRecvBufferSize(size);
      return;
    } catch {
      // Too much for this system: ask for less.
    }
  }
}

/** `::ffff:10.0.0.1` is 10.0.0.1. */
function plainHost(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

function bindError({ host, port }: BindOptions, cause: unknown): Error {
  const code = (cause as { code?: unknown }).code;
  const remedy =
    code === 'EADDRINUSE'
      ? 'the port is in use: stop the other process or choose another port'
      : code === 'EADDRNOTAVAIL'
        ? 'no interface of this host has the address'
        : String(cause);
  return new Error(`cannot bind the gossip port ${port} on ${host}: ${remedy}`, { cause });
}
