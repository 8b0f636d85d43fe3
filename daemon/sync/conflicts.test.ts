import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { because } from '../model/reason.ts';
import { contentOwner, losingClaims, type Claim } from './conflicts.ts';

const endpoint = fc.constantFrom('rest://a:1', 'rest://b:1', 'rest://c:1', 'grpc://a:1');
const claims = fc
  .array(
    fc.record({
      cluster: fc.constantFrom('a', 'b', 'c'),
      vouched: fc.boolean(),
      present: fc.boolean(),
      endpoints: fc.uniqueArray(endpoint, { maxLength: 2 }),
    }),
    { maxLength: 8 },
  )
  .map((list): Claim[] => list.map((claim, index) => ({ ...claim, copyId: `copy-${index}` })));
const natives: fc.Arbitrary<string[]> = fc.uniqueArray(endpoint, { maxLength: 2 });

describe('losingClaims', () => {
  it('never lets a copy stand beside a native instance with its endpoint', () => {
    fc.assert(
      fc.property(claims, natives, (all, native) => {
        const lost = losingClaims(all, new Set(native));
        for (const { endpoints } of all.filter(({ copyId }) => !lost.has(copyId))) {
          for (const each of endpoints) expect(native).not.toContain(each);
        }
      }),
    );
  });

  it('lets two clusters serve one endpoint only where both do and nobody vouches for either', () => {
    fc.assert(
      fc.property(claims, (all) => {
        const lost = losingClaims(all, new Set());
        const stay = all.filter(({ copyId }) => !lost.has(copyId));
        for (const one of stay) {
          for (const other of stay) {
            if (one.cluster === other.cluster) continue;
            if (!one.endpoints.some((each) => other.endpoints.includes(each))) continue;
            expect([one, other]).toMatchObject([
              { vouched: false, present: true },
              { vouched: false, present: true },
            ]);
          }
        }
      }),
    );
  });

  it('comes to the same losers in whatever order the claims arrive', () => {
    fc.assert(
      fc.property(claims, natives, (all, native) => {
        const sorted = (lost: ReadonlyMap<string, unknown>): unknown[] =>
          [...lost].sort(([left], [right]) => (left < right ? -1 : 1));
        const forwards = losingClaims(all, new Set(native));
        const backwards = losingClaims([...all].reverse(), new Set(native));
        expect(sorted(backwards)).toEqual(sorted(forwards));
      }),
    );
  });

  it('lets a claim lose only to a native instance or a stronger claim', () => {
    fc.assert(
      fc.property(claims, natives, (all, native) => {
        const lost = losingClaims(all, new Set(native));
        for (const claim of all.filter(({ copyId }) => lost.has(copyId))) {
          const rivals = all.filter(
            ({ copyId, cluster, vouched, present, endpoints }) =>
              !lost.has(copyId) &&
              isStronger({ cluster, vouched, present }, claim) &&
              endpoints.some((each) => claim.endpoints.includes(each)),
          );
          const toNative = claim.endpoints.some((each) => native.includes(each));
          expect(toNative || rivals.length > 0).toBe(true);
        }
      }),
    );
  });
});

it('lets an application that moved win over what its old site still names', () => {
  const moved = ['rest://a:1'];
  const lostBy = (old: Pick<Claim, 'vouched' | 'present'>): unknown[] => {
    const claims: Claim[] = [
      { cluster: 'a', ...old, copyId: 'old', endpoints: moved },
      { cluster: 'b', vouched: true, present: true, copyId: 'new', endpoints: moved },
    ];
    return [...losingClaims(claims, new Set())];
  };
  const reason = because('endpoint-of-cluster', { cluster: 'b', endpoint: 'rest://a:1' });
  // While its old site is down, and when that has come back and is not sure yet, or not any more.
  expect(lostBy({ vouched: false, present: true })).toEqual([['old', reason]]);
  expect(lostBy({ vouched: true, present: false })).toEqual([['old', reason]]);
});

it('takes out neither of two that are there while nobody vouches for one of them', () => {
  const unsure = { vouched: false, present: true, endpoints: ['rest://a:1'] };
  const claims: Claim[] = [
    { ...unsure, cluster: 'a', copyId: 'old' },
    { ...unsure, cluster: 'b', copyId: 'new' },
    { ...unsure, cluster: 'c', copyId: 'third', present: false },
  ];
  expect([...losingClaims(claims, new Set()).keys()]).toEqual(['third']);
});

type Strength = Pick<Claim, 'cluster' | 'vouched' | 'present'>;

function isStronger(left: Strength, right: Strength): boolean {
  if (left.vouched !== right.vouched) return left.vouched;
  if (left.present !== right.present) return left.present;
  return left.cluster < right.cluster;
}

describe('contentOwner', () => {
  it('stays with the present owner as long as that names the service', () => {
    expect(contentOwner('b', ['c', 'a', 'b'])).toBe('b');
    expect(contentOwner('d', ['c', 'a', 'b'])).toBe('a');
    expect(contentOwner(undefined, [])).toBeUndefined();
  });
});
