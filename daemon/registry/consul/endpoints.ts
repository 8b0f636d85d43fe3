// Addresses: Consul has one host and one port, the common model a list of endpoints with schemes.

import type { StringMap } from '../../model/service.ts';
import { contentKeys } from './metadata.ts';
import type { ConsulInstance } from './wire.ts';

/** Where consumers at Consul find an instance. */
export interface Place {
  readonly address: string;
  readonly port: number;
  readonly secure: boolean;
}

/** Stands where an instance has no address that Consul could hold: the node's, which is none either. */
const nowhere: Place = { address: '', port: 0, secure: false };
/** Schemes that a consumer at Consul can be expected to speak. */
const preferred = new Set(['http', 'https', 'rest']);

/** Gives where an instance is, as Consul's consumers read it. */
export function placeIn(
  instance: Pick<ConsulInstance, 'address' | 'nodeAddress' | 'port'> & { readonly meta: StringMap },
): Place {
  return {
    address: instance.address === '' ? instance.nodeAddress : instance.address,
    port: instance.port,
    secure: instance.meta[contentKeys.secure] === 'true',
  };
}

/** Gives the endpoints that a place means, as ServiceComb writes them; none without a port. */
export function endpointsOf({ address, port, secure }: Place): readonly string[] {
  if (address === '' || port < 1 || port > 65_535) return [];
  const host = address.includes(':') && !address.startsWith('[') ? `[${address}]` : address;
  return [`rest://${host}:${port}${secure ? '?sslEnabled=true' : ''}`];
}

/** Gives the place of an instance with these endpoints: a plain one before a secure one, HTTP first. */
export function placeOf(endpoints: readonly string[]): Place {
  const parsed = endpoints.flatMap((endpoint) => parse(endpoint) ?? []);
  return firstOf(parsed, false) ?? firstOf(parsed, true) ?? nowhere;
}

interface Endpoint extends Place {
  readonly scheme: string;
}

function parse(endpoint: string): Endpoint | undefined {
  const match = /^([a-z][a-z0-9+.-]*):\/\/(\[[0-9a-f:.]+\]|[^/?#:@\s]+):(\d{1,5})(?:[/?#]|$)/i.exec(
    endpoint,
  );
  const port = Number(match?.[3]);
  if (match?.[1] === undefined || match[2] === undefined || port < 1 || port > 65_535) {
    return undefined;
  }
  const scheme = match[1].toLowerCase();
  const secure = scheme === 'https' || /[?&]sslEnabled=true(?:&|#|$)/i.test(endpoint);
  return { scheme, address: match[2].replace(/^\[|\]$/g, ''), port, secure };
}

function firstOf(endpoints: readonly Endpoint[], secure: boolean): Place | undefined {
  const fitting = endpoints.filter((endpoint) => endpoint.secure === secure);
  const first = fitting.find(({ scheme }) => preferred.has(scheme)) ?? fitting[0];
  return first === undefined ? undefined : { address: first.address, port: first.port, secure };
}
