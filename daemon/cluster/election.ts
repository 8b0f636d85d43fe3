// Who leads: a pure function of (state, event) to (state, effects), drawn in README.md. etcd decides;
// `leadership.ts` carries the effects out and brings their outcomes back as events.

/** The leader as etcd's key names it. */
export interface LeaderEntry {
  readonly node: string;
  readonly epoch: number;
  readonly lease: string;
  /** Revision at which the key was created: what writes are guarded by. */
  readonly createdRevision: number;
}

/** The newest term, as etcd keeps it. */
export interface Term extends Pick<LeaderEntry, 'node' | 'epoch' | 'lease'> {
  /** No leader before this term can write any more: what is known of this one holds for all. */
  readonly clear: boolean;
}

/**
 * Whether all that led before `node` are known to write no more. `over`: the lease of a term that was given
 * back, or whose holder is dead. Its own last term ended with its process, or was given up by itself.
 */
export function isOver(last: Term | undefined, over: string, node: string): boolean {
  return last === undefined || (last.clear && (last.node === node || last.lease === over));
}

export interface ElectionState {
  readonly node: string;
  readonly phase: 'following' | 'campaigning' | 'leading' | 'resigned';
  readonly leader: LeaderEntry | undefined;
  /** Leading: a leader before us may believe in its term until then, monotonic. */
  readonly writesFromMs: number;
  /** Leading: etcd knows that no leader before us can write any more. */
  readonly cleared: boolean;
  /** Leading: nobody else can write before this, monotonic. */
  readonly validUntilMs: number;
  /** Leading: when the lease itself ends, monotonic. */
  readonly leaseUntilMs: number;
  /** Leading: etcd has failed to answer since it last renewed the lease. */
  readonly etcdAway: boolean;
  /** etcd's revision that `leader` is as of: what was true before it is news no more. */
  readonly seenRevision: number;
  /** The leader whose end was proposed, so that it is asked about once. */
  readonly doubted: string | undefined;
}

export type ElectionEvent =
  /** etcd's key as it was at `revision`, read or watched: the two may come in either order. */
  | {
      readonly type: 'seen';
      readonly leader: LeaderEntry | undefined;
      readonly revision: number;
    }
  /** The registry has been read: we could lead. Said again from time to time. */
  | { readonly type: 'able'; readonly able: boolean }
  | {
      readonly type: 'won';
      readonly leader: LeaderEntry;
      readonly sentMs: number;
      /** When etcd's answer was there: whoever led before was heard by etcd no later. */
      readonly heardMs: number;
      readonly ttlMs: number;
      /** All leaders before are known to write no more: they gave their term back, or are dead. */
      readonly isOver: boolean;
    }
  | { readonly type: 'not-won' }
  | {
      readonly type: 'kept';
      readonly lease: string;
      readonly sentMs: number;
      readonly ttlMs: number;
    }
  | { readonly type: 'keep-failed' }
  /** etcd has taken that no leader before us can write. */
  | { readonly type: 'cleared'; readonly lease: string }
  | { readonly type: 'lease-gone'; readonly lease: string }
  /** A first sign that the leader is dead. It only proposes. */
  | { readonly type: 'doubt'; readonly node: string }
  /** The second, independent sign. */
  | { readonly type: 'doubt-confirmed'; readonly lease: string }
  | { readonly type: 'doubt-refuted'; readonly lease: string }
  /** Gives the lead to another one, and goes on. */
  | { readonly type: 'yield' }
  /** Gives the lead back for good: this replica stops. */
  | { readonly type: 'resign' };

export type ElectionEffect =
  | { readonly type: 'campaign' }
  | { readonly type: 'lead'; readonly leader: LeaderEntry }
  /** Says in etcd that no leader before this one can write any more. */
  | { readonly type: 'clear'; readonly leader: LeaderEntry }
  | { readonly type: 'follow'; readonly reason: string }
  | { readonly type: 'probe'; readonly leader: LeaderEntry }
  | { readonly type: 'revoke'; readonly lease: string };

/**
 * How long a leader may write after etcd last heard it. Another one that ended its lease begins no
 * sooner. Raising it rides out slower etcds, and makes a failover from a silent machine slower.
 */
export const writeValidityMs = 1_500;

/**
 * How long a request that a leader has sent may be under way to its registry. Raising it waits for slower
 * registries, and makes a failover from a silent machine slower.
 */
const underWayMs = 250;

export function following(node: string): ElectionState {
  return {
    node,
    phase: 'following',
    leader: undefined,
    writesFromMs: 0,
    cleared: false,
    validUntilMs: 0,
    leaseUntilMs: 0,
    etcdAway: false,
    seenRevision: 0,
    doubted: undefined,
  };
}

/** Whether the registry may be written to at this very moment. */
export function mayWrite(state: ElectionState, nowMs: number): boolean {
  return state.phase === 'leading' && nowMs >= state.writesFromMs && nowMs < state.validUntilMs;
}

/**
 * Whether a write that was begun may send its next request: half of one is worse than a late end, as long
 * as nobody else can be leader. A process that wakes from a pause may not.
 */
export function mayFinish(state: ElectionState, nowMs: number): boolean {
  return mayWrite(state, nowMs) || (mayRenew(state, nowMs) && nowMs < state.leaseUntilMs);
}

/**
 * Whether leases of copies may be renewed: also while etcd is away, because that takes and gives
 * nothing. A process that wakes from a pause has not asked etcd yet, and may not.
 */
