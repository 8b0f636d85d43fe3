// The state of the daemon as the control API shows it: sync, pool and health side by side, nothing
// computed that was not measured.

import { assess } from '../health/assess.ts';
import type { LeadView } from '../health/cluster-conditions.ts';
import { overallOf, probes, sentence } from '../health/summary.ts';
import { readTags } from '../membership/tags.ts';
import type { PoolMember } from '../gossip/pool.ts';
import type { LagFigures, PeerStatus, SyncStatus } from '../sync/engine.ts';
import type {
  Figures,
  Lag,
  Link,
  Member,
  Members,
  Peer,
  Registry,
  State,
  Summary,
} from '../../proto/gen/syncer/control/v1/control.ts';
import type { ControlBackend } from './ports.ts';

/** Gives the whole state as of now. */
export function viewState(backend: ControlBackend): State {
  const nowMs = backend.clock.nowMs();
  const sync = backend.engine.status();
  return {
    nowMs,
    identity: {
      cluster: backend.identity.cluster,
      node: backend.identity.node,
      version: backend.identity.version,
      startedMs: backend.identity.startedMs,
      role: sync.role,
    },
    summary: viewSummary(backend, sync, nowMs),
    registry: viewRegistry(sync),
    figures: viewFigures(sync),
    peers: { peers: sync.peers.map(viewPeer) },
    links: { links: viewLinks(backend, sync) },
    members: viewMembers(backend),
  };
}

function viewSummary(backend: ControlBackend, sync: SyncStatus, nowMs: number): Summary {
  const conditions = assess({
    nowMs,
    node: backend.identity.node,
    sync,
    members: backend.pool?.members(),
    join: backend.joinState(),
    view: backend.poolView(),
    lead: leadOf(backend),
    troubles: backend.troubles(),
  });
  return {
    overall: overallOf(sync, conditions, nowMs),
    sentence: [...sentence(sync, conditions, nowMs)],
    conditions: conditions.map(({ clause: _, ...condition }) => condition),
    ...probes(sync),
  };
}

/** Who leads, as this replica knows it; `undefined` for a syncer alone. */
function leadOf(backend: ControlBackend): LeadView | undefined {
  const view = backend.replicas?.view();
  if (view === undefined) return undefined;
  const { trouble, leaderlessMs } = view;
  return { cluster: backend.identity.cluster, trouble, leaderlessMs };
}

function viewRegistry(sync: SyncStatus): Registry {
  const { condition, registry } = sync;
  const known = condition.state === 'answering';
  return {
    kind: registry.kind,
    address: registry.address,
    version: registry.version,
    findings: { ...registry.findings },
    state: condition.state,
    reason: known ? '' : condition.reason,
    detail: known ? '' : condition.detail,
    sinceMs: sync.conditionSinceMs,
    roundMs: registry.roundMs,
    intervalMs: registry.intervalMs,
  };
}

function viewFigures(sync: SyncStatus): Figures {
  return {
    pausedAll: sync.pausedAll,
    nativeServices: sync.nativeServices,
    nativeInstances: sync.nativeInstances,
    foreignServices: sync.foreignServices,
    foreignInstances: sync.foreignInstances,
    exportedServices: sync.exportedServices,
    exportedInstances: sync.exportedInstances,
    exportEpoch: sync.exportEpoch,
    exportRevision: sync.exportRevision,
    queueWaiting: sync.queue.waiting,
    queueInFlight: sync.queue.inFlight,
    writesPerSecond: sync.queue.writesPerSecond,
    etaMs: sync.queue.etaMs,
    leasesKept: sync.leases.kept,
    leasesInTimeShare: sync.leases.inTimeShare,
    leasesLastRoundMs: sync.leases.lastRoundMs,
    held: sync.peers.reduce((sum, peer) => sum + peer.held, 0),
    conflicts: sync.conflicts,
    storeTrouble: sync.storeTrouble,
    lag: slowestLag(sync.peers),
  };
}

function viewPeer(peer: PeerStatus): Peer {
  return { ...peer, lag: viewLag(peer.lag) };
}

function viewLag(lag: LagFigures): Lag {
  return { ...lag };
}

/** The figures of the slowest edge stand for all: an average over edges would hide it. */
function slowestLag(peers: readonly PeerStatus[]): Lag | undefined {
  const measured = peers.filter(({ lag }) => lag.samples > 0).map(({ lag }) => lag);
  const first = measured[0];
  if (first === undefined) return undefined;
  return {
    windowSeconds: first.windowSeconds,
    samples: measured.reduce((sum, lag) => sum + lag.samples, 0),
    p50Ms: largest(measured.map((lag) => lag.p50Ms)),
    p99Ms: largest(measured.map((lag) => lag.p99Ms)),
    worstMs: largest(measured.map((lag) => lag.worstMs)),
    lastSampleMs: largest(measured.map((lag) => lag.lastSampleMs)),
  };
}

function largest(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

/** Both directions: what we import, measured here, and who reads our export. */
function viewLinks(backend: ControlBackend, sync: SyncStatus): Link[] {
  const own = sync.cluster;
  const incoming = sync.peers.map((peer): Link => ({
    from: peer.cluster,
    to: own,
    state: peer.paused || sync.pausedAll ? 'paused' : peer.link,
    reason: peer.linkReason,
    sinceMs: peer.sinceMs,
    instances: peer.copies,
    lag: viewLag(peer.lag),
    provenEqualMs: peer.provenEqualMs,
    roundTripMs: peer.roundTripMs,
    acknowledgedRevision: undefined,
    transport: peer.link === 'connected' ? 'subscribe' : '',
  }));
  const outgoing = backend.exportLinks().map((link): Link => ({
    from: own,
    to: link.cluster,
    state: link.state,
    reason: link.reason,
    sinceMs: link.sinceMs,
    // How much of it became copies there, and how fast, only the peer measures.
    instances: undefined,
    lag: undefined,
    provenEqualMs: undefined,
    roundTripMs: undefined,
    acknowledgedRevision: link.acknowledgedRevision,
    transport: link.state === 'connected' ? link.transport : '',
  }));
  return [...incoming, ...outgoing];
}

function viewMembers(backend: ControlBackend): Members {
  const join = backend.joinState();
  return {
    members: listMembers(backend),
    joinState: backend.pool === undefined ? 'off' : (join?.state ?? 'alone'),
    joinFailures: (join?.failures ?? []).map((failure) => ({ ...failure })),
  };
}

/** Gives the members of the pool, ourselves first, then by cluster and name. */
export function listMembers(backend: ControlBackend): Member[] {
  const { pool } = backend;
  if (pool === undefined) return [];
  const order = (member: Member): string =>
    `${member.self ? 0 : 1}|${member.cluster}|${member.name}`;
  return pool
    .members()
    .map((member) => viewMember(member, member.name === pool.node))
    .sort((a, b) => (order(a) < order(b) ? -1 : 1));
}

function viewMember(member: PoolMember, self: boolean): Member {
  return {
    name: member.name,
    address: member.address,
    port: member.port,
    status: member.status,
    tags: { ...member.tags },
    cluster: readTags(member)?.cluster ?? '',
    roundTripMs: self ? undefined : member.roundTripMs,
    sinceMs: member.sinceMs,
    self,
  };
}
