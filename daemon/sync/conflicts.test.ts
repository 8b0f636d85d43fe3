import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contentOwner, losingClaims, type Claim } from './conflicts.ts';

const endpoint = fc.constantFrom('rest://a:1', 'rest://b:1', 'rest://c:1', 'grpc://a:1');
const claims = fc
  .array(
    fc.record({
      cluster: fc.constantFrom('a', 'b', 'c'),
      endpoints: fc.uniqueArray(endpoint, { maxLength: 2 }),
    }),
    { maxLength: 8 },
  )
  .map((list): Claim[] => list.map((claim, index) => ({ ...claim, copyId: `copy-${index}` })));
const natives: fc.Arbitrary<string[]> = fc.uniqueArray(endpoint, { maxLength: 2 });

describe('losingClaims', () => {
  it('never lets two clusters, or a cluster and a native instance, serve one endpoint', () => {
    fc.assert(
      fc.property(claims, natives, (all, native) => {
        const lost = losingClaims(all, new Set(native));
        const owners = new Map<string, string>();
        for (const { copyId, cluster, endpoints } of all) {
          if (lost.has(copyId)) continue;
          for (const each of endpoints) {
            expect(native).not.toContain(each);
            expect(owners.get(each) ?? cluster).toBe(cluster);
            owners.set(each, cluster);
          }
        }
      }),
    );
  });

  it('comes to the same losers in whatever order the claims arrive', () => {
    fc.assert(
      fc.property(claims, natives, (all, native) => {
        const sorted = (lost: ReadonlyMap<string, string>): unknown[] => [...lost].sort();
        const forwards = losingClaims(all, new Set(native));
        const backwards = losingClaims([...all].reverse(), new Set(native));
        expect(sorted(backwards)).toEqual(sorted(forwards));
      }),
    );
  });

  it('lets a claim lose only to a native instance or an earlier cluster', () => {
    fc.assert(
      fc.property(claims, natives, (all, native) => {
        const lost = losingClaims(all, new Set(native));
        for (const claim of all.filter(({ copyId }) => lost.has(copyId))) {
          const rivals = all.filter(
            ({ copyId, cluster, endpoints }) =>
              !lost.has(copyId) &&
              cluster < claim.cluster &&
              endpoints.some((each) => claim.endpoints.includes(each)),
          );
          const toNative = claim.endpoints.some((each) => native.includes(each));
          expect(toNative || rivals.length > 0).toBe(true);
        }
      }),
    );
  });
});

describe('contentOwner', () => {
  it('stays with the present owner as long as that names the service', () => {
    expect(contentOwner('b', ['c', 'a', 'b'])).toBe('b');
    expect(contentOwner('d', ['c', 'a', 'b'])).toBe('a');
    expect(contentOwner(undefined, [])).toBeUndefined();
  });
});
