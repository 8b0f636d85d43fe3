// The whole in one word and one sentence (ui.md, rule 2), and what a supervisor asks: alive, ready?

import type { PeerStatus, SyncStatus } from '../sync/engine.ts';
import type { Text } from '../../proto/gen/syncer/control/v1/control.ts';
import { textOf, type Overall } from '../../proto/health.ts';
import type { Condition } from './condition.ts';
import { staleAfterMs } from './peer-conditions.ts';

/** Conditions that the sentence names; more would not be one sentence. */
const clauseLimit = 2;

/** Gives the one word. A good word needs figures that are younger than their own interval. */
export function overallOf(
  sync: SyncStatus,
  conditions: readonly Condition[],
  nowMs: number,
): Overall {
  if (sync.condition.state === 'unknown' && sync.condition.reason === 'starting') return 'starting';
  if (sync.condition.state === 'unknown') return 'unknown';
  if (conditions.some(({ severity }) => severity === 'error')) return 'degraded';
  if (sync.pausedAll) return 'paused';
  const present = sync.peers.filter((peer) => peer.link !== 'left');
  const held = conditions.some(({ code }) => code === 'held-removals');
  const backlog = conditions.some(({ code }) => code === 'queue-backlog');
  if (conditions.some(({ code, severity }) => severity === 'warning' && isDegrading(code))) {
    return 'degraded';
  }
  if (held) return 'holding';
  if (present.length === 0) return 'alone';
  if (backlog || !present.every((peer) => isInSync(peer, nowMs))) return 'catching-up';
  return 'in-sync';
}

/** Warnings with a word of their own are not called degraded. */
function isDegrading(code: Condition['code']): boolean {
  return code !== 'held-removals' && code !== 'queue-backlog';
}

/** True when a recent heartbeat says that the peer is whole, and nothing of it waits here. */
function isInSync(peer: PeerStatus, nowMs: number): boolean {
  return (
    peer.link === 'connected' &&
    peer.lastHeardMs !== undefined &&
    nowMs - peer.lastHeardMs <= staleAfterMs &&
    peer.originHealth === 'healthy' &&
    peer.pending === 0 &&
    peer.held === 0 &&
    !peer.paused
  );
}

/** Gives the clauses of the sentence, for `renderSentence`: the whole first, then the worst. */
export function sentence(
  sync: SyncStatus,
  conditions: readonly Condition[],
  nowMs: number,
): readonly Text[] {
  const overall = overallOf(sync, conditions, nowMs);
  const said = conditions.flatMap(({ clause }) => (clause === undefined ? [] : [clause]));
  const rest = conditions.filter(
    ({ severity, clause }) => severity === 'error' && clause === undefined,
  ).length;
  const unsaid = Math.max(0, said.length - clauseLimit) + rest;
  return [
    main(overall, sync, nowMs),
    ...(overall === 'in-sync' ? delay(sync) : []),
    ...said.slice(0, clauseLimit),
    ...(unsaid > 0 ? [textOf('health.sentence.more', { count: unsaid })] : []),
  ];
}

function main(overall: Overall, sync: SyncStatus, nowMs: number): Text {
  const present = sync.peers.filter((peer) => peer.link !== 'left');
  const good = present.filter((peer) => isInSync(peer, nowMs)).length;
  switch (overall) {
    case 'in-sync':
      return textOf('health.sentence.in-sync', { count: good });
    case 'degraded':
    case 'holding':
      return present.length === 0
        ? textOf('health.sentence.no-clusters')
        : textOf('health.sentence.partly', { good, total: present.length });
    case 'catching-up':
      return textOf('health.sentence.catching-up', {
        good,
        total: present.length,
        count: sync.queue.waiting + sync.queue.inFlight,
        known: sync.queue.etaMs === undefined ? 'no' : 'yes',
        eta: sync.queue.etaMs === undefined ? '' : { durationMs: sync.queue.etaMs },
      });
    case 'paused':
      return textOf('health.sentence.paused', { count: sync.foreignInstances });
    case 'alone':
      return textOf('health.sentence.alone');
    case 'starting':
      return textOf('health.sentence.starting');
    case 'unknown':
      return textOf('health.sentence.unknown');
  }
}

/** The median and the worst delay over all peers that were measured; nothing where none was. */
function delay(sync: SyncStatus): readonly Text[] {
  const measured = sync.peers.filter((peer) => peer.lag.samples > 0);
  const medians = measured.flatMap(({ lag }) => (lag.p50Ms === undefined ? [] : [lag.p50Ms]));
  const worsts = measured.flatMap(({ lag }) => (lag.worstMs === undefined ? [] : [lag.worstMs]));
  if (medians.length === 0 || worsts.length === 0) return [textOf('health.sentence.delay-unknown')];
  return [
    textOf('health.sentence.delay', {
      // Of several edges the slowest median speaks for all: an average would hide it.
      median: { durationMs: Math.max(...medians) },
      worst: { durationMs: Math.max(...worsts) },
    }),
  ];
}

/** What `/healthz` and `/readyz` answer. */
export interface Probes {
  /** The process works; a supervisor restarts it only when this is false. */
  readonly live: boolean;
  /** The registry has been read and the store takes writes: the syncer does its work. */
  readonly ready: boolean;
}

/**
 * Derives the probes. `live` says only that this code runs: neither a silent registry nor a silent
 * peer nor a full disk is helped by a restart, and each restart costs the others a failure to see.
 */
export function probes(sync: SyncStatus): Probes {
  return {
    live: true,
    ready: sync.condition.state === 'answering' && sync.storeTrouble === undefined,
  };
}
