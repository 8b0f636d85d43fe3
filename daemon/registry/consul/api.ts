// The calls of Consul that the driver makes (peers.md §4), with their answers read. An answer that the
// token may not see all of is a refusal: what is missing from it may well be there.

import type { StringMap } from '../../model/service.ts';
import { badAnswer, type Outcome, type Trouble } from '../common/trouble.ts';
import type { Answer, Call, HttpClient } from './http-client.ts';
import type { ConsulSettings } from './options.ts';
import { decodeTransaction, encodeTransaction, type Operation } from './transaction-wire.ts';
import {
  AnswerError,
  decodeAgent,
  decodeChecks,
  decodeInstances,
  decodeNames,
  decodeNodeMeta,
  decodeStandings,
  type ConsulCheck,
  type ConsulInstance,
  type Standing,
} from './wire.ts';

/** An answer, and Consul's index of what it is about. */
export interface Indexed<T> {
  readonly index: number;
  readonly value: T;
}

/** Waits until the index is another than this. */
export interface Blocking {
  readonly index: number;
  readonly signal: AbortSignal;
}

/** What became of a transaction: all of it, or nothing and why, by the number of the operation. */
export type Transacted =
  | { readonly done: true; readonly found: ReadonlyMap<string, number> }
  | { readonly done: false; readonly errors: ReadonlyMap<number, string> };

export interface ConsulApi {
  /** Names of all services, each with its tags as one text. */
  names(blocking?: Blocking): Promise<Outcome<Indexed<ReadonlyMap<string, string>>>>;
  /** Checks that do not pass, of all services and nodes. */
  failingChecks(blocking?: Blocking): Promise<Outcome<Indexed<readonly ConsulCheck[]>>>;
  /** All instances of a service, or those that `filter` says; none of an unknown one. */
  service(
    name: string,
    how?: {
      readonly filter?: string;
      readonly consistent?: boolean;
      readonly signal?: AbortSignal;
    },
  ): Promise<Outcome<Indexed<readonly ConsulInstance[]>>>;
  /** Index of a service: it grows with each change of one of its instances, and by nothing else. */
  serviceIndex(name: string): Promise<Outcome<number>>;
  /**
   * Where all instances stand, in one answer: the one that Consul's own page of nodes is made from. It is
   * documented nowhere, so it may only say what is worth reading.
   */
  standings(): Promise<Outcome<Indexed<readonly Standing[]>>>;
  /** The server answers and has a leader. */
  alive(): Promise<Outcome<void>>;
  agent(): Promise<Outcome<{ readonly version: string; readonly datacenter: string }>>;
  /** `off`: this Consul has no access control. A token that is not known is a refusal. */
  token(): Promise<Outcome<'valid' | 'off'>>;
  /** Metadata of a node; `undefined`: there is none of this name. */
  nodeMeta(node: string, signal: AbortSignal): Promise<Outcome<StringMap | undefined>>;
  /** All of the operations or none; `write: false` for reads alone, which need no right to write. */
  transact(operations: readonly Operation[], signal: AbortSignal): Promise<Outcome<Transacted>>;
}

/** Filter that nothing passes: the index is in the headers. */
const nothing = 'ServiceID == ""';

