// A small registry over HTTP with leases, as a stand-in: everything in memory, unless it is lost.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { leaseSecondsOf, type Instance, type Service } from '@servicecenter-syncer/driver-kit';

/** Leases are looked at this often. */
const lookEveryMs = 100;

export class FakeRegistry {
  readonly services = new Map<string, Service>();
  readonly instances = new Map<string, { readonly instance: Instance; untilMs: number }>();
  #server: Server | undefined;
  #port = 0;
  #frozen: (() => unknown)[] | undefined;
  readonly #leases = setInterval(() => this.#endLeases(), lookEveryMs);

  get address(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async open(): Promise<void> {
    const server = createServer((request, response) => {
      // A caller that has gone gets no answer.
      const answer = (): unknown => this.#answer(request, response).catch(() => response.destroy());
      if (this.#frozen === undefined) answer();
      else this.#frozen.push(answer);
    });
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Refuses connections from now on. */
  async shut(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  lose(): void {
    this.services.clear();
    this.instances.clear();
  }

  /** Answers nothing until `thaw`; leases run on. */
  freeze(): void {
    this.#frozen = [];
  }
  thaw(): void {
    const waiting = this.#frozen ?? [];
    this.#frozen = undefined;
    this.#endLeases();
    for (const answer of waiting) answer();
  }

  put(instance: Instance): void {
    const untilMs = performance.now() + leaseSecondsOf(instance) * 1_000;
    this.instances.set(`${instance.serviceId}/${instance.instanceId}`, { instance, untilMs });
  }

  renew(key: string): boolean {
    const entry = this.instances.get(key);
    if (entry !== undefined) {
      entry.untilMs = performance.now() + leaseSecondsOf(entry.instance) * 1_000;
    }
    return entry !== undefined;
  }

  async close(): Promise<void> {
    clearInterval(this.#leases);
    await this.shut();
  }

  #endLeases(): void {
    if (this.#frozen !== undefined) return;
    const nowMs = performance.now();
    for (const [key, { untilMs }] of this.instances) {
      if (untilMs <= nowMs) this.instances.delete(key);
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const part of request) body += String(part);
    const [kind, ...names] = (request.url ?? '').slice(1).split('/').map(decodeURIComponent);
    const key = names.join('/');
    const { method } = request;
    const answer = (value?: unknown): void => {
      response.end(value === undefined ? '' : JSON.stringify(value));
    };
    if (kind === 'all') {
      const instances = [...this.instances.values()].map(({ instance }) => instance);
      answer({ services: [...this.services.values()], instances });
    } else if (kind === 'services' && method === 'PUT') {
      this.services.set(key, JSON.parse(body) as Service);
      answer();
    } else if (kind === 'services' && method === 'DELETE') {
      this.services.delete(key);
      answer();
    } else if (kind === 'instances' && method === 'PUT') {
      this.put(JSON.parse(body) as Instance);
      answer();
    } else if (kind === 'instances' && method === 'DELETE') {
      this.instances.delete(key);
      answer();
    } else if (kind === 'renew') {
      const refs = JSON.parse(body) as { serviceId: string; instanceId: string }[];
      answer(
        refs.flatMap(({ serviceId, instanceId }, index) =>
          this.renew(`${serviceId}/${instanceId}`) ? [] : [index],
        ),
      );
    } else {
      response.statusCode = 404;
      answer();
    }
  }
}
