import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderText } from '../../proto/health.ts';
import { createTranslator } from '../../proto/translate.ts';
import { verbatim } from '../model/reason.ts';
import { judgeAbsences, removalGround, type RemovalEvidence } from './guard.ts';

const evidence: fc.Arbitrary<RemovalEvidence> = fc.record({
  cluster: fc.constant('b'),
  leftOut: fc.option(
    fc.record({
      code: fc.constantFrom('import-rule', 'conflict', 'expired', 'unreadable', 'echo'),
      reason: fc.constant(verbatim('because')),
    }),
    { nil: undefined },
  ),
  successor: fc.option(fc.record({ where: fc.constant('there'), present: fc.boolean() }), {
    nil: undefined,
  }),
  live: fc.boolean(),
  removal: fc.option(
    fc.record({ proof: fc.constantFrom('tombstone', 'absence'), revision: fc.nat() }),
    { nil: undefined },
  ),
  current: fc.boolean(),
  provesAbsence: fc.boolean(),
  absence: fc.constantFrom('present', 'kept', 'quarantined', 'expired'),
});

describe('removalGround', () => {
  it('takes absence as proof only from a complete export of a healthy, present peer', () => {
    fc.assert(
      fc.property(evidence, (each) => {
        if (removalGround(each).kind !== 'absence') return;
        expect(each).toMatchObject({ provesAbsence: true, absence: 'present', live: false });
      }),
    );
  });

  it('keeps what the peer exports, unless a decision at home or an ended policy speaks', () => {
    fc.assert(
      fc.property(evidence, (each) => {
        if (!each.live) return;
        expect(['unproven', 'decision', 'expired']).toContain(removalGround(each).kind);
        const decided = each.leftOut !== undefined || each.successor?.present === true;
        if (!decided) expect(removalGround(each).kind).toBe('unproven');
      }),
    );
  });

  it('does not act on a tombstone that a registration may have overtaken', () => {
    fc.assert(
      fc.property(evidence, (each) => {
        const ground = removalGround({ ...each, live: false, leftOut: undefined });
        if (ground.kind === 'tombstone') expect(each.current).toBe(true);
      }),
    );
  });

  it('keeps a copy until its successor is there', () => {
    const moved: RemovalEvidence = {
      cluster: 'b',
      leftOut: undefined,
      successor: { where: 'there', present: false },
      live: true,
      removal: undefined,
      current: true,
      provesAbsence: true,
      absence: 'present',
    };
    expect(removalGround(moved).kind).toBe('unproven');
    const arrived = { ...moved, successor: { where: 'there', present: true } };
    expect(removalGround(arrived).kind).toBe('decision');
  });
});

describe('judgeAbsences', () => {
  const limits = { share: 0.2, count: 50, windowSeconds: 60 };
  const round = fc.record({
    candidates: fc.nat(120),
    copies: fc.nat(1000),
    recent: fc.nat(60),
    waiting: fc.nat(60),
  });

  it('never lets more go within the window than the limits allow', () => {
    fc.assert(
      fc.property(round, (input) => {
        if (judgeAbsences({ ...input, limits }) !== undefined || input.candidates === 0) return;
        const gone = input.candidates + input.recent;
        expect(gone).toBeLessThanOrEqual(limits.count);
        const base = input.copies + input.recent;
        if (base > 0 && gone > 1) expect(gone / base).toBeLessThanOrEqual(limits.share);
      }),
    );
  });

  it('lets a single absence go, whatever share of a small peer it is', () => {
    const round = { candidates: 1, copies: 1, recent: 0, waiting: 0, limits };
    expect(judgeAbsences(round)).toBeUndefined();
  });

  it('says what is over which limit', () => {
    const round = { candidates: 60, copies: 212, recent: 0, waiting: 0, limits };
    expect(renderText(judgeAbsences(round)!, createTranslator('en'), 0)).toBe(
      '60 of 212 copies (28 %) absent within 1 min 0 s without a tombstone; limit 20 % or 50',
    );
  });
});
