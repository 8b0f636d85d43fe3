// What becomes of the copies of a peer that is not heard: the absence policy's countdown. Pure.

import type { LinkState } from '../model/records.ts';
import type { AbsencePolicy } from '../model/rules.ts';

/** How long a peer has been silent, measured by a clock that does not jump. */
export interface Silence {
  readonly link: LinkState;
  /** Since the last sign of life, or since the peer said that it leaves. */
  readonly silentForMs: number;
  /** How long this process has been listening. */
  readonly listeningForMs: number;
}

export type AbsencePhase =
  /** The peer speaks; nothing counts down. */
  | { readonly phase: 'present' }
  /** Silent; copies stay until `remainingMs` have passed (`undefined`: without end). */
  | { readonly phase: 'kept'; readonly remainingMs: number | undefined }
  /** As `kept`, and marked OUTOFSERVICE. */
  | { readonly phase: 'quarantined'; readonly remainingMs: number | undefined }
  /** The policy's time is over: the copies go. */
  | { readonly phase: 'expired' };

/**
 * After a start a peer gets this long to be heard, even when its grace ended while we were away:
 * our absence says nothing about it.
 */
export const startGraceMs = 60_000;

/** Applies `policy` to a silence (engine's README, "The guard's rules"). */
export function absencePhase(policy: AbsencePolicy, silence: Silence): AbsencePhase {
  if (silence.link === 'connected') return { phase: 'present' };
  const announced = silence.link === 'left' || silence.link === 'silent';
  switch (policy.kind) {
    case 'keep':
      return { phase: 'kept', remainingMs: undefined };
    case 'drop':
      return announced ? { phase: 'expired' } : connecting(0, silence);
    case 'grace':
      return connecting(policy.seconds * 1000, silence);
    case 'quarantine': {
      const marked = announced ? 'quarantined' : 'kept';
      if (policy.seconds === 0) return { phase: marked, remainingMs: undefined };
      const rest = connecting(policy.seconds * 1000, silence);
      return rest.phase === 'kept' ? { phase: marked, remainingMs: rest.remainingMs } : rest;
    }
  }
}

function connecting(graceMs: number, silence: Silence): AbsencePhase {
  const remainingMs = Math.max(
    graceMs - silence.silentForMs,
    startGraceMs - silence.listeningForMs,
  );
  return remainingMs > 0 ? { phase: 'kept', remainingMs } : { phase: 'expired' };
}

/** Lease of copies that have no end by policy, and may outlive the syncer for a day. */
const endlessLeaseSeconds = 86_400;

/** A lease shorter than this is renewed too often to be worth it. */
const minLeaseSeconds = 60;

/**
 * Gives the lease of copies under `policy`, seconds: the grace itself (design.md §6), so that a
 * syncer that never comes back leaves nothing behind and one that restarts is not noticed.
 */
export function leaseSecondsFor(policy: AbsencePolicy): number {
  switch (policy.kind) {
    case 'keep':
      return endlessLeaseSeconds;
    case 'drop':
      return 2 * minLeaseSeconds;
    case 'grace':
      return Math.max(minLeaseSeconds, policy.seconds);
    case 'quarantine':
      return policy.seconds === 0 ? endlessLeaseSeconds : Math.max(minLeaseSeconds, policy.seconds);
  }
}
