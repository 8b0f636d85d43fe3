// From the members of the pool to the clusters to replicate with: a pure function, run again on
// every change of membership.

import type { PoolMember } from '../gossip/pool.ts';
import { readTags, type SyncerTags } from './tags.ts';

/** A cluster as the pool shows it. */
export interface PeerCluster {
  readonly cluster: string;
  readonly registry: string;
  /** RPC addresses (`host:port`) of the members to dial, live ones first; the order is stable. */
  readonly addresses: readonly string[];
  readonly tls: boolean;
  /** `live`: a member is alive; `silent`: all have failed; `left`: all have announced leaving. */
  readonly presence: 'live' | 'silent' | 'left';
  /** False for Go syncers: seen, and not replicated with. */
  readonly replicates: boolean;
}

/** Two sites that claim one cluster name: replicating with both would mix their registries. */
export interface IdentityConflict {
  readonly cluster: string;
  /** The registry identity that is kept to, and the members that have it. */
  readonly kept: string;
  readonly keptMembers: readonly string[];
  readonly refusedMembers: readonly string[];
  /** True when the name is our own: we ourselves are one of the two sites. */
  readonly own: boolean;
}

export interface PoolView {
  readonly peers: readonly PeerCluster[];
  readonly conflicts: readonly IdentityConflict[];
  /** Replicas of our own cluster, ourselves among them. */
  readonly replicas: readonly PoolMember[];
}

interface Candidate {
  readonly member: PoolMember;
  readonly tags: SyncerTags;
}

/**
 * Groups the pool by cluster. `pins` remembers the registry identity that each cluster name was
 * first seen with, and is added to: whoever comes later with another registry is refused by name,
 * never merged.
 */
export function viewPool(
  members: readonly PoolMember[],
  own: { readonly cluster: string; readonly registry: string },
  pins: Map<string, string>,
): PoolView {
  const byCluster = new Map<string, Candidate[]>();
  for (const member of [...members].sort((a, b) => compareText(a.name, b.name))) {
    const tags = readTags(member);
    if (tags === undefined || member.status === 'none') continue;
    const list = byCluster.get(tags.cluster);
    if (list === undefined) byCluster.set(tags.cluster, [{ member, tags }]);
    else list.push({ member, tags });
  }
  const peers: PeerCluster[] = [];
  const conflicts: IdentityConflict[] = [];
  let replicas: readonly PoolMember[] = [];
  for (const [cluster, candidates] of byCluster) {
    // Our own name is never given up by us; who else bears it is refused.
    const kept = cluster === own.cluster ? own.registry : pinFor(cluster, candidates, pins);
    const accepted = candidates.filter(({ tags }) => agrees(tags, kept));
    // A member that left or failed takes no one's name: only live ones are in conflict.
    const refused = candidates.filter(({ member, tags }) => isLive(member) && !agrees(tags, kept));
    if (refused.length > 0) {
      conflicts.push({
        cluster,
        kept,
        keptMembers: accepted.filter(({ member }) => isLive(member)).map(nameOf),
        refusedMembers: refused.map(nameOf),
        own: cluster === own.cluster,
      });
    }
    if (cluster === own.cluster) replicas = accepted.map(({ member }) => member);
    else if (accepted.length > 0) peers.push(peerOf(cluster, kept, accepted));
  }
  return { peers, conflicts, replicas };
}

function peerOf(cluster: string, registry: string, candidates: readonly Candidate[]): PeerCluster {
  const live = candidates.filter(({ member }) => isLive(member));
  const silent = candidates.filter(({ member }) => member.status === 'failed');
  const dialled = [...live, ...silent];
  const speaker = live[0] ?? silent[0] ?? candidates[0];
  return {
    cluster,
    registry,
    addresses: dialled.map(({ member, tags }) => hostPort(member.address, tags.rpcPort)),
    tls: speaker?.tags.tls ?? false,
    presence: live.length > 0 ? 'live' : silent.length > 0 ? 'silent' : 'left',
    replicates: (speaker?.tags.api ?? 0) > 0,
  };
}

/**
 * The identity that a cluster name stands for: the one first seen, else that of the first live
 * member. It gives way only when none of its members is left to come back: a site that has failed
 * keeps its name, or whoever took it would pass for that site with an empty registry.
 */
function pinFor(
  cluster: string,
  candidates: readonly Candidate[],
  pins: Map<string, string>,
): string {
  const pinned = pins.get(cluster);
  const present = candidates.filter(({ member }) => member.status !== 'left');
  if (
    pinned !== undefined &&
    (present.length === 0 || present.some(({ tags }) => agrees(tags, pinned)))
  ) {
    return pinned;
  }
  const first = present.find(({ member }) => isLive(member)) ?? candidates[0];
  const chosen = first?.tags.registry ?? '';
  if (chosen !== '') pins.set(cluster, chosen);
  return chosen;
}

/** A member that does not say its registry (a Go syncer) cannot be told apart, and is let in. */
function agrees(tags: SyncerTags, registry: string): boolean {
  return tags.registry === '' || registry === '' || tags.registry === registry;
}

function isLive(member: PoolMember): boolean {
  return member.status === 'alive' || member.status === 'leaving';
}

function nameOf({ member }: Candidate): string {
  return `${member.name} (${hostPort(member.address, member.port)})`;
}

/** Gives `host:port`, with brackets around an IPv6 address. */
export function hostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
