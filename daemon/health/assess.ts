// From what is measured to what is wrong: a pure function over the status of sync, the members of
// the pool and the joining. Nothing is guessed: what was not measured raises no alarm and no praise.

import type { PoolMember, PoolTrouble } from '../gossip/pool.ts';
import type { JoinState } from '../membership/join-keeper.ts';
import type { PoolView } from '../membership/peers.ts';
import type { SyncStatus } from '../sync/engine.ts';
import type { Severity } from '../../proto/health.ts';
import { leadConditions, type LeadView } from './cluster-conditions.ts';
import { condition, type Condition } from './condition.ts';
import { peerConditions } from './peer-conditions.ts';
import { poolConditions } from './pool-conditions.ts';

/** What health is assessed from. */
export interface HealthInput {
  readonly nowMs: number;
  /** Our own node name. */
  readonly node: string;
  readonly sync: SyncStatus;
  /** `undefined`: the daemon runs without a pool. */
  readonly members: readonly PoolMember[] | undefined;
  readonly join: JoinState | undefined;
  readonly view: PoolView | undefined;
  /** `undefined`: a syncer alone. */
  readonly lead?: LeadView | undefined;
  /** Troubles of the pool in the last minutes. */
  readonly troubles: readonly (PoolTrouble & { readonly lastMs: number })[];
}

/** The queue is a backlog when emptying it takes longer than this. Raising it hides slow writes. */
const backlogEtaMs = 60_000;
/** Without a known rate, so many waiting writes are a backlog. Raising it hides a stuck queue. */
const backlogCount = 1_000;
/** Below this share of leases renewed in time, copies are about to expire. */
const leasesInTimeShare = 0.99;

/** Gives all conditions, the worst first, then the oldest. */
export function assess(input: HealthInput): readonly Condition[] {
  return [
    ...registryConditions(input.sync),
    ...input.sync.peers.flatMap((peer) => peerConditions(peer, input.nowMs)),
    ...poolConditions(input),
    ...(input.lead === undefined ? [] : leadConditions(input.lead, input.nowMs)),
    ...syncConditions(input.sync),
  ].sort(worstFirst);
}

const rank: Readonly<Record<Severity, number>> = { error: 0, warning: 1, info: 2 };

function worstFirst(a: Condition, b: Condition): number {
  const bySeverity = rank[a.severity] - rank[b.severity];
  if (bySeverity !== 0) return bySeverity;
  const aSince = a.sinceMs ?? Number.MAX_SAFE_INTEGER;
  const bSince = b.sinceMs ?? Number.MAX_SAFE_INTEGER;
  if (aSince !== bSince) return aSince - bSince;
  return `${a.code} ${a.subject}` < `${b.code} ${b.subject}` ? -1 : 1;
}

function registryConditions(sync: SyncStatus): readonly Condition[] {
  const state = sync.condition;
  if (state.state === 'answering') return [];
  return [
    condition(`registry-${state.reason}`, {
      subject: sync.registry.address,
      sinceMs: sync.conditionSinceMs,
      values: { detail: state.detail },
    }),
  ];
}

function syncConditions(sync: SyncStatus): readonly Condition[] {
  const found: Condition[] = [];
  const held = sync.peers.reduce((sum, peer) => sum + peer.held, 0);
  if (held > 0) {
    const clusters = sync.peers.filter((peer) => peer.held > 0).map((peer) => peer.cluster);
    found.push(
      condition('held-removals', {
        subject: clusters.join(', '),
        values: { count: held, clusters: clusters.join(', ') },
      }),
    );
  }
  if (sync.pausedAll) found.push(condition('paused-all', { subject: '' }));
  if (isBacklog(sync.queue)) {
    const { waiting, etaMs } = sync.queue;
    found.push(
      condition('queue-backlog', {
        subject: '',
        values: {
          count: waiting,
          known: etaMs === undefined ? 'no' : 'yes',
          eta: etaMs === undefined ? '' : { durationMs: etaMs },
        },
      }),
    );
  }
  const share = sync.leases.inTimeShare;
  if (share !== undefined && share < leasesInTimeShare) {
    found.push(
      condition('leases-late', {
        subject: '',
        // Rounded down: 98.99 % must not read as 99 %.
        values: { percent: Math.floor(share * 100), count: sync.leases.kept },
      }),
    );
  }
  if (sync.conflicts > 0) {
    found.push(condition('service-conflicts', { subject: '', values: { count: sync.conflicts } }));
  }
  if (sync.storeTrouble !== undefined) {
    found.push(condition('store-trouble', { subject: '', values: { detail: sync.storeTrouble } }));
  }
  return found;
}

function isBacklog({ waiting, etaMs }: SyncStatus['queue']): boolean {
  return etaMs === undefined ? waiting >= backlogCount : waiting > 0 && etaMs > backlogEtaMs;
}
