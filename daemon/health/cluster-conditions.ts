// What is wrong with the lead of a cluster of replicas.

import type { ClusterTrouble, NoLeaderReason } from '../cluster/trouble.ts';
import type { TextValue } from '../../proto/health.ts';
import { condition, type Condition } from './condition.ts';

/** The lead as a replica knows it. */
export interface LeadView {
  readonly cluster: string;
  readonly trouble: ClusterTrouble | undefined;
  /** How long nobody has led, as far as is known. */
  readonly leaderlessMs: number | undefined;
}

/** A change of the leader takes less than this; what takes longer is said. */
const electionMs = 5_000;

/** Gives what is to be said of the lead: nothing while one leader follows on another. */
export function leadConditions(view: LeadView, nowMs: number): readonly Condition[] {
  const { trouble, leaderlessMs = Number.POSITIVE_INFINITY } = view;
  if (trouble === undefined) return [];
  const isChange = trouble.code === 'no-leader' && trouble.reason.type === 'electing';
  if (isChange && leaderlessMs < electionMs) return [];
  return [leadCondition(view.cluster, trouble, view.leaderlessMs, nowMs)];
}

/** Gives the condition that a trouble is. */
export function leadCondition(
  cluster: string,
  trouble: ClusterTrouble,
  leaderlessMs: number | undefined,
  nowMs: number,
): Condition {
  switch (trouble.code) {
    case 'waits-for-single':
      return condition(trouble.code, { subject: trouble.single });
    case 'etcd-away': {
      const { leader, reason } = trouble;
      return condition(trouble.code, { subject: leader, values: valuesOf(reason) });
    }
    case 'no-leader':
      return condition(trouble.code, {
        subject: cluster,
        sinceMs: leaderlessMs === undefined ? undefined : nowMs - leaderlessMs,
        values: valuesOf(trouble.reason),
      });
  }
}

/** All values of the texts, whatever the reason: a text that names one is never without it. */
function valuesOf(reason: NoLeaderReason): Readonly<Record<string, TextValue>> {
  const none = {
    reason: reason.type,
    replicas: 0,
    answering: 0,
    members: 0,
    all: 'no',
    detail: '',
  };
  switch (reason.type) {
    case 'forming':
    case 'quorum':
    case 'away':
    case 'foreign': {
      const { type: _, ...values } = reason;
      return { ...none, ...values };
    }
    case 'registry':
      return { ...none, replicas: reason.replicas, all: reason.all ? 'yes' : 'no' };
    case 'electing':
      return none;
  }
}
