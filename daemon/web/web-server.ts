// The page for a browser: the built renderer and the contract behind it. It is a client of the
// control API like any other, and reaches nothing of the daemon by another way.

import { readFileSync } from 'node:fs';
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { SyncerError } from '../../proto/errors.ts';
import { listenError } from '../support/listen-error.ts';
import type { ControlAddress } from '../../proto/control/address.ts';
import { connectControl } from '../../proto/control/client.ts';
import { contractHandlers, controlLink } from '../../proto/control/contract-handlers.ts';
import type { UiLink } from '../control/ports.ts';
import type { Clock } from '../support/clock.ts';
import type { Logger } from '../support/logger.ts';
import { send, sendFailure, sendToPerson } from './answers.ts';
import { createApi, type Api } from './api.ts';
import { isLoopback, linkHost, ownHosts, type Place } from './origin.ts';
import { findPage, readPage, type PageFiles } from './page-files.ts';
import { createSessions, type Sessions } from './sessions.ts';

export interface WebServerSettings {
  readonly bind: { readonly host: string; readonly port: number };
  /** PEM files; required off loopback. */
  readonly tls: { readonly certFile: string; readonly keyFile: string } | undefined;
  /** Where the daemon's control API listens. */
  readonly control: ControlAddress;
  readonly version: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where the built page lies; found beside the program by default. */
  readonly page?: string;
}

export interface WebServer {
  readonly host: string;
  readonly port: number;
  /** A link that opens one browser, once. */
  link(): UiLink;
  stop(): Promise<void>;
}

/** Connections at once. Raising it lets more pages be open; each may hold a 4 MiB body. */
const largestConnectionCount = 256;

/**
 * Serves the page. Rejects with `ui.not-built`, `tls.file-unreadable`, `tls.bad-material`,
 * `config.incomplete` (no TLS off loopback), or what listening says (`listen.in-use`, …).
 */
