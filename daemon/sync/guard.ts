// What may be removed: the rules of proof (README.md, "The guard's rules"), as pure functions.

import { because, type Reason } from '../model/reason.ts';
import type { GuardLimits } from '../model/rules.ts';
import type { RegistryCondition } from '../registry/driver.ts';

/** Why a copy is not wanted. */
export type RemovalGround =
  /** The origin saw it leave, and said so. */
  | { readonly kind: 'tombstone'; readonly reason: Reason }
  /** A rule, a conflict or a move here at home: a person's decision, or a native instance. */
  | { readonly kind: 'decision'; readonly reason: Reason }
  /** Missing from a complete snapshot of a healthy registry. */
  | { readonly kind: 'absence'; readonly reason: Reason }
  /** The peer is silent, and its absence policy's time is over. */
  | { readonly kind: 'expired'; readonly reason: Reason }
  /** Nothing that proves anything. */
  | { readonly kind: 'unproven'; readonly reason: Reason };

/**
 * Whether our own registry's condition lets a copy go. What its origin or a person has proven may
 * go from a registry that answers, also while its own losses are still being judged; everything
 * else, services included (no ground), waits until it answers without a doubt.
 */
export function mayRemove(condition: RegistryCondition, ground?: RemovalGround): boolean {
  if (condition.state === 'answering') return true;
  const judging =
    condition.reason === 'waiting-for-owners' || condition.reason === 'suspicious-loss';
  return judging && (ground?.kind === 'tombstone' || ground?.kind === 'decision');
}

/** Whether a registry that answers again, or that looks emptier, may have lost our copies. */
export function mayHaveLost(before: RegistryCondition, after: RegistryCondition): boolean {
  if (isAway(after)) return false;
  if (isAway(before)) return true;
  const doubts = (condition: RegistryCondition): boolean =>
    condition.state === 'unknown' && condition.reason === 'suspicious-loss';
  return doubts(after) && !doubts(before);
}

/** It gives no answer, or none that says anything. */
function isAway(condition: RegistryCondition): boolean {
  if (condition.state === 'answering') return false;
  switch (condition.reason) {
    case 'starting':
    case 'unreachable':
    case 'refused-rights':
    case 'server-error':
    case 'bad-answer':
    case 'driver-fault':
      return true;
    case 'waiting-for-owners':
    case 'suspicious-loss':
    case 'differing-nodes':
      return false;
  }
}

/** What is known of a copy that nobody wants. */
export interface RemovalEvidence {
  readonly cluster: string;
  /** The peer exports it; it is left out here because of this. */
  readonly leftOut: { readonly code: string; readonly reason: Reason } | undefined;
  /** The peer exports it, and it belongs elsewhere here: under another service, or another id. */
  readonly successor: { readonly where: string; readonly present: boolean } | undefined;
  /** The peer exports it, and nothing more is known. */
  readonly live: boolean;
  readonly removal:
    { readonly proof: 'tombstone' | 'absence'; readonly revision: number } | undefined;
  /** The peer is heard, and has told all that happened until now. */
  readonly current: boolean;
  /** The peer's export is complete, and its registry vouches for it. */
  readonly provesAbsence: boolean;
  readonly absence: 'present' | 'kept' | 'quarantined' | 'expired';
}

/** Weighs the evidence; anything short of proof is `unproven`, and keeps the copy. */
export function removalGround(evidence: RemovalEvidence): RemovalGround {
  const { cluster, leftOut, successor, removal } = evidence;
  if (leftOut !== undefined) {
    switch (leftOut.code) {
      case 'expired':
        return { kind: 'expired', reason: leftOut.reason };
      case 'import-rule':
      case 'conflict':
      case 'echo':
        return { kind: 'decision', reason: leftOut.reason };
      default:
        return { kind: 'unproven', reason: leftOut.reason };
    }
  }
  if (successor !== undefined) {
    return successor.present
      ? { kind: 'decision', reason: because('place-now', { place: successor.where }) }
      : { kind: 'unproven', reason: because('place-later', { place: successor.where }) };
  }
  if (evidence.live) return { kind: 'unproven', reason: because('service-unheard') };
  if (removal?.proof === 'tombstone' && evidence.current) {
    return { kind: 'tombstone', reason: because('tombstone', { revision: removal.revision }) };
  }
  if (evidence.absence === 'expired') {
    return { kind: 'expired', reason: because('policy-over', { cluster, policy: 'grace' }) };
  }
  // It may have registered again behind our back: its origin has the word.
  if (removal?.proof === 'tombstone') {
    const reason = because('tombstone-unconfirmed', { revision: removal.revision, cluster });
    return { kind: 'unproven', reason };
  }
  if (evidence.provesAbsence && evidence.absence === 'present') {
    return { kind: 'absence', reason: because('absent', { cluster }) };
  }
  return { kind: 'unproven', reason: because('unproven', { cluster }) };
}

/** What one round of absences of one peer meets. */
export interface GuardInput {
  /** Copies that the round would remove. */
  readonly candidates: number;
  /** Copies of the peer in the local registry, the candidates among them. */
  readonly copies: number;
  /** Removals without a tombstone that happened within the window. */
  readonly recent: number;
  /** Those that already wait for a person. */
  readonly waiting: number;
  readonly limits: GuardLimits;
}

/**
 * Gives why a round of removals without a tombstone has to wait for a person, all of it: those that
 * happened within the window and those that wait, together with it, are more than the limits allow.
 * `undefined`: they are few, and may go.
 */
export function judgeAbsences(input: GuardInput): Reason | undefined {
  const { candidates, copies, recent, waiting, limits } = input;
  const total = candidates + recent + waiting;
  const base = copies + recent;
  const overCount = total > limits.count;
  // One instance is never a mass: a share needs more than one to mean anything.
  const overShare = total > 1 && base > 0 && total / base > limits.share;
  if (candidates === 0 || (!overCount && !overShare)) return undefined;
  return because('mass-absence', {
    total,
    base,
    percent: base === 0 ? 100 : Math.round((100 * total) / base),
    window: { durationMs: limits.windowSeconds * 1000 },
    share: Math.round(limits.share * 100),
    count: limits.count,
  });
}
