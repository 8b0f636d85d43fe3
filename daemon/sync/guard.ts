// What may be removed: the rules of proof (README.md, "The guard's rules"), as pure functions.

import type { GuardLimits } from '../model/rules.ts';
import type { RegistryCondition } from '../registry/driver.ts';

/** Why a copy is not wanted. */
export type RemovalGround =
  /** The origin saw it leave, and said so. */
  | { readonly kind: 'tombstone'; readonly reason: string }
  /** A rule, a conflict or a move here at home: a person's decision, or a native instance. */
  | { readonly kind: 'decision'; readonly reason: string }
  /** Missing from a complete snapshot of a healthy registry. */
  | { readonly kind: 'absence'; readonly reason: string }
  /** The peer is silent, and its absence policy's time is over. */
  | { readonly kind: 'expired'; readonly reason: string }
  /** Nothing that proves anything. */
  | { readonly kind: 'unproven'; readonly reason: string };

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
  readonly leftOut: { readonly code: string; readonly reason: string } | undefined;
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
      ? { kind: 'decision', reason: `its place is ${successor.where} now` }
      : { kind: 'unproven', reason: `it stays until it is under ${successor.where}` };
  }
  if (evidence.live) return { kind: 'unproven', reason: 'its service has not been heard of yet' };
  if (removal?.proof === 'tombstone' && evidence.current) {
    return { kind: 'tombstone', reason: `tombstone at revision ${removal.revision}` };
  }
  if (evidence.absence === 'expired') {
    return { kind: 'expired', reason: `cluster ${cluster} is silent, and its grace is over` };
  }
  // It may have registered again behind our back: its origin has the word.
  if (removal?.proof === 'tombstone') {
    const reason = `tombstone at revision ${removal.revision}, until ${cluster} confirms it`;
    return { kind: 'unproven', reason };
  }
  if (evidence.provesAbsence && evidence.absence === 'present') {
    return { kind: 'absence', reason: `absent from the complete export of ${cluster}` };
  }
  return { kind: 'unproven', reason: `nothing that proves its removal from ${cluster}` };
}

/** What one round of absences of one peer meets. */
export interface GuardInput<T> {
  readonly candidates: readonly T[];
  /** Copies of the peer in the local registry, the candidates among them. */
  readonly copies: number;
  /** Removals without a tombstone that happened within the window. */
  readonly recent: number;
  /** Those that already wait for a person. */
  readonly waiting: number;
  readonly limits: GuardLimits;
}

export interface GuardVerdict<T> {
  readonly go: readonly T[];
  readonly hold: readonly T[];
  readonly reason: string;
}

/**
 * Lets removals without a tombstone go while they are few. More than the limits allow within the
 * window, those that wait counted too: all of this round wait for a person.
 */
export function judgeAbsences<T>(input: GuardInput<T>): GuardVerdict<T> {
  const { candidates, copies, recent, waiting, limits } = input;
  const total = candidates.length + recent + waiting;
  const base = copies + recent;
  const overCount = total > limits.count;
  // One instance is never a mass: a share needs more than one to mean anything.
  const overShare = total > 1 && base > 0 && total / base > limits.share;
  if (candidates.length === 0 || (!overCount && !overShare)) {
    return { go: candidates, hold: [], reason: '' };
  }
  const percent = base === 0 ? 100 : Math.round((100 * total) / base);
  return {
    go: [],
    hold: candidates,
    reason:
      `${total} of ${base} copies (${percent} %) absent within ${limits.windowSeconds} s ` +
      `without a tombstone; limit ${Math.round(limits.share * 100)} % or ${limits.count}`,
  };
}