export function mayRenew(state: ElectionState, nowMs: number): boolean {
  return state.phase === 'leading' && (nowMs < state.validUntilMs || state.etcdAway);
}

export function step(
  state: ElectionState,
  event: ElectionEvent,
): { readonly state: ElectionState; readonly effects: readonly ElectionEffect[] } {
  const stay = { state, effects: [] };
  if (state.phase === 'resigned' && event.type !== 'won') return stay;
  switch (event.type) {
    case 'seen':
      if (event.revision < state.seenRevision) return stay;
      return seen({ ...state, seenRevision: event.revision }, event.leader);
    case 'able':
      if (!event.able || state.phase !== 'following' || state.leader !== undefined) return stay;
      return { state: { ...state, phase: 'campaigning' }, effects: [{ type: 'campaign' }] };
    case 'won': {
      const { leader, sentMs, heardMs, ttlMs, isOver } = event;
      if (state.phase !== 'campaigning') {
        return { state, effects: [{ type: 'revoke', lease: leader.lease }] };
      }
      if (state.seenRevision > leader.createdRevision && state.leader?.lease !== leader.lease) {
        // Won, and lost again before the answer came.
        const lost = { ...state, phase: 'following' } as const;
        return { state: lost, effects: [{ type: 'revoke', lease: leader.lease }] };
      }
      const seenRevision = Math.max(state.seenRevision, leader.createdRevision);
      const won = { ...state, phase: 'leading', leader, etcdAway: false, seenRevision } as const;
      const writesFromMs = isOver ? sentMs : heardMs + writeValidityMs + underWayMs;
      const begun = { writesFromMs, cleared: isOver, doubted: undefined };
      return {
        state: { ...won, ...validity(sentMs, ttlMs), ...begun },
        effects: [{ type: 'lead', leader }],
      };
    }
    case 'not-won':
      return state.phase === 'campaigning'
        ? { ...stay, state: { ...state, phase: 'following' } }
        : stay;
    case 'kept':
      if (state.phase !== 'leading' || state.leader?.lease !== event.lease) return stay;
      return {
        state: { ...state, ...validity(event.sentMs, event.ttlMs), etcdAway: false },
        effects:
          !state.cleared && event.sentMs >= state.writesFromMs
            ? [{ type: 'clear', leader: state.leader }]
            : [],
      };
    case 'cleared':
      return state.phase === 'leading' && state.leader?.lease === event.lease
        ? { ...stay, state: { ...state, cleared: true } }
        : stay;
    case 'keep-failed':
      return state.phase === 'leading' ? { ...stay, state: { ...state, etcdAway: true } } : stay;
    case 'lease-gone':
      if (state.phase !== 'leading' || state.leader?.lease !== event.lease) return stay;
      return stepDown(state, undefined, 'etcd has ended the lease');
    case 'doubt': {
      const { leader } = state;
      if (state.phase !== 'following' || leader?.node !== event.node) return stay;
      if (state.doubted === leader.lease) return stay;
      return {
        state: { ...state, doubted: leader.lease },
        effects: [{ type: 'probe', leader }],
      };
    }
    case 'doubt-confirmed':
      if (state.leader?.lease !== event.lease || state.phase !== 'following') return stay;
      return { state, effects: [{ type: 'revoke', lease: event.lease }] };
    case 'doubt-refuted':
      return state.doubted === event.lease
        ? { ...stay, state: { ...state, doubted: undefined } }
        : stay;
    case 'yield': {
      const lease = state.phase === 'leading' ? state.leader?.lease : undefined;
      if (lease === undefined) return stay;
      const { state: down, effects } = stepDown(state, undefined, 'the lead is handed over');
      return { state: down, effects: [...effects, { type: 'revoke', lease }] };
    }
    case 'resign': {
      const lease = state.phase === 'leading' ? state.leader?.lease : undefined;
      const resigned = { ...state, phase: 'resigned', leader: undefined, validUntilMs: 0 } as const;
      if (lease === undefined) return { state: resigned, effects: [] };
      return {
        state: resigned,
        effects: [
          { type: 'follow', reason: 'this replica stops' },
          { type: 'revoke', lease },
        ],
      };
    }
  }
}

function seen(state: ElectionState, leader: LeaderEntry | undefined): ReturnType<typeof step> {
  if (state.phase === 'leading') {
    if (leader?.lease === state.leader?.lease) return { state, effects: [] };
    return stepDown(state, leader, `${leader?.node ?? 'nobody'} is the leader now`);
  }
  if (leader?.node === state.node && state.phase === 'following') {
    // Our own from before a restart: ended at once instead of waited for.
    return { state: { ...state, leader }, effects: [{ type: 'revoke', lease: leader.lease }] };
  }
  return { state: { ...state, leader }, effects: [] };
}

function stepDown(
  state: ElectionState,
  leader: LeaderEntry | undefined,
  reason: string,
): ReturnType<typeof step> {
  return {
    state: { ...state, phase: 'following', leader, validUntilMs: 0, leaseUntilMs: 0 },
    effects: [{ type: 'follow', reason }],
  };
}

function validity(
  sentMs: number,
  ttlMs: number,
): Pick<ElectionState, 'validUntilMs' | 'leaseUntilMs'> {
  return {
    validUntilMs: sentMs + Math.min(ttlMs, writeValidityMs),
    leaseUntilMs: sentMs + ttlMs,
  };
}
