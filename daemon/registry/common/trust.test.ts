import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  answered,
  interrupted,
  isSuspiciousLoss,
  judge,
  unseen,
  type Circumstances,
  type Continuity,
  type Missing,
} from './trust.ts';

const leaseMs = 120_000;

/** A registry that answered every 200 ms between two times. */
function steady(fromMs: number, toMs: number, before: Continuity = unseen): Continuity {
  let continuity = before;
  for (let nowMs = fromMs; nowMs <= toMs; nowMs += 200) continuity = answered(continuity, nowMs);
  return continuity;
}

function around(
  nowMs: number,
  continuity: Continuity,
  more: Partial<Circumstances> = {},
): Circumstances {
  const calm = { empty: false, lastEmptyMs: undefined, totalsAgree: true, nodesDiffer: false };
  return { ...calm, ...more, nowMs, continuity };
}

function missingAt(sinceMs: number, more: Partial<Missing> = {}): Missing {
  return { leaseMs, lastPresentMs: sinceMs - 200, sinceMs, suspicious: false, ...more };
}

describe('continuity', () => {
  it('finds no gap in steady answers', () => {
    expect(steady(0, 60_000).gaps).toEqual([]);
  });

  it('knows the length of a silence', () => {
    const continuity = answered(steady(0, 10_000), 15_000);
    expect(continuity.gaps).toEqual([{ endMs: 15_000, lengthMs: 5_000, interrupted: false }]);
  });

  it('takes an interruption as a gap however short, and only once', () => {
    const cut = interrupted(interrupted(steady(0, 10_000)));
    const continuity = steady(10_200, 12_000, cut);
    expect(continuity.gaps).toEqual([{ endMs: 10_200, lengthMs: 200, interrupted: true }]);
  });

  it('stays bounded and never loses the last gap, whatever happens', () => {
    const event = fc.record({ waitMs: fc.integer({ min: 1, max: 400_000 }), cut: fc.boolean() });
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 200 }), (events) => {
        let continuity = answered(unseen, 0);
        let nowMs = 0;
        for (const { waitMs, cut } of events) {
          nowMs += waitMs;
          if (cut) continuity = interrupted(continuity);
          continuity = answered(continuity, nowMs);
          expect(continuity.gaps.length).toBeLessThanOrEqual(16);
          if (cut || waitMs >= 1_000) expect(continuity.gaps.at(-1)?.endMs).toBe(nowMs);
          expect(continuity.lastAnswerMs).toBe(nowMs);
        }
      }),
    );
  });

  it('keeps an interruption apart from any number of short silences after it', () => {
    let continuity = interrupted(steady(0, 10_000));
    for (let nowMs = 12_000; nowMs <= 72_000; nowMs += 1_500) {
      continuity = answered(continuity, nowMs);
    }
    expect(continuity.gaps.filter((gap) => gap.interrupted)).toEqual([
      { endMs: 12_000, lengthMs: 2_000, interrupted: true },
    ]);
    // Missing since the interruption: its owner had a lease to come back.
    const missing = missingAt(12_200, { leaseMs: 20_000, lastPresentMs: 9_800 });
    expect(judge(missing, around(72_000, continuity))).toEqual({ kind: 'gone', proof: 'absence' });
  });
});

