// What can be wrong with the pool: joining, names, members of our own cluster, what others send.

import type { JoinFailure } from '../gossip/pool.ts';
import type { IdentityConflict } from '../membership/peers.ts';
import type { HealthInput } from './assess.ts';
import { condition, type Condition } from './condition.ts';

/** Gives the conditions of the pool; none when the daemon runs without one. */
export function poolConditions(input: HealthInput): readonly Condition[] {
  if (input.members === undefined) return [];
  return [
    ...joinConditions(input),
    ...(input.view?.conflicts ?? []).map(nameConflict),
    ...replicaConditions(input),
    ...versionConditions(input),
    ...input.troubles.map((trouble) =>
      condition(`pool-${trouble.code}`, {
        subject: trouble.source,
        values: { detail: trouble.detail, count: trouble.count },
      }),
    ),
  ];
}

function joinConditions({ join, members, node }: HealthInput): readonly Condition[] {
  const company = (members ?? []).some(({ name }) => name !== node);
  if (join === undefined || join.state === 'joined') {
    return company ? [] : [condition('no-peers', { subject: '' })];
  }
  if (join.state === 'alone') return company ? [] : [condition('no-peers', { subject: '' })];
  if (join.failures.length > 0) return join.failures.map(joinFailure);
  return [];
}

function joinFailure(failure: JoinFailure): Condition {
  return condition(`join-${failure.reason}`, {
    subject: failure.address,
    values: { address: failure.address, detail: failure.detail },
  });
}

function nameConflict(conflict: IdentityConflict): Condition {
  return condition(conflict.own ? 'name-taken' : 'name-shared', {
    subject: conflict.cluster,
    values: {
      cluster: conflict.cluster,
      kept: conflict.keptMembers.join(', '),
      refused: conflict.refusedMembers.join(', '),
    },
  });
}

function replicaConditions({ view, node }: HealthInput): readonly Condition[] {
  return (view?.replicas ?? [])
    .filter((member) => member.status === 'failed' && member.name !== node)
    .map((member) =>
      condition('replica-failed', { subject: member.name, sinceMs: member.sinceMs }),
    );
}

/** Syncers that we see and cannot replicate with: another protocol, the original Go syncer. */
function versionConditions({ view }: HealthInput): readonly Condition[] {
  return (view?.peers ?? [])
    .filter((peer) => !peer.replicates && peer.presence === 'live')
    .map((peer) => condition('peer-foreign-version', { subject: peer.cluster }));
}
