// HTTP to one registry behind several addresses: keep-alive pools, deadlines, gzip, failover, TLS,
// the RBAC token; and what happened on the way, told apart (servicecenter-api.md §2, §14).

import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Pool, type Dispatcher } from 'undici';
import { classifyError, isCut, type CallFailure } from '../common/call-failure.ts';
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

export interface HttpClientEvents {
  /** A connection was refused or cut by the other side, or another address is used from now on. */
  interrupted(detail: string): void;
  /** A read was answered by the address in use. */
  answered(): void;
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
  events: HttpClientEvents,
): HttpClient {
  const pools = new Map<string, Pool>();
  let current = settings.addresses[0] ?? '';

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
        if (isCut(error) && address === current) events.interrupted(error.message);
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
    const deadline = AbortSignal.timeout(settings.requestTimeoutMs);
    const signal = call.signal === undefined ? deadline : AbortSignal.any([call.signal, deadline]);
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
    }
  };

  const keeperOf = (credentials: Credentials): TokenKeeper =>
    'token' in credentials
      ? fixedToken(credentials.token)
      : createTokenKeeper(credentials, nowMs, async (body) =>
          send(
            current,
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
      return current;
    },
    async call(call) {
      if (call.address !== undefined) return sendWithToken(call.address, call);
      const first = current;
      let answer = await sendWithToken(first, call);
      const start = settings.addresses.indexOf(first);
      for (let step = 1; step < settings.addresses.length; step += 1) {
        if (answer.kind !== 'failed' || !mayAskAnother(call, answer.failure)) break;
        const next = settings.addresses[(start + step) % settings.addresses.length] ?? first;
        answer = await sendWithToken(next, call);
        if (answer.kind !== 'failed' && current === first) {
          current = next;
          events.interrupted(`from ${first} to ${next}`);
        }
      }
      if (answer.kind === 'failed') {
        if (answer.failure.interrupts) events.interrupted(answer.failure.detail);
      } else if (call.use === 'read' && (answer.kind === 'ok' || answer.status < 500)) {
        events.answered();
      }
      return answer;
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
    },
  };
}

/** A write that was perhaps done is not sent again elsewhere; its caller decides by a fresh read. */
function mayAskAnother(call: Call, failure: CallFailure): boolean {
  return failure.code === 'unreachable' && (call.use === 'read' || !failure.sent);
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
