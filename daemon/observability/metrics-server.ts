// `/metrics`, `/healthz` and `/readyz` over HTTP.

import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { listenError } from '../support/listen-error.ts';

/** Answers of the two health checks. */
export interface Readiness {
  readonly ready: boolean;
  /** Why not; said in the answer. */
  readonly reason: string;
}

export interface MetricsServerSettings {
  readonly host: string;
  readonly port: number;
  readonly metrics: { readonly contentType: string; metrics(): Promise<string> };
  /** Ready: the registry was read completely once and the store is open. */
  readonly readiness: () => Readiness;
}

export interface MetricsServer {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Listens; rejects with `listen.in-use`, `listen.not-ours` or `listen.permission`. */
export async function serveMetrics(settings: MetricsServerSettings): Promise<MetricsServer> {
  const server = createServer((request, response) => void answer(settings, request, response));
  // A scrape is short: whoever dawdles is no scraper.
  server.headersTimeout = 5000;
  server.requestTimeout = 10_000;
  server.maxConnections = 100;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(listenError(error, `${settings.host}:${settings.port}`, '--metrics-addr')),
    );
    server.listen(settings.port, settings.host, resolve);
  });
  const { address, port } = server.address() as AddressInfo;
  return {
    host: address,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  settings: MetricsServerSettings,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const send = (status: number, type: string, text: string): void => {
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
    response.end(request.method === 'HEAD' ? undefined : text);
  };
  const plain = 'text/plain; charset=utf-8';
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    send(405, plain, 'only GET and HEAD\n');
    return;
  }
  try {
    switch (request.url?.split('?')[0]) {
      case '/metrics':
        send(200, settings.metrics.contentType, await settings.metrics.metrics());
        return;
      case '/healthz':
        send(200, plain, 'ok\n');
        return;
      case '/readyz': {
        const { ready, reason } = settings.readiness();
        send(ready ? 200 : 503, plain, ready ? 'ok\n' : `${reason}\n`);
        return;
      }
      default:
        send(404, plain, '/metrics, /healthz, /readyz\n');
    }
  } catch (thrown) {
    send(500, plain, `${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
  }
}
