// HTTP to one registry behind several addresses: keep-alive pools, deadlines, gzip, failover, TLS,
// the RBAC token; and what happened on the way, told apart (servicecenter-api.md §2, §14).

import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Pool, type Dispatcher } from 'undici';
import { deadline } from '../../support/deadline.ts';
import { createFailover, type FailoverEvents } from '../common/failover.ts';
import { classifyError, isCut } from '../common/call-failure.ts';
import { badAnswer, type Trouble } from '../common/trouble.ts';
import type { Credentials, ServiceCenterSettings } from './options.ts';
import { createTokenKeeper, fixedToken, type TokenKeeper } from './token-keeper.ts';

const unzip = promisify(gunzip);

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Path with query, already escaped. */
  readonly path: string;
  readonly domain: string;
  readonly body?: string;
  /** Which pool: reads must not wait behind a queue of writes. */
  readonly use: 'read' | 'write';
  /** Asks for gzip: for answers that are large. */
  readonly large?: boolean;
  readonly signal?: AbortSignal;
  /** Only this address, without failover. */
  readonly address?: string;
}

/** What became of a call. */
export type Answer =
  /** 2xx; `body` is `undefined` when empty or not JSON by its content type. */
  | {
      readonly kind: 'ok';
      readonly status: number;
      readonly body: unknown;
      readonly summary: string;
    }
  /** The code of a refusal is ServiceCenter's errorCode, empty where there is none. */
  | Trouble;

export interface HttpClient {
  /** The address in use. */
  readonly address: string;
  /** Rejects only when `signal` is aborted. */
  call(call: Call): Promise<Answer>;
  close(): Promise<void>;
}

/** Largest answer that is read. 150,000 instances in one dump are some 100 MB; no call needs more. */
const maxAnswerBytes = 256 * 1024 * 1024;
/** Connections for reads, per address. Raising it reads the details of services faster at start. */
const readConnections = 8;

/** Gives the client; it connects when it is first called. */
export function createHttpClient(
  settings: Pick<
    ServiceCenterSettings,
    'addresses' | 'tls' | 'credentials' | 'requestTimeoutMs' | 'writeConnections'
  >,
  nowMs: () => number,
  events: FailoverEvents,
): HttpClient {
  const pools = new Map<string, Pool>();
  const failover = createFailover(
    settings.addresses[0] ?? '',
    settings.addresses,
    (address) => address,
    events,
  );

  const poolOf = (address: string, use: Call['use']): Pool => {
    const key = `${use} ${address}`;
    let pool = pools.get(key);
    if (pool === undefined) {
      pool = new Pool(address, {
        connections: use === 'read' ? readConnections : settings.writeConnections,
        keepAliveTimeout: 20_000,
        keepAliveMaxTimeout: 50_000,
        maxResponseSize: maxAnswerBytes,
        connect: {
          timeout: settings.requestTimeoutMs,
          ...(settings.tls?.ca === undefined ? {} : { ca: settings.tls.ca }),
          ...(settings.tls?.cert === undefined ? {} : { cert: settings.tls.cert }),
          ...(settings.tls?.key === undefined ? {} : { key: settings.tls.key }),
          ...(settings.tls?.passphrase === undefined
            ? {}
            : { passphrase: settings.tls.passphrase }),
          rejectUnauthorized: settings.tls?.insecure !== true,
        },
      });
      // A process that ended and came back between two calls shows itself only here.
      pool.on('disconnect', (_origin, _targets, error) => {
        if (isCut(error) && address === failover.address) events.interrupted(error.message);
      });
      pools.set(key, pool);
    }
    return pool;
  };

  const send = async (address: string, call: Call, token: string | undefined): Promise<Answer> => {
    const headers: Record<string, string> = { 'x-domain-name': call.domain };
    if (call.body !== undefined) headers['content-type'] = 'application/json';
    if (call.large === true) headers['accept-encoding'] = 'gzip';
    if (token !== undefined) headers.authorization = `Bearer ${token}`;
    const { signal, release } = deadline(settings.requestTimeoutMs, call.signal);
    try {
      const response = await poolOf(address, call.use).request({
        method: call.method,
        path: call.path,
        headers,
        body: call.body ?? null,
        signal,
        headersTimeout: settings.requestTimeoutMs,
        bodyTimeout: settings.requestTimeoutMs,
      });
      return await read(response);
    } catch (error) {
      call.signal?.throwIfAborted();
      return { kind: 'failed', failure: classifyError(error) };
    } finally {
      release();
    }
  };

  const keeperOf = (credentials: Credentials): TokenKeeper =>
    'token' in credentials
      ? fixedToken(credentials.token)
      : createTokenKeeper(credentials, nowMs, async (body) =>
          send(
            failover.address,
            { method: 'POST', path: '/v4/token', domain: 'default', body, use: 'read' },
            undefined,
          ),
        );
  const keeper = settings.credentials === undefined ? undefined : keeperOf(settings.credentials);

  const sendWithToken = async (address: string, call: Call): Promise<Answer> => {
    if (keeper === undefined) return send(address, call, undefined);
    const login = await keeper.token();
    if (login.kind === 'no-token') return login.answer;
    const answer = await send(address, call, login.token);
    if (answer.kind !== 'refused' || answer.status !== 401) return answer;
    keeper.forget(login.token);
    const again = await keeper.token();
    if (again.kind === 'token' && again.token === login.token) return answer;
    return again.kind === 'no-token' ? again.answer : send(address, call, again.token);
  };

  return {
    get address() {
      return failover.address;
    },
    async call(call) {
      if (call.address !== undefined) return sendWithToken(call.address, call);
      return failover.ask(call.use, (address) => sendWithToken(address, call));
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
    },
  };
}

async function read(response: Dispatcher.ResponseData): Promise<Answer> {
  const bytes = Buffer.from(await response.body.arrayBuffer());
  const packed = response.headers['content-encoding'] === 'gzip';
  const text = (
    packed ? await unzip(bytes, { maxOutputLength: maxAnswerBytes }) : bytes
  ).toString();
  const json = String(response.headers['content-type'] ?? '').includes('json');
  const { statusCode: status } = response;
  if (status < 200 || status > 299) {
    const { code, message } = errorOf(text);
    return { kind: 'refused', status, code, message };
  }
  const summary = String(response.headers['x-schema-summary'] ?? '');
  if (!json || text === '') return { kind: 'ok', status, body: undefined, summary };
  try {
    return { kind: 'ok', status, body: JSON.parse(text) as unknown, summary };
  } catch {
    return badAnswer(`answer that is not JSON: ${text.slice(0, 100)}`);
  }
}

function errorOf(text: string): { readonly code: string; readonly message: string } {
  try {
    const body = JSON.parse(text) as {
      errorCode?: unknown;
      errorMessage?: unknown;
      detail?: unknown;
    };
    const parts = [body.errorMessage, body.detail].filter((part) => typeof part === 'string');
    return {
      code: typeof body.errorCode === 'string' ? body.errorCode : '',
      message: parts.join(': ').slice(0, 500),
    };
  } catch {
    return { code: '', message: text.trim().slice(0, 200) };
  }
}
