// Addresses as the checks look at them.

import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { HostPort } from './check.ts';

/** The gossip port where an address names none. */
const defaultGossipPort = 30_190;

/** Reads `host`, `host:port` or `[ipv6]:port`. */
export function splitAddress(address: string): HostPort {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(address);
  const host = match?.[1] ?? match?.[2] ?? address;
  return { host, port: match?.[3] === undefined ? defaultGossipPort : Number(match[3]) };
}

/** Gives `host:port`, with brackets around an IPv6 address. */
export function joinAddress({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::' || host === '';
}

/** True for what only this machine can reach. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

/** Whether this machine can bind to the address; names are left to the resolver. */
export function isOwnAddress(host: string): boolean {
  if (isWildcard(host) || isLoopback(host) || isIP(host) === 0) return true;
  return Object.values(networkInterfaces()).some((list) =>
    (list ?? []).some(({ address }) => address === host),
  );
}
