// When absence may be believed: pure rules over what was seen, and when (servicecenter-api.md §12,
// design.md §6 "Removal"). servicecenter/README.md, "What healthy means", says the same in words.

import type { RemovalProof } from '../../model/records.ts';
import type { UnknownReason } from '../driver.ts';

/** A time in which the registry did not answer, or its process may have been replaced. */
interface Gap {
  readonly endMs: number;
  readonly lengthMs: number;
  /** A connection was refused or cut, or another address answers now. */
  readonly interrupted: boolean;
}

/** How the registry has been answering, on a clock that only grows. */
export interface Continuity {
  readonly lastAnswerMs: number | undefined;
  /** Since the last answer a connection was refused or cut. */
  readonly interrupted: boolean;
  readonly gaps: readonly Gap[];
}

export const unseen: Continuity = { lastAnswerMs: undefined, interrupted: false, gaps: [] };

/** Silence below this is no gap: rounds, and pauses of our own process, take as long. */
const shortestGapMs = 1_000;
/** After this long a gap has no bearing on any lease that is in use. */
const longestLeaseMs = 3_600_000;
/** Gaps kept apart; beyond, the two that explain least are merged, which only holds removals longer. */
const maxGaps = 16;
/** After a gap, leases that ended in it are still answered for some milliseconds (§12: 11 ms seen). */
const settleMs = 3_000;
/** A lease ends up to 0.5 s after its time (§5); and clocks of timers are not exact. */
const leaseSlackMs = 2_000;
/** Losses below this are never "too much at once". Raising it lets larger losses pass unasked. */
const smallLoss = 5;
/** Losses within this time count together. */
export const lossWindowMs = 10_000;

/** The registry answered at `nowMs`. */
export function answered(continuity: Continuity, nowMs: number): Continuity {
  const { lastAnswerMs, interrupted } = continuity;
  if (lastAnswerMs === undefined) return { lastAnswerMs: nowMs, interrupted: false, gaps: [] };
  const lengthMs = nowMs - lastAnswerMs;
  if (!interrupted && lengthMs < shortestGapMs) return { ...continuity, lastAnswerMs: nowMs };
  const gaps = continuity.gaps.filter(({ endMs }) => endMs > nowMs - longestLeaseMs);
  gaps.push({ endMs: nowMs, lengthMs, interrupted });
  return { lastAnswerMs: nowMs, interrupted: false, gaps: merged(gaps) };
}

/** A connection was refused or cut. */
export function interrupted(continuity: Continuity): Continuity {
  return continuity.interrupted ? continuity : { ...continuity, interrupted: true };
}

/** One service or instance that the registry no longer names, confirmed by a second reading. */
export interface Missing {
  /** Length of its lease. */
  readonly leaseMs: number;
  /** When the last reading that named it began. */
  readonly lastPresentMs: number;
  /** When it was first found missing. */
  readonly sinceMs: number;
  /** It left together with too many others. */
  readonly suspicious: boolean;
}

/** What surrounds the decision. */
export interface Circumstances {
  readonly nowMs: number;
  readonly continuity: Continuity;
  /** Native and foreign services in the registry's own list: none. */
  readonly empty: boolean;
  /** When the registry was last seen empty; `undefined`: never. */
  readonly lastEmptyMs: number | undefined;
  /** The registry's own totals agree with what we see. */
  readonly totalsAgree: boolean;
  /** Addresses of this registry answer differently. */
  readonly nodesDiffer: boolean;
}

export type Verdict =
  | { readonly kind: 'gone'; readonly proof: RemovalProof }
  | { readonly kind: 'hold'; readonly reason: UnknownReason; readonly untilMs: number };

