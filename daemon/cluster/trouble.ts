// Why a cluster has no leader, or one that may not write: a pure function of what this replica knows, for
// the state snapshot, the command line and the page. What was not measured is not said.

/** How far etcd is known not to answer; `away`: of members of our own, how many answer their peers. */
export type EtcdTrouble =
  /** Its members are not founded yet: it takes two replicas. */
  | { readonly type: 'forming'; readonly replicas: number }
  | { readonly type: 'quorum'; readonly answering: number; readonly members: number }
  /** `detail`: etcd's own words, or the way's to it. */
  | { readonly type: 'away'; readonly detail: string };

export interface ClusterFacts {
  readonly leader: string | undefined;
  /** A syncer of mode single that runs, to which the replicas give way. */
  readonly single: string | undefined;
  /** `undefined`: it answers. */
  readonly etcd: EtcdTrouble | undefined;
  /** A key of the election that holds what no syncer has written. */
  readonly foreign: string | undefined;
  /** Whether the registry answers this replica. */
  readonly reaches: boolean;
  /** Other replicas that were asked, and said that the registry does or does not answer them. */
  readonly othersReach: ReadonlyMap<string, boolean>;
  /** Other live replicas. */
  readonly others: readonly string[];
}

export type ClusterTrouble =
  | { readonly code: 'waits-for-single'; readonly single: string }
  /** Nobody leads. */
  | { readonly code: 'no-leader'; readonly reason: NoLeaderReason }
  /** There is a leader as far as is known, and no content is written: etcd cannot say whether it still is. */
  | { readonly code: 'etcd-away'; readonly leader: string; readonly reason: EtcdTrouble };

export type NoLeaderReason =
  | EtcdTrouble
  /** The registry answers none of `replicas`, this one among them. */
  | { readonly type: 'registry'; readonly replicas: number; readonly all: boolean }
  /** etcd holds something at `detail`, a key of the election, that no syncer has written. */
  | { readonly type: 'foreign'; readonly detail: string }
  /** Nothing is known to be in the way: it will be a moment. */
  | { readonly type: 'electing' };

/** Gives what is wrong with the lead; `undefined`: somebody leads, and may write. */
export function clusterTrouble(facts: ClusterFacts): ClusterTrouble | undefined {
  const { leader, single, etcd, foreign, reaches, othersReach, others } = facts;
  if (single !== undefined) return { code: 'waits-for-single', single };
  if (etcd !== undefined) {
    return leader === undefined
      ? { code: 'no-leader', reason: etcd }
      : { code: 'etcd-away', leader, reason: etcd };
  }
  if (leader !== undefined) return undefined;
  if (foreign !== undefined) {
    return { code: 'no-leader', reason: { type: 'foreign', detail: foreign } };
  }
  if (reaches) return { code: 'no-leader', reason: { type: 'electing' } };
  const away = others.filter((node) => othersReach.get(node) === false).length;
  return {
    code: 'no-leader',
    reason: { type: 'registry', replicas: away + 1, all: away === others.length },
  };
}
