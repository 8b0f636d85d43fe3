import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LinkState } from '../model/records.ts';
import type { AbsencePolicy } from '../model/rules.ts';
import { absencePhase, leaseSecondsFor, startGraceMs } from './absence.ts';

const policy: fc.Arbitrary<AbsencePolicy> = fc.oneof(
  fc.constant<AbsencePolicy>({ kind: 'keep' }),
  fc.constant<AbsencePolicy>({ kind: 'drop' }),
  fc.record({ kind: fc.constant('grace' as const), seconds: fc.nat(3600) }),
  fc.record({ kind: fc.constant('quarantine' as const), seconds: fc.nat(3600) }),
);
const link = fc.constantFrom<LinkState>('connecting', 'connected', 'silent', 'left');
const elapsed = fc.nat(7_200_000);

describe('absencePhase', () => {
  it('never counts down while the peer speaks', () => {
    fc.assert(
      fc.property(policy, elapsed, (each, silentForMs) => {
        const silence = { link: 'connected', silentForMs, listeningForMs: silentForMs } as const;
        expect(absencePhase(each, silence)).toEqual({ phase: 'present' });
      }),
    );
  });

  it('never ends a grace before its time, nor before a start has had its minute', () => {
    fc.assert(
      fc.property(policy, link, elapsed, elapsed, (each, state, silentForMs, listeningForMs) => {
        const { phase } = absencePhase(each, { link: state, silentForMs, listeningForMs });
        if (phase !== 'expired' || each.kind === 'drop') return;
        expect(each.kind).not.toBe('keep');
        if (each.kind === 'keep') return;
        expect(silentForMs).toBeGreaterThanOrEqual(each.seconds * 1000);
        expect(listeningForMs).toBeGreaterThanOrEqual(startGraceMs);
      }),
    );
  });

  it('marks quarantined copies only once the peer is known to be away', () => {
    const quarantine = { kind: 'quarantine', seconds: 0 } as const;
    const silence = { silentForMs: 1, listeningForMs: 1 };
    expect(absencePhase(quarantine, { ...silence, link: 'connecting' }).phase).toBe('kept');
    expect(absencePhase(quarantine, { ...silence, link: 'left' }).phase).toBe('quarantined');
  });

  it('gives copies a lease that outlives their grace', () => {
    fc.assert(
      fc.property(policy, (each) => {
        const lease = leaseSecondsFor(each);
        const seconds = each.kind === 'grace' || each.kind === 'quarantine' ? each.seconds : 0;
        expect(lease).toBeGreaterThanOrEqual(Math.max(60, seconds));
      }),
    );
  });
});