export async function startWebServer(settings: WebServerSettings): Promise<WebServer> {
  const { bind, clock, version } = settings;
  const tls = tlsMaterial(settings);
  const files = readPage(settings.page ?? findPage());
  const closing = new AbortController();
  const link = controlLink(() => connectControl(settings.control, { version }));
  const sessions = createSessions(clock);
  const api = createApi(contractHandlers(link, version), clock, closing.signal);
  const server = tls === undefined ? createHttpServer() : httpsServer(tls);
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000;
  server.maxConnections = largestConnectionCount;
  await listen(server, bind);
  const { address, port } = server.address() as AddressInfo;
  const place: Place = { host: bind.host, port, certificate: tls?.cert };
  const scheme = tls === undefined ? 'http' : 'https';
  const cookie = tls === undefined ? `syncer-${port}` : `__Host-syncer-${port}`;
  const hosts = ownHosts(place);
  const surroundings: Surroundings = { files, sessions, api, hosts, scheme, cookie, settings };
  server.on('request', (request, response) => void answer(surroundings, request, response));
  return {
    host: address,
    port,
    link() {
      const { secret, expiresMs } = sessions.makeLink();
      return { url: `${scheme}://${linkHost(place)}:${port}/open/${secret}`, expiresMs };
    },
    async stop() {
      closing.abort();
      link.drop();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

interface Surroundings {
  readonly files: PageFiles;
  readonly sessions: Sessions;
  readonly api: Api;
  readonly hosts: ReadonlySet<string>;
  readonly scheme: 'http' | 'https';
  /** Its name has the port: browsers share cookies between the ports of a host. */
  readonly cookie: string;
  readonly settings: WebServerSettings;
}

async function answer(
  place: Surroundings,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const isApi = request.url?.startsWith('/api/') === true;
  const languages = request.headers['accept-language'] ?? '';
  response.on('error', () => undefined);
  try {
    checkHost(place, request);
    if (request.method === 'POST' && isApi) {
      checkOrigin(place, request);
      await place.api.answer(request, response, sessionOf(place, request).name);
    } else if (request.method === 'GET' || request.method === 'HEAD') {
      givePage(place, request, response);
    } else {
      send(response, 405, { allow: 'GET, HEAD, POST' }, '');
    }
  } catch (error) {
    if (!(error instanceof SyncerError)) {
      place.settings.logger.error({ err: error }, 'a request of the page failed');
    }
    // What the client still sends is not read to its end.
    if (!request.complete) response.setHeader('connection', 'close');
    if (response.headersSent) response.destroy();
    else if (isApi) sendFailure(response, error);
    else sendToPerson(response, error, languages);
  }
}

function givePage(place: Surroundings, request: IncomingMessage, response: ServerResponse): void {
  const path = (request.url ?? '').split('?')[0] ?? '';
  if (path.startsWith('/open/')) {
    openSession(place, request, response, path.slice('/open/'.length));
    return;
  }
  sessionOf(place, request);
  const file = place.files.get(path);
  if (file === undefined) throw new SyncerError('ui.no-such-page', { path });
  const caching = file.immutable ? 'private, max-age=31536000, immutable' : 'no-store';
  send(response, 200, { 'content-type': file.type, 'cache-control': caching }, file.bytes);
}

/**
 * Takes the link. The answer is a page that goes on by itself: after a redirect from another site
 * the browser would withhold a cookie that is `SameSite=Strict`.
 */
function openSession(
  place: Surroundings,
  request: IncomingMessage,
  response: ServerResponse,
  secret: string,
): void {
  // A HEAD (of a link preview, say) must not use the link up.
  const session = request.method === 'GET' ? place.sessions.open(secret) : undefined;
  if (session === undefined) throw new SyncerError('ui.no-session');
  const secure = place.scheme === 'https' ? '; Secure' : '';
  const attributes = `Path=/; HttpOnly; SameSite=Strict; Max-Age=${session.lifeMs / 1_000}${secure}`;
  send(
    response,
    200,
    {
      'content-type': 'text/html; charset=utf-8',
      'set-cookie': `${place.cookie}=${session.secret}; ${attributes}`,
    },
    '<!doctype html><title>ServiceCenter Syncer</title><meta http-equiv="refresh" content="0;url=/">',
  );
}

function sessionOf(place: Surroundings, request: IncomingMessage): { readonly name: string } {
  const prefix = `${place.cookie}=`;
  for (const part of (request.headers.cookie ?? '').split(';')) {
    const pair = part.trim();
    const name = pair.startsWith(prefix)
      ? place.sessions.find(pair.slice(prefix.length))
      : undefined;
    if (name !== undefined) return { name };
  }
  throw new SyncerError('ui.no-session');
}

function checkHost({ hosts }: Surroundings, { headers }: IncomingMessage): void {
  const host = headers.host ?? '';
  if (hosts.has(host.toLowerCase())) return;
  throw new SyncerError('ui.wrong-origin', { header: 'Host', value: host });
}

/** A browser says with every POST which page it comes from; only ours may ask. */
function checkOrigin({ scheme }: Surroundings, { headers }: IncomingMessage): void {
  const { origin = '', host = '' } = headers;
  if (origin.toLowerCase() === `${scheme}://${host.toLowerCase()}`) return;
  throw new SyncerError('ui.wrong-origin', { header: 'Origin', value: origin });
}

interface TlsMaterial {
  readonly cert: string;
  readonly key: string;
}

function tlsMaterial({ tls, bind }: WebServerSettings): TlsMaterial | undefined {
  if (tls !== undefined) {
    return { cert: readPem(tls.certFile, 'tls.cert'), key: readPem(tls.keyFile, 'tls.key') };
  }
  if (isLoopback(bind.host)) return undefined;
  const source = `${bind.host}:${bind.port}`;
  throw new SyncerError('config.incomplete', { key: 'ui.bind', source, needs: 'tls.cert' });
}

function readPem(file: string, key: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SyncerError('tls.file-unreadable', { file, key, reason }, cause);
  }
}

function httpsServer(tls: TlsMaterial): Server {
  try {
    return createHttpsServer({ ...tls, minVersion: 'TLSv1.2' });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SyncerError('tls.bad-material', { file: 'tls.cert', key: 'tls.key', reason }, cause);
  }
}

function listen(server: Server, { host, port }: WebServerSettings['bind']): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(listenError(error, `${host}:${port}`, '--ui-addr'));
    });
    server.listen(port, host, resolve);
  });
}
