// HTTP to the servers of one Eureka cluster: keep-alive pools, deadlines, gzip, failover, TLS, basic
// authentication; and what happened on the way, told apart.

import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Pool, type Dispatcher } from 'undici';
import { deadline } from '../../support/deadline.ts';
import { createFailover, type FailoverEvents } from '../common/failover.ts';
import { classifyError, isCut } from '../common/call-failure.ts';
import { badAnswer, type Trouble } from '../common/trouble.ts';
import type { EurekaAddress, EurekaSettings } from './options.ts';

const unzip = promisify(gunzip);

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below the base path, with query, already escaped. */
  readonly path: string;
  readonly body?: string;
  /** Which pool: reads must not wait behind a queue of writes. */
  readonly use: 'read' | 'write';
  readonly signal?: AbortSignal;
  /** Only this server, without failover. */
  readonly address?: EurekaAddress;
  /** `page`: the text of a page beside the API, whose path is taken from the server's root. */
  readonly expects?: 'json' | 'text' | 'page';
}

/** What became of a call. */
type Answer =
  /** 2xx; `body` is parsed JSON, or the text when that was asked for; `undefined` when empty. */
  | { readonly kind: 'ok'; readonly status: number; readonly body: unknown }
  /** Eureka has no codes of its own: a refusal's is always empty. */
  | Trouble;

export interface HttpClient {
  /** The server in use. */
  readonly address: EurekaAddress;
  /** Rejects only when `signal` is aborted. */
  call(call: Call): Promise<Answer>;
  close(): Promise<void>;
}

/** Largest answer that is read: 150,000 instances with metadata are some 200 MB as JSON. */
const maxAnswerBytes = 512 * 1024 * 1024;
/** Connections for reads, per server. Raising it confirms many absences faster. */
const readConnections = 6;

/** Gives the client; it connects when it is first called. */
export function createHttpClient(
  settings: Pick<EurekaSettings, 'addresses' | 'tls' | 'requestTimeoutMs' | 'writeConnections'>,
  events: FailoverEvents,
): HttpClient {
  const [first] = settings.addresses;
  if (first === undefined) throw new TypeError('a client without an address');
  const pools = new Map<string, Pool>();
  const failover = createFailover(first, settings.addresses, ({ shown }) => shown, events);

  const poolOf = ({ origin }: EurekaAddress, use: Call['use']): Pool => {
    const key = `${use} ${origin}`;
    let pool = pools.get(key);
    if (pool === undefined) {
      const { insecure, ...pem } = settings.tls ?? {};
      pool = new Pool(origin, {
        connections: use === 'read' ? readConnections : settings.writeConnections,
        keepAliveTimeout: 15_000,
        keepAliveMaxTimeout: 50_000,
        maxResponseSize: maxAnswerBytes,
        connect: {
          timeout: settings.requestTimeoutMs,
          ...pem,
          rejectUnauthorized: insecure !== true,
        },
      });
      // A process that ended and came back between two calls shows itself only here.
      pool.on('disconnect', (_origin, _targets, error) => {
        if (isCut(error) && origin === failover.address.origin) events.interrupted(error.message);
      });
      pools.set(key, pool);
    }
    return pool;
  };

  const send = async (address: EurekaAddress, call: Call): Promise<Answer> => {
    const { expects = 'json' } = call;
    const headers: Record<string, string> = {
      accept: expects === 'json' ? 'application/json' : '*/*',
      'accept-encoding': 'gzip',
    };
    if (call.body !== undefined) headers['content-type'] = 'application/json';
    if (address.authorization !== undefined) headers.authorization = address.authorization;
    const { signal, release } = deadline(settings.requestTimeoutMs, call.signal);
    try {
      call.signal?.throwIfAborted();
      const response = await poolOf(address, call.use).request({
        method: call.method,
        path: expects === 'page' ? call.path : address.basePath + call.path,
        headers,
        body: call.body ?? null,
        signal,
        headersTimeout: settings.requestTimeoutMs,
        bodyTimeout: settings.requestTimeoutMs,
      });
      return await read(response, expects);
    } catch (error) {
      call.signal?.throwIfAborted();
      return { kind: 'failed', failure: classifyError(error) };
    } finally {
      release();
    }
  };

  return {
    get address() {
      return failover.address;
    },
    async call(call) {
      if (call.address !== undefined) return send(call.address, call);
      return failover.ask(call.use, (address) => send(address, call));
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
    },
  };
}

async function read(
  response: Dispatcher.ResponseData,
  expects: NonNullable<Call['expects']>,
): Promise<Answer> {
  const bytes = Buffer.from(await response.body.arrayBuffer());
  const packed = response.headers['content-encoding'] === 'gzip';
  const text = (
    packed ? await unzip(bytes, { maxOutputLength: maxAnswerBytes }) : bytes
  ).toString();
  const { statusCode: status } = response;
  if (status < 200 || status > 299) {
    return { kind: 'refused', status, code: '', message: text.trim().slice(0, 200) };
  }
  if (expects !== 'json') return { kind: 'ok', status, body: text };
  if (text === '') return { kind: 'ok', status, body: undefined };
  try {
    return { kind: 'ok', status, body: JSON.parse(text) as unknown };
  } catch {
    return badAnswer(`answer that is not JSON: ${text.slice(0, 100)}`);
  }
}