/** Gives the calls. */
export function createApi(
  http: HttpClient,
  settings: Pick<
    ConsulSettings,
    'credentials' | 'datacenter' | 'namespace' | 'partition' | 'waitMs'
  >,
): ConsulApi {
  const { datacenter, namespace, partition, waitMs } = settings;
  const scope = {
    ...(datacenter === undefined ? {} : { dc: datacenter }),
    ...(namespace === undefined ? {} : { ns: namespace }),
    ...(partition === undefined ? {} : { partition }),
  };
  const url = (path: string, query: StringMap = {}): string => {
    const text = new URLSearchParams({ ...scope, ...query }).toString();
    return text === '' ? path : `${path}?${text}`;
  };
  const read = async <T>(
    call: Omit<Call, 'method'>,
    decode: (body: unknown) => T,
  ): Promise<Outcome<Indexed<T>>> => {
    const answer = await http.call({ method: 'GET', ...call });
    if (answer.kind !== 'ok') return { ok: false, trouble: answer };
    const trouble = unseen(answer, settings.credentials !== undefined);
    if (trouble !== undefined) return { ok: false, trouble };
    return decoded(call.path, () => ({ index: answer.facts.index, value: decode(answer.body) }));
  };
  const watch = (path: string, query: StringMap, blocking: Blocking | undefined) =>
    blocking === undefined
      ? { path: url(path, query), use: 'read' as const }
      : {
          path: url(path, {
            ...query,
            index: String(blocking.index),
            wait: `${Math.ceil(waitMs)}ms`,
          }),
          use: 'watch' as const,
          signal: blocking.signal,
          // Consul adds up to a sixteenth.
          waitMs: waitMs * (17 / 16),
        };

  return {
    names: (blocking) => read(watch('/v1/catalog/services', {}, blocking), decodeNames),

    failingChecks: (blocking) =>
      read(
        watch('/v1/health/state/any', { filter: 'Status != "passing"' }, blocking),
        decodeChecks,
      ),

    service: (name, { filter, consistent = false, signal } = {}) =>
      read(
        {
          path: url(`/v1/health/service/${encodeURIComponent(name)}`, {
            ...(filter === undefined ? {} : { filter }),
            ...(consistent ? { consistent: '' } : {}),
          }),
          // The feed's reads have no signal, those of a writer do.
          ...(signal === undefined ? { use: 'read' } : { use: 'write', signal }),
        },
        decodeInstances,
      ),

    async serviceIndex(name) {
      const path = url(`/v1/catalog/service/${encodeURIComponent(name)}`, { filter: nothing });
      const answer = await read({ path, use: 'read' }, () => undefined);
      return answer.ok ? { ok: true, value: answer.value.index } : answer;
    },

    standings: () => read({ path: url('/v1/internal/ui/nodes'), use: 'read' }, decodeStandings),

    async alive() {
      const answer = await http.call({
        method: 'GET',
        path: url('/v1/status/leader'),
        use: 'read',
      });
      if (answer.kind !== 'ok') return { ok: false, trouble: answer };
      return typeof answer.body === 'string' && answer.body !== ''
        ? { ok: true, value: undefined }
        : { ok: false, trouble: noLeader };
    },

    async agent() {
      const answer = await http.call({ method: 'GET', path: '/v1/agent/self', use: 'read' });
      if (answer.kind !== 'ok') return { ok: false, trouble: answer };
      return decoded('/v1/agent/self', () => decodeAgent(answer.body));
    },

    async token() {
      const answer = await http.call({
        method: 'GET',
        path: '/v1/acl/token/self',
        use: 'read',
      });
      if (answer.kind === 'ok') return { ok: true, value: 'valid' };
      const off = answer.kind === 'refused' && /ACL support disabled/i.test(answer.message);
      return off ? { ok: true, value: 'off' } : { ok: false, trouble: answer };
    },

    async nodeMeta(node, signal) {
      const path = url('/v1/catalog/nodes', {
        filter: `Node == ${quoted(node)}`,
        consistent: '',
      });
      const answer = await read({ path, use: 'read', signal }, (body) =>
        decodeNodeMeta(body, node),
      );
      return answer.ok ? { ok: true, value: answer.value.value } : answer;
    },

    async transact(operations, signal) {
      const answer = await http.call({
        method: 'PUT',
        path: url('/v1/txn'),
        body: encodeTransaction(operations, settings),
        use: 'write',
        signal,
      });
      if (answer.kind === 'ok') {
        return decoded('/v1/txn', () => ({ done: true, ...decodeTransaction(answer.body) }));
      }
      if (answer.kind === 'failed' || answer.status !== 409) return { ok: false, trouble: answer };
      return decoded('/v1/txn', () => ({ done: false, ...decodeTransaction(answer.message) }));
    },
  };
}

/** Gives a text for a filter expression. */
export function quoted(text: string): string {
  return JSON.stringify(text);
}

const noLeader: Trouble = {
  kind: 'refused',
  status: 500,
  code: '',
  message: 'No cluster leader',
};

function unseen(
  { facts }: Extract<Answer, { readonly kind: 'ok' }>,
  hasToken: boolean,
): Trouble | undefined {
  if (facts.filtered) {
    return refusal('the answer is filtered: the token may not read every service and node');
  }
  if (!hasToken && facts.deniesByDefault) {
    return refusal('this Consul shows nothing without a token: set registry.credentials.token');
  }
  return facts.knownLeader ? undefined : noLeader;
}

function refusal(message: string): Trouble {
  return { kind: 'refused', status: 403, code: '', message };
}

function decoded<T>(path: string, decode: () => T): Outcome<T> {
  try {
    return { ok: true, value: decode() };
  } catch (error) {
    if (error instanceof AnswerError) {
      return { ok: false, trouble: badAnswer(`${path}: ${error.message}`) };
    }
    throw error;
  }
}
