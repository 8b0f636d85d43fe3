// What can be wrong between us and one peer.

import type { PeerStatus } from '../sync/engine.ts';
import { condition, type Condition } from './condition.ts';

/**
 * A heartbeat comes each second (design.md §5); after so long without one the figures of a link
 * that calls itself connected are old. Raising it shows a stalled peer as well for longer.
 */
export const staleAfterMs = 5_000;
/** A link that has not come up after this is worth a word. Raising it hides refused connections. */
const connectingPatienceMs = 10_000;
/** Clocks further apart than this make times in the two logs incomparable. */
const skewMs = 2_000;

/** Gives the conditions of one peer. */
export function peerConditions(peer: PeerStatus, nowMs: number): readonly Condition[] {
  const found = [...linkConditions(peer, nowMs)];
  const subject = peer.cluster;
  // What a silent peer last said of its registry is no news any more.
  if (peer.link === 'connected' && peer.originHealth === 'unknown') {
    found.push(
      condition('peer-origin-unknown', {
        subject,
        values: { detail: peer.originReason, count: peer.copies },
      }),
    );
  }
  if (peer.paused) found.push(condition('peer-paused', { subject }));
  if (peer.clockOffsetMs !== undefined && Math.abs(peer.clockOffsetMs) > skewMs) {
    found.push(
      condition('clock-skew', {
        subject,
        values: {
          direction: peer.clockOffsetMs > 0 ? 'ahead' : 'behind',
          offset: { durationMs: Math.abs(peer.clockOffsetMs) },
        },
      }),
    );
  }
  return found;
}

function linkConditions(peer: PeerStatus, nowMs: number): readonly Condition[] {
  const subject = peer.cluster;
  switch (peer.link) {
    case 'silent':
      return [
        condition('peer-silent', {
          subject,
          // Silence begins with the last word, not when it was noticed.
          sinceMs: peer.lastHeardMs ?? peer.sinceMs,
          values: { ...countdown(peer), detail: peer.linkReason },
        }),
      ];
    case 'connecting':
      if (nowMs - peer.sinceMs < connectingPatienceMs) return [];
      return [
        condition('peer-connecting', {
          subject,
          sinceMs: peer.sinceMs,
          values: { detail: peer.linkReason },
        }),
      ];
    case 'left':
      return [condition('peer-left', { subject, sinceMs: peer.sinceMs, values: countdown(peer) })];
    case 'connected': {
      const heardMs = peer.lastHeardMs ?? peer.sinceMs;
      if (nowMs - heardMs <= staleAfterMs) return [];
      return [condition('peer-stale', { subject, sinceMs: heardMs })];
    }
  }
}

/** How many copies are kept, and for how long: `fate` is `none`, `kept` or `until`. */
function countdown(
  peer: PeerStatus,
): Readonly<Record<string, string | number | { remainingUntilMs: number }>> {
  if (peer.copies === 0) return { fate: 'none', count: 0, left: '' };
  if (peer.expiresAtMs === undefined) return { fate: 'kept', count: peer.copies, left: '' };
  return { fate: 'until', count: peer.copies, left: { remainingUntilMs: peer.expiresAtMs } };
}
