// The calls of a Eureka server that the driver makes (peers.md §3), with their answers read.

import type { EurekaAddress } from './options.ts';
import { badAnswer, type Trouble } from '../common/trouble.ts';
import type { Call, HttpClient } from './http-client.ts';
import {
  AnswerError,
  decodeApplication,
  decodeListing,
  decodeSingle,
  encodeRegistration,
  type EurekaInstance,
  type Listing,
} from './wire.ts';

export type Read<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly trouble: Trouble };

export interface EurekaApi {
  /** Everything; `undefined`: the server does not give it (a server without deltas). */
  all(): Promise<Read<Listing>>;
  /** Changes of the last three minutes; `undefined`: this server has its deltas turned off. */
  delta(): Promise<Read<Listing | undefined>>;
  /** Never cached by the server; `undefined`: 404, which an ended lease that is still listed gives too. */
  instance(
    app: string,
    id: string,
    how?: { readonly signal?: AbortSignal; readonly address?: EurekaAddress },
  ): Promise<Read<EurekaInstance | undefined>>;
  /** Cached by the server, for 30 s as a rule. */
  application(
    app: string,
    how?: { readonly signal?: AbortSignal; readonly address?: EurekaAddress },
  ): Promise<Read<readonly EurekaInstance[]>>;
  register(instance: EurekaInstance, signal: AbortSignal): Promise<Read<void>>;
  /** `false`: the server does not know it. */
  renew(app: string, id: string, signal: AbortSignal): Promise<Read<boolean>>;
  /** `false`: the server did not know it. */
  cancel(app: string, id: string, signal: AbortSignal): Promise<Read<boolean>>;
  /** Sets the status where a registration cannot, and takes an operator's override away. */
  setStatus(instance: EurekaInstance, signal: AbortSignal): Promise<Read<void>>;
  /** What the server tells of itself; what it does not show is `undefined`. */
  state(): Promise<ServerState>;
}

export interface ServerState {
  /** Other servers of its cluster that it names. */
  readonly peers: readonly string[] | undefined;
  /** `in-force`: it evicts nobody, whoever is dead. */
  readonly selfPreservation: 'in-force' | 'not-in-force' | 'off' | undefined;
}

/** Gives the calls. */
export function createApi(http: HttpClient): EurekaApi {
  const read = async <T>(call: Call, decode: (body: unknown) => T): Promise<Read<T>> => {
    const answer = await http.call(call);
    if (answer.kind !== 'ok') return { ok: false, trouble: answer };
    try {
      return { ok: true, value: decode(answer.body) };
    } catch (error) {
      if (error instanceof AnswerError) {
        return { ok: false, trouble: badAnswer(`GET ${call.path}: ${error.message}`) };
      }
      throw error;
    }
  };
  const found = async (call: Call): Promise<Read<boolean>> => {
    const answer = await http.call(call);
    if (answer.kind === 'ok') return { ok: true, value: true };
    if (isNotFound(answer)) return { ok: true, value: false };
    return { ok: false, trouble: answer };
  };

  return {
    all: () => read({ method: 'GET', path: '/apps', use: 'read' }, decodeListing),

    async delta() {
      const listing = await read(
        { method: 'GET', path: '/apps/delta', use: 'read' },
        decodeListing,
      );
      if (listing.ok || listing.trouble.kind !== 'refused') return listing;
      const { status } = listing.trouble;
      return status === 403 || status === 404 ? { ok: true, value: undefined } : listing;
    },

    async instance(app, id, how = {}) {
      const call: Call = { method: 'GET', path: pathOf(app, id), use: 'read', ...how };
      const answer = await read(call, decodeSingle);
      return !answer.ok && isNotFound(answer.trouble) ? { ok: true, value: undefined } : answer;
    },

    async application(app, how = {}) {
      const call: Call = { method: 'GET', path: pathOf(app), use: 'read', ...how };
      const answer = await read(call, decodeApplication);
      return !answer.ok && isNotFound(answer.trouble) ? { ok: true, value: [] } : answer;
    },

    async register(instance, signal) {
      const body = encodeRegistration(instance);
      const path = pathOf(instance.app);
      return read({ method: 'POST', path, body, use: 'write', signal }, () => undefined);
    },

    renew: (app, id, signal) =>
      found({ method: 'PUT', path: pathOf(app, id), use: 'write', signal, expects: 'text' }),

    cancel: (app, id, signal) =>
      found({ method: 'DELETE', path: pathOf(app, id), use: 'write', signal, expects: 'text' }),

    async setStatus({ app, id, status }, signal) {
      const path = `${pathOf(app, id)}/status?value=${status}`;
      // An override sets it, and its end leaves it set: nothing of ours hides what comes later.
      for (const method of ['PUT', 'DELETE'] as const) {
        const call: Call = { method, path, use: 'write', signal, expects: 'text' };
        const answer = await read(call, () => undefined);
        if (!answer.ok) return answer;
      }
      return { ok: true, value: undefined };
    },

    async state() {
      const status = await http.call({
        method: 'GET',
        path: '/status',
        use: 'read',
        expects: 'text',
      });
      const root = http.address.basePath.replace(/\/eureka$/, '');
      const page = await http.call({
        method: 'GET',
        path: `${root}/`,
        use: 'read',
        expects: 'page',
      });
      return {
        peers: status.kind === 'ok' ? peersIn(String(status.body)) : undefined,
        selfPreservation: page.kind === 'ok' ? selfPreservationIn(String(page.body)) : undefined,
      };
    },
  };
}

/** True for an id that Eureka can list and never be asked for (peers.md §3, "API"). */
export function isUnreachableId(id: string): boolean {
  return /[/\\]|^\.{0,2}$/.test(id);
}

function isNotFound(trouble: Trouble): boolean {
  return trouble.kind === 'refused' && trouble.status === 404;
}

function pathOf(app: string, id?: string): string {
  const path = `/apps/${encodeURIComponent(app)}`;
  return id === undefined ? path : `${path}/${encodeURIComponent(id)}`;
}

/** `/status` answers XML alone. */
function peersIn(xml: string): readonly string[] | undefined {
  const match = /<registered-replicas>([^<]*)<\/registered-replicas>/.exec(xml);
  return match?.[1]?.split(',').flatMap((each) => (each.trim() === '' ? [] : [each.trim()]));
}

/** Only the page for people shows it. */
function selfPreservationIn(page: string): ServerState['selfPreservation'] {
  if (/SELF PRESERVATION MODE IS TURNED OFF/i.test(page)) return 'off';
  const expires = /Lease expiration enabled\s*<\/td>\s*<td>\s*(true|false)/i.exec(page)?.[1];
  if (expires === undefined) return undefined;
  return expires === 'true' ? 'not-in-force' : 'in-force';
}
