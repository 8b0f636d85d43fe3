// HTTP to the servers of one Nacos cluster: keep-alive pools, deadlines, gzip, failover, TLS, the token
// of a login; and what happened on the way, told apart.

import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Pool } from 'undici';
import { deadline } from '../../support/deadline.ts';
import { createFailover, type FailoverEvents } from '../common/failover.ts';
import { classifyError, isCut } from '../common/call-failure.ts';
import { badAnswer, type Trouble } from '../common/trouble.ts';
import type { NacosAddress, NacosSettings } from './options.ts';
import { createTokenKeeper } from './token-keeper.ts';

const unzip = promisify(gunzip);

export interface Call {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below the base path. */
  readonly path: string;
  /** Query of a GET or DELETE, form of a POST. */
  readonly form: URLSearchParams;
  /** Which pool: reads must not wait behind a queue of writes. */
  readonly use: 'read' | 'write';
  readonly signal?: AbortSignal;
  /** Only this server, without failover. */
  readonly address?: NacosAddress;
}

/** What became of a call; `body` is parsed JSON. */
export type Answer = { readonly kind: 'ok'; readonly body: unknown } | Trouble;

export interface HttpClient {
  /** The server in use. */
  readonly address: NacosAddress;
  /** Rejects only when `signal` is aborted. */
  call(call: Call): Promise<Answer>;
  close(): Promise<void>;
}

/** Largest answer that is read: 150,000 instances with full metadata are some 250 MB as JSON. */
const maxAnswerBytes = 512 * 1024 * 1024;
/** Connections for reads, per server. Raising it confirms many absences faster. */
const readConnections = 6;

/** Gives the client; it connects when it is first called. */
export function createHttpClient(
  settings: Pick<
    NacosSettings,
    'addresses' | 'tls' | 'requestTimeoutMs' | 'writeConnections' | 'credentials'
  >,
  events: FailoverEvents,
): HttpClient {
  const [first] = settings.addresses;
  if (first === undefined) throw new TypeError('a client without an address');
  const pools = new Map<string, Pool>();
  const failover = createFailover(first, settings.addresses, ({ shown }) => shown, events);

  const poolOf = ({ origin }: NacosAddress, use: Call['use']): Pool => {
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

  const sendOnce = async (
    address: NacosAddress,
    call: Call,
    token: string | undefined,
  ): Promise<Answer> => {
    const headers: Record<string, string> = { 'accept-encoding': 'gzip' };
    const inQuery = call.method !== 'POST';
    if (!inQuery) headers['content-type'] = 'application/x-www-form-urlencoded';
    if (token !== undefined) headers.accessToken = token;
    const { signal, release } = deadline(settings.requestTimeoutMs, call.signal);
    const form = call.form.toString();
    try {
      call.signal?.throwIfAborted();
      const response = await poolOf(address, call.use).request({
        method: call.method,
        path: address.basePath + call.path + (inQuery ? `?${form}` : ''),
        headers,
        body: inQuery ? null : form,
        signal,
        headersTimeout: settings.requestTimeoutMs,
        bodyTimeout: settings.requestTimeoutMs,
      });
      const bytes = Buffer.from(await response.body.arrayBuffer());
      const packed = response.headers['content-encoding'] === 'gzip';
      const text = packed ? await unzip(bytes, { maxOutputLength: maxAnswerBytes }) : bytes;
      return answerOf(response.statusCode, text.toString());
    } catch (error) {
      call.signal?.throwIfAborted();
      return { kind: 'failed', failure: classifyError(error) };
    } finally {
      release();
    }
  };

  const tokens = createTokenKeeper(settings.credentials, (address, form) =>
    sendOnce(
      address,
      { method: 'POST', path: '/v3/auth/user/login', form, use: 'read' },
      undefined,
    ),
  );

  const send = async (address: NacosAddress, call: Call): Promise<Answer> => {
    const token = await tokens.get(address);
    if (token.kind === 'trouble') return token.trouble;
    const answer = await sendOnce(address, call, token.value);
    // A token may end before its time: the server was restarted, or its secret was changed.
    const refused = answer.kind === 'refused' && (answer.status === 401 || answer.status === 403);
    if (!refused || token.value === undefined) return answer;
    tokens.forget(address, token.value);
    const next = await tokens.get(address);
    if (next.kind === 'trouble') return next.trouble;
    return sendOnce(address, call, next.value);
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

interface Refusal {
  readonly code?: unknown;
  readonly data?: unknown;
  readonly message?: unknown;
}

/** Nacos says why in JSON (`{code, message, data}`), and in plain text where a filter refused. */
function answerOf(status: number, text: string): Answer {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    if (status >= 200 && status < 300) {
      return badAnswer(`answer that is not JSON: ${text.slice(0, 100)}`);
    }
  }
  if (status >= 200 && status < 300) return { kind: 'ok', body };
  const { code, data, message } = (typeof body === 'object' ? (body ?? {}) : {}) as Refusal;
  const said = [data, message].find((each) => typeof each === 'string' && each !== '');
  return {
    kind: 'refused',
    status,
    code: typeof code === 'number' ? String(code) : '',
    message: (typeof said === 'string' ? said : text).trim().slice(0, 200),
  };
}
