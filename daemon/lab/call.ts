// One call of the API taken apart, and how its parts are read and answered.

import type { ServiceKey, Tenant } from './content.ts';
import type { Answer } from './http.ts';
import { json } from './http.ts';
import type { Registry } from './registry.ts';
import type { ServerFacts } from './server-facts.ts';

/** One call, taken apart. */
export interface Call {
  readonly registry: Registry;
  readonly facts: ServerFacts;
  readonly tenant: Tenant;
  /** The parts of the path that stand for names, in their order. */
  readonly names: readonly string[];
  readonly query: URLSearchParams;
  readonly body: string;
  readonly consumerId: string;
  readonly who: string;
}

export interface Route {
  readonly method: string;
  /** `:` stands for a name. The project is the first name of every `/v4/` path. */
  readonly path: string;
  readonly handle: (call: Call) => Answer;
  readonly bodyLimit?: number;
}

/** Where the calls of a registry begin, and those of one service. */
export const root = '/v4/:/registry';
export const one = `${root}/microservices/:`;

/** What a body is refused with that is not JSON, or not of the right shape. */
export const unmarshal = 'Unmarshal error';

/** Gives the key that a query names. */
export function queryKey(query: URLSearchParams): ServiceKey {
  return {
    environment: query.get('env') ?? '',
    appId: query.get('appId') ?? '',
    serviceName: query.get('serviceName') ?? '',
    version: query.get('version') ?? '',
  };
}

/** A list under its name; an empty one is left out. */
export function listOf(name: string, list: readonly unknown[] | undefined): Answer {
  return json(list === undefined || list.length === 0 ? {} : { [name]: list });
}
