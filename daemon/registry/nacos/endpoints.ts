// Addresses: Nacos has one host and one port for an instance, the common model a list of endpoints with
// schemes.

import { hash52 } from '../../support/hash.ts';
import type { StringMap } from '../../model/service.ts';
import { secureKey } from './metadata-keys.ts';
import type { Address } from './wire.ts';

/** An address, and whether TLS is spoken there. */
interface Dial extends Address {
  readonly secure: boolean;
}

/** Schemes that a consumer at Nacos can be expected to speak. */
const preferred = new Set(['http', 'https', 'rest']);
/** What Dubbo writes as the protocol of an instance. */
const protocolKey = 'protocol';

/** Gives the endpoints that the address of an instance means, as ServiceComb writes them. */
export function endpointsOf({ ip, port }: Address, metadata: StringMap): readonly string[] {
  if (isAside({ ip, port }) || port === 0) return [];
  const host = ip.includes(':') && !ip.startsWith('[') ? `[${ip}]` : ip;
  const protocol = metadata[protocolKey] ?? '';
  const scheme = /^[a-z][a-z0-9+.-]{0,31}$/.test(protocol) ? protocol : 'rest';
  const query = metadata[secureKey] === 'true' && scheme === 'rest' ? '?sslEnabled=true' : '';
  return [`${scheme}://${host}:${port}${query}`];
}

/**
 * Gives where consumers at Nacos find an instance with these endpoints: those with HTTP before others,
 * plain ones before secure ones. `undefined`: they name no address.
 */
export function dialOf(endpoints: readonly string[]): Dial | undefined {
  const parsed = endpoints.flatMap((endpoint) => parse(endpoint) ?? []);
  const rank = ({ scheme, secure }: Endpoint): number =>
    (preferred.has(scheme) ? 0 : 2) + (secure ? 1 : 0);
  return parsed.sort((left, right) => rank(left) - rank(right))[0];
}

/**
 * Gives an address where nothing is ever dialled, for a copy that has none or whose own is taken: one
 * of the block 0.0.0.0/8, by its id.
 */
export function asideOf(instanceId: string): Address {
  const number = hash52(instanceId);
  const byte = (shift: number): number => Math.floor(number / 2 ** shift) % 256;
  return {
    ip: `0.${byte(0)}.${byte(8)}.${byte(16)}`,
    port: 1 + (Math.floor(number / 2 ** 24) % 65_000),
  };
}

/** True for an address by `asideOf`. */
export function isAside({ ip }: Address): boolean {
  return /^0\.\d+\.\d+\.\d+$/.test(ip);
}

export function sameAddress(left: Address, right: Address): boolean {
  return left.ip === right.ip && left.port === right.port;
}

interface Endpoint extends Dial {
  readonly scheme: string;
}

function parse(endpoint: string): Endpoint | undefined {
  const match = /^([a-z][a-z0-9+.-]*):\/\/(\[[0-9a-f:.]+\]|[\w.-]+):(\d{1,5})(?:[/?#]|$)/i.exec(
    endpoint,
  );
  const port = Number(match?.[3]);
  if (match?.[1] === undefined || match[2] === undefined || port < 1 || port > 65_535) {
    return undefined;
  }
  const ip = match[2].replace(/^\[|\]$/g, '');
  if (isAside({ ip, port })) return undefined;
  const scheme = match[1].toLowerCase();
  const secure = scheme === 'https' || /[?&]sslEnabled=true(?:&|#|$)/i.test(endpoint);
  return { scheme, ip, port, secure };
}
