// Addresses: Eureka has one host with a plain and a secure port, the common model a list of endpoints
// with schemes.

import type { EurekaInstance } from './wire.ts';

type Place = Pick<EurekaInstance, 'ipAddr' | 'hostName' | 'port' | 'securePort'>;

/** Stands where an instance has no address that Eureka could hold: it must name one. */
const noHost = '0.0.0.0';
/** Schemes that a consumer at Eureka can be expected to speak. */
const preferred = new Set(['http', 'https', 'rest']);

/** Gives the endpoints that the ports of an instance mean, as ServiceComb writes them. */
export function endpointsOf({ ipAddr, hostName, port, securePort }: Place): readonly string[] {
  const host = bracketed(ipAddr === '' ? hostName : ipAddr);
  return [
    ...(port === undefined ? [] : [`rest://${host}:${port}`]),
    ...(securePort === undefined ? [] : [`rest://${host}:${securePort}?sslEnabled=true`]),
  ];
}

/**
 * Gives where consumers at Eureka find an instance with these endpoints: the first plain address and
 * the first secure one of the same host, those with HTTP before others. The host stands as `hostName`
 * too: Spring Cloud dials that one.
 */
export function placeOf(endpoints: readonly string[]): Place {
  const parsed = endpoints.flatMap((endpoint) => parse(endpoint) ?? []);
  const plain = firstOf(parsed, false);
  const secure = firstOf(parsed, true);
  const main = plain ?? secure;
  if (main === undefined) {
    return { ipAddr: noHost, hostName: noHost, port: undefined, securePort: undefined };
  }
  return {
    ipAddr: main.host.replace(/^\[|\]$/g, ''),
    hostName: main.host,
    port: plain?.port,
    securePort: secure?.host === main.host ? secure.port : undefined,
  };
}

interface Endpoint {
  readonly scheme: string;
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
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
  return { scheme, host: match[2], port, secure };
}

function firstOf(endpoints: readonly Endpoint[], secure: boolean): Endpoint | undefined {
  const fitting = endpoints.filter((endpoint) => endpoint.secure === secure);
  return fitting.find(({ scheme }) => preferred.has(scheme)) ?? fitting[0];
}

function bracketed(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}
