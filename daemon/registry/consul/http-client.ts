// HTTP to the agents or servers of one Consul datacenter: keep-alive pools, deadlines, failover, TLS, the
// token; and what happened on the way, told apart.

import { Pool, type Dispatcher } from 'undici';
import { deadline } from '../../support/deadline.ts';
import { createFailover, type FailoverEvents } from '../common/failover.ts';
import { classifyError, isCut } from '../common/call-failure.ts';
import { badAnswer, type Trouble } from '../common/trouble.ts';
import type { ConsulSettings } from './options.ts';

export interface Call {
  readonly method: 'GET' | 'PUT';
  /** With query, already escaped. */
  readonly path: string;
  readonly body?: string;
  /** Which pool: the feed must not wait behind writers, nor they behind it, nor anything behind blocking queries. */
  readonly use: 'read' | 'write' | 'watch';
  readonly signal?: AbortSignal;
  /** Longest that the server may hold the call back beside its work. */
  readonly waitMs?: number;
}

/** What Consul says of an answer in its headers. */
interface AnswerFacts {
  /** `X-Consul-Index`; 0 where there is none. */
  readonly index: number;
  /** The token may not see all of it. */
  readonly filtered: boolean;
  /** False: the server knows no leader, and the answer may be old. */
  readonly knownLeader: boolean;
  /** Without a right, nothing is seen. */
  readonly deniesByDefault: boolean;
}

/** What became of a call. */
export type Answer =
  /** 2xx; `body` is parsed JSON. */
  { readonly kind: 'ok'; readonly body: unknown; readonly facts: AnswerFacts } | Trouble;

export interface HttpClient {
  /** The address in use. */
  readonly address: string;
  /** Rejects only when `signal` is aborted. */
  call(call: Call): Promise<Answer>;
  close(): Promise<void>;
}

/** Largest answer that is read: 150,000 instances of one service are some 150 MB. */
const maxAnswerBytes = 512 * 1024 * 1024;
/**
 * Connections per address. Consul takes 200 of one client address together (peers.md §4, "Blocking"),
 * and other programs of the machine want some. Raising one does more at a time.
 */
const connections = { read: 8, write: 8, watch: 2 } as const;

/** Gives the client; it connects when it is first called. */
export function createHttpClient(
  settings: Pick<ConsulSettings, 'addresses' | 'tls' | 'credentials' | 'requestTimeoutMs'>,
  events: FailoverEvents,
): HttpClient {
  const { addresses, requestTimeoutMs } = settings;
  const [first] = addresses;
  if (first === undefined) throw new TypeError('a client without an address');
  const pools = new Map<string, Pool>();
  const failover = createFailover(first, addresses, (address) => address, events);

  const poolOf = (address: string, use: Call['use']): Pool => {
    const key = `${use} ${address}`;
    let pool = pools.get(key);
    if (pool === undefined) {
      const { insecure, ...pem } = settings.tls ?? {};
      pool = new Pool(address, {
        connections: connections[use],
        keepAliveTimeout: 15_000,
        keepAliveMaxTimeout: 50_000,
        maxResponseSize: maxAnswerBytes,
        connect: { timeout: requestTimeoutMs, ...pem, rejectUnauthorized: insecure !== true },
      });
      // A process that ended and came back between two calls shows itself only here.
      pool.on('disconnect', (_origin, _targets, error) => {
        if (isCut(error) && address === failover.address) events.interrupted(error.message);
      });
      pools.set(key, pool);
    }
    return pool;
  };

  const send = async (address: string, call: Call): Promise<Answer> => {
    const timeoutMs = requestTimeoutMs + (call.waitMs ?? 0);
    const headers: Record<string, string> = { accept: 'application/json' };
    if (call.body !== undefined) headers['content-type'] = 'application/json';
    const { credentials } = settings;
    if (credentials !== undefined) headers['x-consul-token'] = credentials.token;
    const { signal, release } = deadline(timeoutMs, call.signal);
    try {
      call.signal?.throwIfAborted();
      const response = await poolOf(address, call.use).request({
        method: call.method,
        path: call.path,
        headers,
        body: call.body ?? null,
        signal,
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
      });
      return await read(response);
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
      return failover.ask(call.use, (address) => send(address, call));
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
    },
  };
}

async function read(response: Dispatcher.ResponseData): Promise<Answer> {
  const text = await response.body.text();
  const { statusCode: status, headers } = response;
  if (status < 200 || status > 299) {
    // A refused transaction says in its body which of its operations it was.
    const message = status === 409 ? text : text.trim().slice(0, 500);
    return { kind: 'refused', status, code: '', message };
  }
  try {
    const body: unknown = text === '' ? undefined : JSON.parse(text);
    return { kind: 'ok', body, facts: factsIn(headers) };
  } catch {
    return badAnswer(`answer that is not JSON: ${text.slice(0, 100)}`);
  }
}

function factsIn(headers: Dispatcher.ResponseData['headers']): AnswerFacts {
  const index = Number(headers['x-consul-index'] ?? 0);
  return {
    index: Number.isSafeInteger(index) && index > 0 ? index : 0,
    filtered: headers['x-consul-results-filtered-by-acls'] === 'true',
    knownLeader: headers['x-consul-knownleader'] !== 'false',
    deniesByDefault: headers['x-consul-default-acl-policy'] === 'deny',
  };
}
