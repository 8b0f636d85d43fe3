// Which address peers are told to dial (serf-wire.md §1).

import { isIPv4 } from 'node:net';
import type { Transport } from '../transport/transport.ts';
import type { MemberlistConfig } from './config.ts';
import { addressBytes } from './node.ts';

/** The advertised address as bytes, and its port. Throws when there is none to advertise. */
export function advertisedAddress(
  config: MemberlistConfig,
  transport: Transport,
): { readonly addr: Uint8Array; readonly port: number } {
  const { local } = transport;
  if (config.advertise !== undefined) {
    const port = config.advertise.port === 0 ? local.port : config.advertise.port;
    return { addr: addressBytes(config.advertise.host), port };
  }
  if (local.host !== '0.0.0.0' && local.host !== '::') {
    return { addr: addressBytes(local.host), port: local.port };
  }
  const host = preferred(transport.hostAddresses());
  if (host === undefined) {
    throw new Error(
      `bound to ${local.host}, and this host has no address beside loopback: say which address ` +
        'to advertise',
    );
  }
  return { addr: addressBytes(host), port: local.port };
}

/** Private IPv4 first, as memberlist picks it; then any IPv4, then IPv6. */
function preferred(hosts: readonly string[]): string | undefined {
  return (
    hosts.find((host) => /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)/.test(host)) ??
    hosts.find((host) => isIPv4(host)) ??
    hosts[0]
  );
}
