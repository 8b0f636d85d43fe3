// Watch sockets: the changes of those providers that a consumer depends on, one frame each 500 ms in
// 1.x (servicecenter-api.md §9).

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Clock, Timer } from '../support/clock.ts';
import { keyOf, withoutEmpty } from './content.ts';
import type { InstanceEvent } from './context.ts';
import { dependsOn, providersOf } from './dependencies.ts';
import type { Registry } from './registry.ts';
import type { ServiceRecord } from './store.ts';

/** Between two frames of one socket. */
const paceMs = 500;
/** Frames that wait on one socket; beyond them they are dropped, as by a real server. */
const queueLimit = 5_000;
/** A longer frame from the client closes the socket with 1009. */
const largestClientFrame = 64;
const pingMs = 30_000;

interface Watch {
  readonly socket: WebSocket;
  readonly consumer: ServiceRecord;
  readonly queue: string[];
  timer: Timer | undefined;
  sentMs: number;
}

export class Watches {
  readonly #registry: Registry;
  readonly #clock: Clock;
  readonly #open = new Set<Watch>();
  readonly #upgrader = new WebSocketServer({ noServer: true, maxPayload: largestClientFrame });
  #paused = false;

  constructor(registry: Registry, clock: Clock) {
    this.#registry = registry;
    this.#clock = clock;
    registry.onInstance((event) => this.#onEvent(event));
  }

  /** Takes a WebSocket request, or refuses it with 404. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const { pathname } = new URL(request.url ?? '/', 'http://lab');
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
  }

  resume(): void {
    this.#paused = false;
    for (const watch of this.#open) this.#pump(watch);
  }

  /** Cuts all sockets (1006 at the client), as a server that stops. */
  dropAll(): void {
    for (const { socket } of this.#open) socket.terminate();
  }

  #watch(socket: WebSocket, consumer: ServiceRecord, initial: boolean): void {
    const watch: Watch = { socket, consumer, queue: [], timer: undefined, sentMs: -paceMs };
    this.#open.add(watch);
    let pinging = true;
    const ping = setInterval(() => {
      if (pinging && !this.#paused) socket.ping();
    }, pingMs);
    ping.unref();
    // A client that pings by itself is no longer pinged.
    socket.on('ping', () => (pinging = false));
    socket.on('close', () => {
      clearInterval(ping);
      watch.timer?.cancel();
      this.#open.delete(watch);
    });
    if (initial) this.#queueInitial(watch);
  }

  #queueInitial(watch: Watch): void {
    for (const provider of providersOf(watch.consumer)) {
      const key = withoutEmpty(keyOf(provider.truth));
      for (const { cached } of provider.instances.values()) {
        this.#push(watch, JSON.stringify({ action: 'INIT', key, instance: cached }));
      }
    }
  }

  #onEvent({ action, record, instance }: InstanceEvent): void {
    if (!this.#registry.context.cacheEnabled || this.#open.size === 0) return;
    const provider = record.service;
    const tenant = provider.tenant.path;
    const key = { tenant, ...withoutEmpty(keyOf(provider.truth)) };
    let frame: string | undefined;
    for (const watch of this.#open) {
      if (!dependsOn(watch.consumer, provider)) continue;
      frame ??= JSON.stringify({ action, key, instance });
      this.#push(watch, frame);
    }
  }

  #push(watch: Watch, frame: string): void {
    if (watch.queue.length >= queueLimit) return;
    watch.queue.push(frame);
    this.#pump(watch);
  }

  #pump(watch: Watch): void {
    if (this.#paused || watch.timer !== undefined || watch.queue.length === 0) return;
    const sinceMs = this.#clock.monotonicMs() - watch.sentMs;
    const waitMs = this.#registry.context.dialect === '2.x' ? 0 : Math.max(0, paceMs - sinceMs);
    watch.timer = this.#clock.after(waitMs, () => {
      watch.timer = undefined;
      if (this.#paused) return;
      const frame = watch.queue.shift();
      watch.sentMs = this.#clock.monotonicMs();
      if (frame !== undefined && watch.socket.readyState === watch.socket.OPEN) {
        watch.socket.send(frame);
      }
      this.#pump(watch);
    });
  }
}
