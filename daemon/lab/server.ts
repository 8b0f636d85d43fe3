// The lab's listener: HTTP calls to routes, faults in between, and stopping and starting on one port.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { sleep, type Clock } from '../support/clock.ts';
import { control, isControl } from './control.ts';
import { ApiError } from './errors.ts';
import type { FaultDecision, Faults } from './faults.ts';
import { answerOf, json, largestBodyBytes, readRequest, send, type Answer } from './http.ts';
import type { Registry } from './registry.ts';
import { router } from './router.ts';
import { routes } from './routes.ts';
import type { ServerFacts } from './server-facts.ts';

const find = router(routes);

export interface ServerParts {
  readonly registry: Registry;
  readonly facts: ServerFacts;
  readonly clock: Clock;
  readonly faults: () => Faults;
  readonly onUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

export class LabServer {
  readonly #parts: ServerParts;
  readonly #stopped = new AbortController();
  #server: Server | undefined;
  #port = 0;
  #host = '';
  #gate: Promise<void> | undefined;
  #open: (() => void) | undefined;

  constructor(parts: ServerParts) {
    this.#parts = parts;
  }

  get url(): string {
    const host = this.#host.includes(':') ? `[${this.#host}]` : this.#host;
    return `http://${host}:${this.#port}`;
  }

  /** Listens; port 0 takes a free one, and later starts take the same again. */
  async listen(host: string, port: number): Promise<void> {
    const server = createServer({ keepAlive: true, requestTimeout: 0 }, (request, response) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
    server.keepAliveTimeout = 120_000;
    server.on('upgrade', (request, socket, head) => this.#parts.onUpgrade(request, socket, head));
    server.on('clientError', (_error, socket) => {
      if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
      else socket.destroy();
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, resolve);
    });
    this.#server = server;
    this.#host = host;
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Cuts all connections and refuses new ones. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      // In a moment: the call that asked for this has its answer on the way.
      setImmediate(() => server.closeAllConnections());
    });
  }

  /** Takes the same address again after `stop`. */
  async startAgain(): Promise<void> {
    if (this.#stopped.signal.aborted) return;
    await this.listen(this.#host, this.#port);
  }

  /** Holds calls until `resume`; connections are still taken. */
  pause(): void {
    this.#gate ??= new Promise((resolve) => (this.#open = resolve));
  }

  resume(): void {
    this.#open?.();
    this.#gate = undefined;
  }

  async close(): Promise<void> {
    this.#stopped.abort(new Error('the lab was closed'));
    this.resume();
    await this.stop();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, search } = splitTarget(request.url ?? '/');
    if (isControl(pathname)) {
      await this.#serveControl(request, response, pathname, new URLSearchParams(search));
      return;
    }
    if (this.#gate !== undefined) await this.#gate;
    const decision = this.#parts.faults().decide(pathname);
    if (decision.waitMs > 0) await sleep(this.#parts.clock, decision.waitMs, this.#stopped.signal);
    if (decision.hang) return;
    const answer = await this.#answer(request, pathname, new URLSearchParams(search), decision);
    if (response.destroyed) return;
    const cutInHalf = decision.cut;
    send(request, response, answer, { cutInHalf, serverName: this.#serverName });
  }

  get #serverName(): string {
    const { version = '' } = this.#parts.facts.build;
    return `SERVICECENTER/${version}`;
  }

  async #serveControl(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    query: URLSearchParams,
  ): Promise<void> {
    let answer: Answer;
    try {
      const body = await readRequest(request, largestBodyBytes);
      const { registry } = this.#parts;
      answer = control(registry, this.#parts.faults(), request.method ?? '', path, query, body);
    } catch (error) {
      answer = answerOf(error);
    }
    send(request, response, answer, { cutInHalf: false, serverName: this.#serverName });
  }

  async #answer(
    request: IncomingMessage,
    path: string,
    query: URLSearchParams,
    decision: FaultDecision,
  ): Promise<Answer> {
    if (decision.errorStatus !== undefined) {
      request.resume();
      return injectedError(decision.errorStatus);
    }
    const match = find(request.method ?? '', path);
    switch (match.kind) {
      case 'unknown':
        request.resume();
        return { kind: 'text', status: 404, text: '404 page not found\n' };
      case 'wrong-method':
        request.resume();
        return { kind: 'text', status: 405, text: 'Method Not Allowed\n' };
      case 'route':
        break;
    }
    const { route, names } = match;
    const { registry, facts } = this.#parts;
    const stale = query.get('rev');
    if (this.#parts.faults().settings.staleNotModified && stale !== null && stale !== '') {
      request.resume();
      return { kind: 'not-modified', rev: stale };
    }
    try {
      const body = await readRequest(request, route.bodyLimit ?? largestBodyBytes);
      return route.handle({
        registry,
        facts,
        names,
        query,
        body,
        tenant: {
          domain: header(request, 'x-domain-name') || 'default',
          project: path.startsWith('/v4/') ? (names[0] ?? 'default') : 'default',
        },
        consumerId: header(request, 'x-consumerid'),
        who: callerOf(request),
      });
    } catch (error) {
      return answerOf(error);
    }
  }
}

function injectedError(status: number): Answer {
  const { body } = new ApiError(500003, 'injected by the lab');
  return { ...json(body), status } as Answer;
}

function splitTarget(target: string): { pathname: string; search: string } {
  const from = target.indexOf('?');
  if (from < 0) return { pathname: target, search: '' };
  return { pathname: target.slice(0, from), search: target.slice(from + 1) };
}

function header(request: IncomingMessage, name: string): string {
  const value = request.headers[name];
  return typeof value === 'string' ? value : '';
}

/** Who calls: a name the client gives, else its software and address. */
function callerOf(request: IncomingMessage): string {
  const named = header(request, 'x-lab-client');
  if (named !== '') return named.slice(0, 100);
  const agent = header(request, 'user-agent').slice(0, 60);
  return `${agent} ${request.socket.remoteAddress ?? ''}:${String(request.socket.remotePort ?? '')}`;
}
