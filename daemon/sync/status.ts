// Where synchronisation stands, in figures that were counted or measured.

import type { RegistryCondition, RegistryFacts } from '../registry/driver.ts';
import type { Store } from '../store/ports.ts';
import { absencePhase } from './absence.ts';
import { silenceOf, type DesiredState } from './desired.ts';
import type { PeerStatus, SyncStatus } from './engine.ts';
import type { ExportLog } from './export-log.ts';
import type { HeldRemovals } from './held-removals.ts';
import type { LeaseKeeper } from './lease-keeper.ts';
import type { LocalView } from './local-view.ts';
import type { PeerRegistry } from './peer-registry.ts';
import type { PeerState } from './peer-state.ts';
import type { ReadBack } from './read-back.ts';
import type { Reconciler } from './reconciler.ts';
import type { WriteQueue } from './write-queue.ts';
import type { Clock } from '../support/clock.ts';

export interface StatusSources {
  readonly cluster: string;
  readonly role: 'leader' | 'follower';
  readonly facts: RegistryFacts;
  readonly condition: RegistryCondition;
  readonly conditionSinceMs: number;
  readonly view: LocalView;
  readonly log: ExportLog;
  readonly peers: PeerRegistry;
  readonly desired: DesiredState;
  readonly reconciler: Reconciler;
  readonly queue: WriteQueue;
  readonly leases: LeaseKeeper;
  readonly held: HeldRemovals;
  readonly readBack: ReadBack;
  readonly store: Pick<Store, 'trouble'>;
  readonly clock: Clock;
}

export function syncStatus(sources: StatusSources): SyncStatus {
  const { view, log, queue, leases, peers } = sources;
  const counts = countPlans(sources.reconciler);
  let nativeServices = 0;
  let foreignServices = 0;
  for (const { madeBy } of view.services()) {
    if (madeBy === undefined) nativeServices++;
    else foreignServices++;
  }
  let foreignInstances = 0;
  for (const cluster of view.clusters()) foreignInstances += view.copiesOf(cluster);
  return {
    cluster: sources.cluster,
    role: sources.role,
    registry: sources.facts,
    condition: sources.condition,
    conditionSinceMs: sources.conditionSinceMs,
    pausedAll: peers.pausedAll,
    nativeServices,
    nativeInstances: view.nativeInstances,
    foreignServices,
    foreignInstances,
    exportedServices: log.serviceCount,
    exportedInstances: log.size - log.serviceCount,
    exportEpoch: log.epoch,
    exportRevision: log.revision,
    queue: {
      waiting: queue.waiting,
      inFlight: queue.inFlight,
      writesPerSecond: queue.writesPerSecond,
      etaMs: queue.etaMs,
    },
    leases: leases.figures(),
    peers: [...peers.all.values()].map((peer) => peerStatus(sources, peer, counts.pending)),
    conflicts: counts.conflicts,
    storeTrouble: sources.store.trouble,
  };
}

function peerStatus(
  sources: StatusSources,
  peer: PeerState,
  pending: ReadonlyMap<string, number>,
): PeerStatus {
  const { cluster } = peer;
  const copies = sources.view.copiesOf(cluster);
  return {
    cluster,
    link: peer.linkState,
    linkReason: peer.linkReason,
    sinceMs: peer.sinceMs,
    lastHeardMs: peer.heardHere ? peer.lastHeardMs : undefined,
    originHealth: peer.health.state,
    originReason: peer.health.reason,
    provenEqualMs: peer.provenEqualMs,
    clockOffsetMs: peer.clockOffsetMs,
    roundTripMs: peer.roundTripMs,
    services: peer.serviceCount,
    instances: peer.instanceCount,
    copies,
    pending: pending.get(cluster) ?? 0,
    held: sources.held.countOf(cluster),
    expiresAtMs: copies === 0 ? undefined : earliestExpiry(sources, peer),
    paused: sources.peers.isPaused(cluster),
    lag: sources.readBack.meter(cluster).figures(),
  };
}

/** When the first copies of a silent peer go, by the policies that its services are under. */
function earliestExpiry(sources: StatusSources, peer: PeerState): number | undefined {
  const policies = new Set(
    [...peer.services()].flatMap((source) => {
      const contribution = sources.desired.contributionOf(source);
      return contribution === undefined ? [] : [contribution.verdict.absence];
    }),
  );
  if (policies.size === 0)
    for (const policy of sources.desired.rules.policies) policies.add(policy);
  let earliestMs: number | undefined;
  for (const policy of policies) {
    const phase = absencePhase(policy, silenceOf(peer));
    if (phase.phase === 'present') continue;
    const remainingMs = phase.phase === 'expired' ? 0 : phase.remainingMs;
    if (remainingMs === undefined) continue;
    earliestMs = Math.min(earliestMs ?? Number.POSITIVE_INFINITY, remainingMs);
  }
  return earliestMs === undefined ? undefined : Math.round(sources.clock.nowMs() + earliestMs);
}

function countPlans(reconciler: Reconciler): {
  readonly pending: ReadonlyMap<string, number>;
  readonly conflicts: number;
} {
  const pending = new Map<string, number>();
  let conflicts = 0;
  const count = (cluster: string): void => {
    pending.set(cluster, (pending.get(cluster) ?? 0) + 1);
  };
  for (const { plan } of reconciler.summaries()) {
    for (const { contribution } of plan.adds) count(contribution.peer.cluster);
    for (const { wanted } of plan.updates) count(wanted.contribution.peer.cluster);
    for (const { copy, ground } of plan.unwanted) {
      if (ground.kind === 'tombstone' || ground.kind === 'decision') {
        count(copy.stamp.originCluster);
      }
    }
    for (const { code } of plan.desired.leftOut) if (code === 'conflict') conflicts++;
  }
  return { pending, conflicts };
}
