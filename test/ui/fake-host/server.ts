// A small web server for tests: the built page, and both groups of the contract as the daemon's own
// server speaks them (renderer/lib/web-client.ts), each request checked by its schema.

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import {
  daemonContract,
  desktopContract,
  type DaemonHandlers,
  type DesktopHandlers,
} from '../../../proto/ipc/contract.ts';
import { RemoteError, type RemoteFailure } from '../../../proto/ipc/verbs.ts';
import { SyncerError } from '../../../proto/errors.ts';

export interface FakeHost extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
}

export interface FakeHostOptions {
  /** Folder of the built page. */
  readonly pageFolder: string;
  readonly daemon: DaemonHandlers;
  readonly desktop?: DesktopHandlers;
  /** 0: any free one. */
  readonly port?: number;
}

/** As the shell's own scheme sends it (models.md, part E), but that the API is on this origin. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Starts the server on the loopback. */
export async function startFakeHost(options: FakeHostOptions): Promise<FakeHost> {
  const server = createServer((request, response) => {
    void answer(options, request, response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500);
      response.end(JSON.stringify(failureOf(error)));
    });
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(
  options: FakeHostOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'http://host');
  const [, group, method = ''] = pathname.split('/');
  if (request.method === 'POST' && group === 'api') {
    await call(daemonContract, options.daemon, method, request, response);
  } else if (request.method === 'POST' && group === 'desktop' && options.desktop !== undefined) {
    await call(desktopContract, options.desktop, method, request, response);
  } else await sendFile(options.pageFolder, pathname, response);
}

type Contract = typeof daemonContract | typeof desktopContract;

async function call(
  contract: Contract,
  handlers: object,
  method: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const entry = (
    contract as Readonly<
      Record<string, { verb: string; request: { parse(value: unknown): unknown } }>
    >
  )[method];
  const handler = (
    handlers as Readonly<Record<string, (request: unknown, signal: AbortSignal) => unknown>>
  )[method];
  if (entry === undefined || handler === undefined) {
    response.writeHead(404).end();
    return;
  }
  const ended = new AbortController();
  response.on('close', () => ended.abort());
  try {
    const input = entry.request.parse(JSON.parse(await readBody(request)));
    const output = handler(input, ended.signal);
    if (entry.verb === 'call') {
      const text = JSON.stringify((await output) ?? null);
      response.writeHead(200, { 'content-type': 'application/json' }).end(text);
      return;
    }
    response.writeHead(200, { 'content-type': 'application/jsonl' });
    for await (const item of output as AsyncIterable<unknown>) {
      response.write(`${JSON.stringify({ item })}\n`);
    }
    response.end();
  } catch (error) {
    const failure = failureOf(error);
    if (response.headersSent) response.end(`${JSON.stringify({ failure })}\n`);
    else
      response.writeHead(500, { 'content-type': 'application/json' }).end(JSON.stringify(failure));
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}

function failureOf(error: unknown): RemoteFailure {
  if (error instanceof RemoteError || error instanceof SyncerError) {
    const parameters = Object.entries(error.parameters).map(([name, value]) => [
      name,
      typeof value === 'boolean' ? String(value) : value,
    ]);
    return {
      code: error.code,
      parameters: Object.fromEntries(parameters) as RemoteFailure['parameters'],
      message: error.message,
    };
  }
  const detail = error instanceof Error ? error.message : String(error);
  return { code: 'internal.bug', parameters: { detail }, message: detail };
}

async function sendFile(folder: string, path: string, response: ServerResponse): Promise<void> {
  const file = join(folder, normalize(path === '/' ? '/index.html' : path));
  const known = await stat(file).catch(() => undefined);
  if (!file.startsWith(folder) || known?.isFile() !== true) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, {
    'content-type': types[extname(file)] ?? 'application/octet-stream',
    'content-security-policy': policy,
  });
  createReadStream(file).pipe(response);
}
