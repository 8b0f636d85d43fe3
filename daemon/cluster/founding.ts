// Which etcd members found the cluster: agreed by the replicas with Paxos, one decision for ever, a
// majority being two of at most three. Pure functions; `formation.ts` carries them over gossip.

/** One etcd member. */
export interface FoundingMember {
  readonly name: string;
  readonly peerUrl: string;
}

/** The initial cluster: the same list in the same order for everybody. */
export type FoundingPlan = readonly FoundingMember[];

/** Ballots grow; two replicas never use the same. */
export interface Ballot {
  readonly round: number;
  readonly node: string;
}

/** What a replica has promised; it is on the disk before its answer leaves. */
export interface FoundingState {
  readonly promised: Ballot | undefined;
  readonly accepted: { readonly ballot: Ballot; readonly plan: FoundingPlan } | undefined;
  readonly decided: FoundingPlan | undefined;
}

export type FoundingRequest =
  | { readonly type: 'prepare'; readonly ballot: Ballot }
  | { readonly type: 'accept'; readonly ballot: Ballot; readonly plan: FoundingPlan }
  | { readonly type: 'decided'; readonly plan: FoundingPlan };

export type FoundingReply =
  | { readonly type: 'promise'; readonly accepted: FoundingState['accepted'] }
  | { readonly type: 'accepted' }
  /** A higher ballot was promised. */
  | { readonly type: 'refused'; readonly promised: Ballot }
  | { readonly type: 'decided'; readonly plan: FoundingPlan };

export const unfounded: FoundingState = {
  promised: undefined,
  accepted: undefined,
  decided: undefined,
};

/** Two of three: any two majorities share a replica. */
export const foundingQuorum = 2;

/** A replica's answer to a request, and what it must keep before it gives it. */
export function answerFounding(
  state: FoundingState,
  request: FoundingRequest,
): { readonly state: FoundingState; readonly reply: FoundingReply } {
  if (state.decided !== undefined) {
    return { state, reply: { type: 'decided', plan: state.decided } };
  }
  if (request.type === 'decided') {
    const { plan } = request;
    return { state: { ...state, decided: plan }, reply: { type: 'decided', plan } };
  }
  const { ballot } = request;
  if (state.promised !== undefined && compareBallots(ballot, state.promised) < 0) {
    return { state, reply: { type: 'refused', promised: state.promised } };
  }
  switch (request.type) {
    case 'prepare':
      return {
        state: { ...state, promised: ballot },
        reply: { type: 'promise', accepted: state.accepted },
      };
    case 'accept':
      return {
        state: { ...state, promised: ballot, accepted: { ballot, plan: request.plan } },
        reply: { type: 'accepted' },
      };
  }
}

/** What a proposer does after the answers to its `prepare`. */
export function afterPrepare(
  own: FoundingPlan,
  replies: readonly FoundingReply[],
):
  | { readonly type: 'decided'; readonly plan: FoundingPlan }
  | { readonly type: 'accept'; readonly plan: FoundingPlan }
  | { readonly type: 'failed'; readonly highest: number } {
  const decided = replies.find((reply) => reply.type === 'decided');
  if (decided !== undefined) return decided;
  const promises = replies.filter((reply) => reply.type === 'promise');
  if (promises.length < foundingQuorum) return { type: 'failed', highest: highestRound(replies) };
  // What may have been chosen before must be proposed again.
  const before = promises
    .flatMap(({ accepted }) => (accepted === undefined ? [] : [accepted]))
    .sort((left, right) => compareBallots(right.ballot, left.ballot))[0];
  return { type: 'accept', plan: before?.plan ?? own };
}

/** A reply, and which replica gave it. */
export interface FromReplica {
  readonly from: string;
  readonly reply: FoundingReply;
}

/**
 * What a proposer concludes from the answers to its `accept` of `plan`. Votes of members alone count:
 * only who has voted starts as a founder (formation.ts), and the founders must be a majority of etcd's
 * members, or nobody could ever take the others in.
 */
export function afterAccept(
  plan: FoundingPlan,
  answers: readonly FromReplica[],
):
  | { readonly type: 'decided'; readonly plan: FoundingPlan }
  | { readonly type: 'failed'; readonly highest: number } {
  const replies = answers.map(({ reply }) => reply);
  const decided = replies.find((reply) => reply.type === 'decided');
  if (decided !== undefined) return decided;
  const accepted = answers.filter(
    ({ from, reply }) => reply.type === 'accepted' && plan.some(({ name }) => name === from),
  ).length;
  return accepted >= foundingQuorum
    ? { type: 'decided', plan }
    : { type: 'failed', highest: highestRound(replies) };
}

function compareBallots(left: Ballot, right: Ballot): number {
  if (left.round !== right.round) return left.round - right.round;
  return left.node < right.node ? -1 : left.node > right.node ? 1 : 0;
}

function highestRound(replies: readonly FoundingReply[]): number {
  return Math.max(
    0,
    ...replies.map((reply) => (reply.type === 'refused' ? reply.promised.round : 0)),
  );
}