describe('judging an absence', () => {
  it('believes it at once while the registry has been answering without a gap', () => {
    const verdict = judge(missingAt(60_000), around(60_000, steady(0, 60_000)));
    expect(verdict).toEqual({ kind: 'gone', proof: 'tombstone' });
  });

  it('believes that the last one left, when the registry has been answering all the while', () => {
    const emptied = { empty: true, lastEmptyMs: 60_000 };
    const verdict = judge(missingAt(60_000), around(60_000, steady(0, 60_000), emptied));
    expect(verdict).toEqual({ kind: 'gone', proof: 'tombstone' });
  });

  it('gives owners one lease from the moment in which an emptied registry fills again', () => {
    const continuity = answered(interrupted(steady(0, 60_000)), 62_000);
    const missing = missingAt(62_000, { lastPresentMs: 60_000 });
    const refilled = { empty: false, lastEmptyMs: 90_000 };
    expect(judge(missing, around(90_200, steady(62_200, 90_200, continuity), refilled))).toEqual({
      kind: 'hold',
      reason: 'waiting-for-owners',
      untilMs: 90_000 + leaseMs + 2_000,
    });
  });

  it('waits one lease after a restart that it is first missing after', () => {
    const continuity = answered(interrupted(steady(0, 60_000)), 62_000);
    const missing = missingAt(62_000, { lastPresentMs: 60_000 });
    const held = judge(missing, around(62_000, continuity));
    expect(held).toMatchObject({ kind: 'hold', reason: 'waiting-for-owners' });
    const later = steady(62_200, 62_000 + leaseMs + 2_200, continuity);
    expect(judge(missing, around(62_000 + leaseMs + 2_000, later))).toEqual({
      kind: 'gone',
      proof: 'absence',
    });
  });

  it('believes a removal some seconds after a short restart that lost nothing', () => {
    const restarted = answered(interrupted(steady(0, 60_000)), 62_000);
    const continuity = steady(62_200, 70_000, restarted);
    expect(judge(missingAt(70_000), around(70_000, continuity))).toEqual({
      kind: 'gone',
      proof: 'tombstone',
    });
  });

  it('waits one lease after a pause in which the lease may have ended', () => {
    const paused = answered(steady(0, 60_000), 110_000);
    const continuity = steady(110_200, 150_000, paused);
    // The owner may have renewed last before the pause: its lease ends now, falsely.
    expect(judge(missingAt(150_000), around(150_000, continuity))).toMatchObject({
      kind: 'hold',
      reason: 'waiting-for-owners',
      untilMs: 110_000 + leaseMs + 2_000,
    });
  });

  it('does not mind a pause that no lease can have ended in', () => {
    const continuity = steady(65_200, 80_000, answered(steady(0, 60_000), 65_000));
    expect(judge(missingAt(80_000), around(80_000, continuity))).toEqual({
      kind: 'gone',
      proof: 'tombstone',
    });
  });

  it('starts the wait again when a gap comes while it waits', () => {
    const first = answered(interrupted(steady(0, 60_000)), 62_000);
    const second = answered(interrupted(steady(62_200, 100_000, first)), 103_000);
    const missing = missingAt(62_000, { lastPresentMs: 60_000 });
    expect(judge(missing, around(103_000, second))).toMatchObject({
      untilMs: 103_000 + leaseMs + 2_000,
    });
  });

  it('waits for totals that agree, and then one lease, after a suspicious loss', () => {
    const continuity = steady(0, 60_000);
    const missing = missingAt(60_000, { suspicious: true });
    expect(judge(missing, around(60_000, continuity, { totalsAgree: false }))).toEqual({
      kind: 'hold',
      reason: 'suspicious-loss',
      untilMs: Infinity,
    });
    expect(judge(missing, around(60_000, continuity))).toMatchObject({
      kind: 'hold',
      reason: 'suspicious-loss',
      untilMs: 60_000 + leaseMs + 2_000,
    });
  });
});

/** A story of one absence: silences and cuts, then the question. */
const story = fc.record({
  waits: fc.array(fc.record({ waitMs: fc.integer({ min: 1, max: 300_000 }), cut: fc.boolean() }), {
    maxLength: 12,
  }),
  leaseMs: fc.integer({ min: 2_000, max: 600_000 }),
  missingAfter: fc.nat(12),
  suspicious: fc.boolean(),
  empty: fc.boolean(),
  everEmpty: fc.boolean(),
  totalsAgree: fc.boolean(),
  nodesDiffer: fc.boolean(),
});

type Story = typeof story extends fc.Arbitrary<infer T> ? T : never;