/** Decides about one that is missing. Pure; asked again each round while it is held. */
export function judge(missing: Missing, around: Circumstances): Verdict {
  const { nowMs, continuity } = around;
  if (around.nodesDiffer) return { kind: 'hold', reason: 'differing-nodes', untilMs: Infinity };

  const gapEndMs = lastGapThatMatters(missing, continuity.gaps, nowMs);
  // An empty registry after a gap has lost its data, and may stay empty for any time.
  if (around.empty && gapEndMs !== undefined) {
    return { kind: 'hold', reason: 'suspicious-loss', untilMs: Infinity };
  }
  const waits: Wait[] = [];
  if (gapEndMs !== undefined) {
    waits.push({ fromMs: gapEndMs, reason: 'waiting-for-owners' });
    // Emptied without a gap, it was emptied by its applications: the last one leaves like any other.
    if (around.lastEmptyMs !== undefined && around.lastEmptyMs >= missing.sinceMs) {
      waits.push({ fromMs: around.lastEmptyMs, reason: 'waiting-for-owners' });
    }
  }
  if (missing.suspicious) {
    if (!around.totalsAgree) return { kind: 'hold', reason: 'suspicious-loss', untilMs: Infinity };
    waits.push({ fromMs: missing.sinceMs, reason: 'suspicious-loss' });
  }
  if (waits.length === 0) return { kind: 'gone', proof: 'tombstone' };

  const latest = waits.reduce((left, right) => (right.fromMs > left.fromMs ? right : left));
  const untilMs = latest.fromMs + missing.leaseMs + leaseSlackMs;
  if (nowMs >= untilMs) return { kind: 'gone', proof: 'absence' };
  return { kind: 'hold', reason: latest.reason, untilMs };
}

interface Wait {
  readonly fromMs: number;
  readonly reason: UnknownReason;
}

/** One of many losses: how many of the known ones left within the window. */
export function isSuspiciousLoss(lost: number, knownBefore: number): boolean {
  return lost >= smallLoss && lost * 2 > knownBefore;
}

/**
 * The end of the last gap that may explain the absence. A gap matters
 * - when it was so long that a lease may have ended because its owner could not renew it (a third
 *   of the lease; owners renew at least each half of it), for one whole lease after it;
 * - when the process may have been replaced, if nothing was read since that still named the missing
 *   one, some seconds after the gap's end;
 * - when it came after the absence was noticed: its owner could not come back meanwhile.
 */
function lastGapThatMatters(
  missing: Missing,
  gaps: readonly Gap[],
  nowMs: number,
): number | undefined {
  let lastMs: number | undefined;
  for (const { endMs, lengthMs, interrupted: cut } of gaps) {
    if (endMs > nowMs) continue;
    const long = lengthMs >= Math.max(shortestGapMs, missing.leaseMs / 3);
    if (!long && !cut) continue;
    const after = endMs > missing.sinceMs;
    const leaseMayHaveEnded = long && missing.sinceMs <= endMs + missing.leaseMs + leaseSlackMs;
    const unseenSince = missing.lastPresentMs <= endMs + settleMs;
    if (after || leaseMayHaveEnded || unseenSince) lastMs = Math.max(lastMs ?? endMs, endMs);
  }
  return lastMs;
}

function merged(gaps: readonly Gap[]): readonly Gap[] {
  if (gaps.length <= maxGaps) return gaps;
  const pairs = gaps.slice(1).map((second, index) => joined(gaps[index] ?? second, second));
  const least = pairs.reduce((left, right) => (weightOf(right) < weightOf(left) ? right : left));
  const at = pairs.indexOf(least);
  return [...gaps.slice(0, at), least, ...gaps.slice(at + 2)];
}

/** One gap for two: it explains what either does, until the end of the later one. */
function joined(first: Gap, second: Gap): Gap {
  return {
    endMs: second.endMs,
    lengthMs: Math.max(first.lengthMs, second.lengthMs),
    interrupted: first.interrupted || second.interrupted,
  };
}

/** How much a gap may explain: an interruption anything, a silence the leases that are short for it. */
function weightOf({ lengthMs, interrupted: cut }: Gap): number {
  return cut ? Infinity : lengthMs;
}
