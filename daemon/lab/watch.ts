// Watch sockets: the changes of those providers that a consumer depends on, at the pace of 1.x, which
// is one frame per socket at each tick of 500 ms (servicecenter-api.md §9).

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Clock, Timer } from '../support/clock.ts';
import { keyOf, withoutEmpty, type ServiceKey } from './content.ts';
import type { InstanceEvent } from './context.ts';
import { dependsOn, providersOf } from './dependencies.ts';
import type { Registry } from './registry.ts';
import type { ServiceRecord } from './store.ts';

/** Between two ticks; each socket gets one frame at a tick. */
const tickMs = 500;
/** Frames that wait on one socket; a full one stalls the events of all sockets. */
const queueLimit = 5_000;
/** How long the notifier waits for a full socket before it drops the event for it. */
const stallMs = 1_000;
/** Events that wait for the notifier; beyond them the oldest go. Bounds the memory, not seen in the field. */
const backlogLimit = 200_000;
/** A longer frame from the client closes the socket with 1009. */
const largestClientFrame = 64;
const pingMs = 30_000;
/** A client that has pinged once and then is silent for so long is cut off. */
const silenceMs = 120_000;

interface Watch {
  readonly socket: WebSocket;
  readonly consumer: ServiceRecord;
  readonly queue: string[];
  /** When the client last pinged by itself, monotonic milliseconds; undefined: never. */
  clientPingMs: number | undefined;
}

export class Watches {
  readonly #registry: Registry;
  readonly #clock: Clock;
  readonly #open = new Set<Watch>();
  readonly #upgrader = new WebSocketServer({ noServer: true, maxPayload: largestClientFrame });
  readonly #backlog: InstanceEvent[] = [];
  #stall: Timer | undefined;
  #tick: Timer | undefined;
  #paused = false;

  constructor(registry: Registry, clock: Clock) {
    this.#registry = registry;
    this.#clock = clock;
    registry.onInstance((event) => this.#onEvent(event));
  }

  /** Takes a WebSocket request, or refuses it with 404. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const pathname = (request.url ?? '/').split('?', 1)[0] ?? '/';
    const match = /^\/v4\/([^/]+)\/registry\/microservices\/([^/]+)\/(watcher|listwatcher)$/.exec(
      pathname,
    );
    const [, project = '', consumerId = '', kind] = match ?? [];
    const initial = kind === 'listwatcher';
    const { dialect } = this.#registry.context;
    if (match === null || (initial && dialect === '2.x')) {
      socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    const named = request.headers['x-domain-name'];
    const domain = typeof named === 'string' && named !== '' ? named : 'default';
    this.#upgrader.handleUpgrade(request, socket, head, (ws) => {
      ws.on('error', () => undefined);
      const consumer = this.#registry.context.store.service({ domain, project }, consumerId);
      if (consumer === undefined) {
        ws.send('service does not exist', () => ws.terminate());
        return;
      }
      this.#watch(ws, consumer, initial);
    });
  }

  pause(): void {
    this.#paused = true;
    this.#tick?.cancel();
    this.#tick = undefined;
  }

  resume(): void {
    this.#paused = false;
    this.#wind();
  }

  /** Cuts all sockets (1006 at the client), as a server that stops. */
  dropAll(): void {
    for (const { socket } of this.#open) socket.terminate();
    this.#backlog.length = 0;
  }

  close(): void {
    this.dropAll();
    this.#stall?.cancel();
    this.#tick?.cancel();
    this.#upgrader.close();
  }

  #watch(socket: WebSocket, consumer: ServiceRecord, initial: boolean): void {
    const watch: Watch = { socket, consumer, queue: [], clientPingMs: undefined };
    this.#open.add(watch);
    const stopAlive = this.#keepAlive(watch);
    socket.on('ping', () => (watch.clientPingMs = this.#clock.monotonicMs()));
    socket.on('close', () => {
      stopAlive();
      this.#open.delete(watch);
    });
    if (initial) this.#queueInitial(watch);
  }

  /** Pings until the client pings by itself; then only watches for its silence. */
  #keepAlive(watch: Watch): () => void {
    let timer: Timer;
    const beat = (): void => {
      timer = this.#clock.after(pingMs, beat);
      if (this.#paused || watch.socket.readyState !== watch.socket.OPEN) return;
      const { consumer, clientPingMs } = watch;
      if (clientPingMs !== undefined) {
        if (this.#clock.monotonicMs() - clientPingMs >= silenceMs) watch.socket.terminate();
      } else if (consumer.tenant.services.get(consumer.serviceId) === consumer) {
        watch.socket.ping();
      } else {
        // The words, misspelt, of a real server whose consumer was removed.
        watch.socket.send('Service does not exit.');
      }
    };
    timer = this.#clock.after(pingMs, beat);
    return () => timer.cancel();
  }

  #queueInitial(watch: Watch): void {
    for (const provider of providersOf(watch.consumer)) {
      const key = withoutEmpty<ServiceKey>(keyOf(provider.truth));
      for (const { cached } of provider.instances.values()) {
        watch.queue.push(JSON.stringify({ action: 'INIT', key, instance: cached }));
      }
    }
    this.#wind();
  }

  #onEvent(event: InstanceEvent): void {
    if (!this.#registry.context.cacheEnabled || this.#open.size === 0) return;
    this.#backlog.push(event);
    if (this.#backlog.length > backlogLimit) this.#backlog.shift();
    if (this.#stall === undefined) this.#notify();
  }

  /** Files what waits; a full socket holds up everything behind it for a second. */
  #notify(): void {
    for (;;) {
      const event = this.#backlog[0];
      if (event === undefined) return;
      const clogged = [...this.#open].some(
        ({ queue, consumer }) =>
          queue.length >= queueLimit && dependsOn(consumer, event.record.service),
      );
      if (clogged && this.#stall === undefined) {
        this.#stall = this.#clock.after(stallMs, () => {
          this.#file(event);
          this.#backlog.shift();
          this.#stall = undefined;
          this.#notify();
        });
        return;
      }
      this.#backlog.shift();
      this.#file(event);
    }
  }

  #file({ action, record, instance }: InstanceEvent): void {
    const provider = record.service;
    const tenant = provider.tenant.path;
    const key = { tenant, ...withoutEmpty<ServiceKey>(keyOf(provider.truth)) };
    let frame: string | undefined;
    for (const watch of this.#open) {
      if (watch.queue.length >= queueLimit || !dependsOn(watch.consumer, provider)) continue;
      frame ??= JSON.stringify({ action, key, instance });
      if (this.#registry.context.dialect === '2.x') watch.socket.send(frame);
      else watch.queue.push(frame);
    }
    this.#wind();
  }

  /** Runs the tick while frames wait. Ticks stand still relative to the clock, not to the frames. */
  #wind(): void {
    if (this.#paused || this.#tick !== undefined) return;
    if (![...this.#open].some(({ queue }) => queue.length > 0)) return;
    const waitMs = tickMs - (this.#clock.monotonicMs() % tickMs);
    this.#tick = this.#clock.after(waitMs, () => {
      this.#tick = undefined;
      for (const { queue, socket } of this.#open) {
        const frame = queue.shift();
        if (frame !== undefined && socket.readyState === socket.OPEN) socket.send(frame);
      }
      this.#wind();
    });
  }
}
