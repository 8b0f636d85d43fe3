// The tags by which syncers know each other in the pool. The first four are the Go syncer's
// (go-syncer.md §3), so that both kinds share a pool; the others are ours.

import { hash } from 'node:crypto';
import type { PoolMember } from '../gossip/pool.ts';

const keys = {
  cluster: 'syncer-cluster-name',
  clusterPort: 'syncer-cluster-port',
  rpcPort: 'syncer-rpc-port',
  tls: 'syncer-tls-enabled',
  /** Highest `syncer.replication` version spoken; the Go syncer has none. */
  api: 'syncer-api',
  /** Which registry the member stands beside (`registryIdentity`). */
  registry: 'syncer-registry',
} as const;

/** What a syncer says of itself in the pool. */
export interface SyncerTags {
  readonly cluster: string;
  readonly rpcPort: number;
  readonly tls: boolean;
  readonly clusterPort: number;
  /** 0: a Go syncer, which does not speak our replication. */
  readonly api: number;
  /** Empty: not said. */
  readonly registry: string;
}

/** Gives the tags of a member, ≤ 512 bytes encoded for any sane cluster name. */
export function writeTags(tags: SyncerTags): Readonly<Record<string, string>> {
  return {
    [keys.cluster]: tags.cluster,
    [keys.clusterPort]: String(tags.clusterPort),
    [keys.rpcPort]: String(tags.rpcPort),
    [keys.tls]: String(tags.tls),
    [keys.api]: String(tags.api),
    [keys.registry]: tags.registry,
  };
}

/** Gives what a member says of itself, or `undefined` when it is no syncer (a plain serf agent). */
export function readTags(member: Pick<PoolMember, 'tags'>): SyncerTags | undefined {
  const { tags } = member;
  const cluster = tags[keys.cluster];
  const rpcPort = portOf(tags[keys.rpcPort]);
  if (cluster === undefined || cluster === '' || rpcPort === 0) return undefined;
  return {
    cluster,
    rpcPort,
    tls: tags[keys.tls] === 'true',
    clusterPort: portOf(tags[keys.clusterPort]),
    api: Number.parseInt(tags[keys.api] ?? '0', 10) || 0,
    registry: tags[keys.registry] ?? '',
  };
}

function portOf(text: string | undefined): number {
  const port = Number(text ?? '');
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : 0;
}

/**
 * Gives a short identity of the registry that a syncer stands beside: equal for the replicas of one
 * cluster, different for two sites. A loopback address means another registry on every machine, so
 * it counts as the address of the machine that uses it (the Go syncer hashed the text alone, and
 * two sites with the default address took each other for one cluster).
 */
export function registryIdentity(addresses: readonly string[], ownHost: string): string {
  const places = addresses.map((address) => {
    const url = new URL(address);
    const host = isLoopback(url.hostname) ? ownHost : url.hostname.toLowerCase();
    return `${url.protocol}//${host}:${url.port}${url.pathname.replace(/\/+$/, '')}`;
  });
  return hash('sha1', places.sort().join(','), 'hex').slice(0, 12);
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
}
