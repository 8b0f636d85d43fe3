import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../support/virtual-clock.ts';
import { Leases, type Lease } from './leases.ts';

interface Ended {
  readonly name: string;
  readonly atMs: number;
}

function setUp(): { clock: VirtualClock; leases: Leases<string>; ended: Ended[] } {
  const clock = new VirtualClock();
  const ended: Ended[] = [];
  const leases = new Leases<string>(clock, (name) =>
    ended.push({ name, atMs: clock.monotonicMs() }),
  );
  return { clock, leases, ended };
}

describe('leases', () => {
  it('end 0.3 to 0.5 s after their TTL, never before', () => {
    const { clock, leases, ended } = setUp();
    leases.grant('a', 2_000);
    clock.advance(2_299);
    expect(ended).toEqual([]);
    clock.advance(201);
    expect(ended.map(({ name }) => name)).toEqual(['a']);
  });

  it('start again at a renewal, and are gone for good when revoked', () => {
    const { clock, leases, ended } = setUp();
    const renewed = leases.grant('renewed', 2_000);
    const revoked = leases.grant('revoked', 2_000);
    clock.advance(1_500);
    leases.renew(renewed);
    leases.revoke(revoked);
    clock.advance(2_000);
    expect(ended).toEqual([]);
    clock.advance(1_000);
    expect(ended.map(({ name }) => name)).toEqual(['renewed']);
  });

  it('hold during a pause, and end right after it', () => {
    const { clock, leases, ended } = setUp();
    leases.grant('short', 12_000);
    leases.grant('long', 120_000);
    leases.pause();
    clock.advance(60_000);
    expect(ended).toEqual([]);
    leases.resume(10);
    clock.advance(9);
    expect(ended).toEqual([]);
    clock.advance(1);
    expect(ended).toEqual([{ name: 'short', atMs: 60_010 }]);
  });

  it('take leases granted during a pause', () => {
    const { clock, leases, ended } = setUp();
    leases.pause();
    leases.grant('a', 2_000);
    leases.resume(0);
    clock.advance(3_000);
    expect(ended).toHaveLength(1);
  });

  it('start again in full after a restart', () => {
    const { clock, leases, ended } = setUp();
    leases.grant('a', 12_000);
    clock.advance(8_000);
    leases.restartAll();
    clock.advance(12_200);
    expect(ended).toEqual([]);
    clock.advance(300);
    expect(ended).toHaveLength(1);
  });

  it('agree with a plain model over any history of grants, renewals and revocations', () => {
    const step = fc.record({
      waitMs: fc.nat(3_000),
      act: fc.constantFrom('grant', 'renew', 'revoke'),
      which: fc.nat(9),
      ttlMs: fc.integer({ min: 2_000, max: 9_000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const { clock, leases, ended } = setUp();
        const held: { lease: Lease<string>; endsMs: number; gone: boolean }[] = [];
        for (const [index, { waitMs, act, which, ttlMs }] of steps.entries()) {
          clock.advance(waitMs);
          const nowMs = clock.monotonicMs();
          const alive = held.filter(
            ({ lease, gone }) => !gone && !ended.some(({ name }) => name === lease.owner),
          );
          const chosen = alive[which % Math.max(1, alive.length)];
          if (act === 'grant') {
            const lease = leases.grant(`lease-${index}`, ttlMs);
            held.push({ lease, endsMs: nowMs + ttlMs, gone: false });
          } else if (chosen !== undefined && act === 'renew') {
            leases.renew(chosen.lease);
            chosen.endsMs = nowMs + chosen.lease.ttlMs;
          } else if (chosen !== undefined) {
            leases.revoke(chosen.lease);
            chosen.gone = true;
          }
        }
        clock.advance(20_000);
        expect(ended.map(({ name }) => name).sort()).toEqual(
          held
            .filter(({ gone }) => !gone)
            .map(({ lease }) => lease.owner)
            .sort(),
        );
        for (const { name, atMs } of ended) {
          const late = atMs - (held.find(({ lease }) => lease.owner === name)?.endsMs ?? 0);
          expect(late).toBeGreaterThanOrEqual(300);
          expect(late).toBeLessThanOrEqual(500);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('keep 150,000 alive with few timers and little work', () => {
    const { clock, leases, ended } = setUp();
    const all = Array.from({ length: 150_000 }, (_none, index) =>
      leases.grant(`lease-${index}`, 120_000),
    );
    for (let round = 0; round < 10; round++) {
      clock.advance(30_000);
      for (const lease of all) leases.renew(lease);
    }
    expect(ended).toEqual([]);
    expect(clock.pending).toBe(1);
    clock.advance(121_000);
    expect(ended).toHaveLength(150_000);
  });
});