function play(told: Story): { missing: Missing; around: Circumstances } {
  let continuity = steady(0, 1_000);
  let nowMs = 1_000;
  let lastPresentMs = nowMs;
  let sinceMs: number | undefined;
  for (const [index, { waitMs, cut }] of told.waits.entries()) {
    nowMs += waitMs;
    if (cut) continuity = interrupted(continuity);
    continuity = answered(continuity, nowMs);
    if (index < told.missingAfter) lastPresentMs = nowMs;
    else sinceMs ??= nowMs;
  }
  sinceMs ??= nowMs;
  const missing = { leaseMs: told.leaseMs, lastPresentMs, sinceMs, suspicious: told.suspicious };
  const { empty, totalsAgree, nodesDiffer } = told;
  const lastEmptyMs = empty || told.everEmpty ? nowMs : undefined;
  return { missing, around: { nowMs, continuity, empty, lastEmptyMs, totalsAgree, nodesDiffer } };
}

describe('judging, in any story', () => {
  it('never says tombstone where a gap, a large loss or differing nodes may explain it', () => {
    fc.assert(
      fc.property(story, (told) => {
        const { missing, around: circumstances } = play(told);
        const verdict = judge(missing, circumstances);
        if (verdict.kind !== 'gone' || verdict.proof !== 'tombstone') return;
        expect(told.suspicious || told.nodesDiffer).toBe(false);
        for (const gap of circumstances.continuity.gaps) {
          const endedLease =
            gap.lengthMs >= Math.max(1_000, missing.leaseMs / 3) &&
            missing.sinceMs <= gap.endMs + missing.leaseMs;
          const replaced = gap.interrupted && missing.lastPresentMs <= gap.endMs;
          expect(endedLease || replaced).toBe(false);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('never believes an empty registry after a gap', () => {
    fc.assert(
      fc.property(story, (told) => {
        const { missing, around: circumstances } = play({ ...told, empty: true });
        const continuity = answered(interrupted(circumstances.continuity), circumstances.nowMs + 1);
        const nowMs = circumstances.nowMs + 1;
        const after = { ...missing, sinceMs: nowMs };
        expect(judge(after, { ...circumstances, continuity, nowMs }).kind).toBe('hold');
      }),
    );
  });

  it('gives owners a whole lease after every gap that matters', () => {
    fc.assert(
      fc.property(story, (told) => {
        const { missing, around: circumstances } = play(told);
        const verdict = judge(missing, circumstances);
        if (verdict.kind !== 'gone' || verdict.proof !== 'absence') return;
        const { nowMs, continuity } = circumstances;
        for (const { endMs, interrupted: cut } of continuity.gaps) {
          if (cut && endMs > missing.lastPresentMs) {
            expect(nowMs - endMs).toBeGreaterThanOrEqual(missing.leaseMs);
          }
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('decides in the end, once the registry answers, holds something and its totals agree', () => {
    fc.assert(
      fc.property(story, (told) => {
        const { missing, around: circumstances } = play(told);
        const nowMs = circumstances.nowMs + missing.leaseMs + 2_000;
        // Answers came all the while: no new gap.
        const continuity = { ...circumstances.continuity, lastAnswerMs: nowMs };
        const well = { empty: false, totalsAgree: true, nodesDiffer: false };
        expect(judge(missing, { ...circumstances, ...well, continuity, nowMs }).kind).toBe('gone');
      }),
      { numRuns: 2_000 },
    );
  });

  it('does not take back what it believed while nothing happens', () => {
    fc.assert(
      fc.property(story, fc.integer({ min: 0, max: 10_000_000 }), (told, laterMs) => {
        const { missing, around: circumstances } = play(told);
        if (judge(missing, circumstances).kind !== 'gone') return;
        const nowMs = circumstances.nowMs + laterMs;
        expect(judge(missing, { ...circumstances, nowMs }).kind).toBe('gone');
      }),
    );
  });
});

describe('a loss that is too large', () => {
  it('is more than half, and more than a few', () => {
    expect(isSuspiciousLoss(1, 1)).toBe(false);
    expect(isSuspiciousLoss(4, 4)).toBe(false);
    expect(isSuspiciousLoss(5, 5)).toBe(true);
    expect(isSuspiciousLoss(50, 100)).toBe(false);
    expect(isSuspiciousLoss(51, 100)).toBe(true);
  });
});
