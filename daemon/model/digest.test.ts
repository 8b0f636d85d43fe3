import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bucketOf, DigestTable, recordDigest } from './digest.ts';
import { bucketCount } from './records.ts';

const hash = fc.integer({ min: 0, max: 2 ** 52 - 1 });

describe('bucketOf', () => {
  it('spreads keys evenly', () => {
    const counts = new Array<number>(bucketCount).fill(0);
    for (let index = 0; index < 25_600; index++) counts[bucketOf(`i/service/${index}`)]! += 1;
    expect(Math.min(...counts)).toBeGreaterThan(50);
    expect(Math.max(...counts)).toBeLessThan(200);
  });
});

describe('recordDigest', () => {
  it('is an integer of 52 bits', () => {
    fc.assert(
      fc.property(fc.string(), hash, (key, value) => {
        const digest = recordDigest(key, value);
        expect(Number.isInteger(digest) && digest >= 0 && digest < 2 ** 52).toBe(true);
      }),
    );
  });

  it('never collides over many keys and hashes', () => {
    const seen = new Set<number>();
    for (let index = 0; index < 50_000; index++) {
      seen.add(recordDigest(`i/service/${index % 500}`, Math.floor(index / 500) * 2 ** 31 + index));
    }
    expect(seen.size).toBe(50_000);
  });
});

describe('DigestTable', () => {
  it('gives the same for the same set, however it came about', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(fc.string(), hash), { selector: ([key]) => key }),
        (set) => {
          const straight = new DigestTable();
          for (const [key, value] of set) straight.toggle(key, value);
          const devious = new DigestTable();
          for (const [key, value] of set.toReversed()) devious.toggle(key, value);
          for (const [key] of set) devious.toggle(key, 7);
          for (const [key] of set) devious.toggle(key, 7);
          expect(devious.values()).toEqual(straight.values());
        },
      ),
    );
  });

  it('differs when two records have swapped their contents', () => {
    const [left, right] = [new DigestTable(), new DigestTable()];
    left.toggle('s/a', 1);
    left.toggle('s/b', 2);
    right.toggle('s/a', 2);
    right.toggle('s/b', 1);
    expect(left.values()).not.toEqual(right.values());
  });
});
