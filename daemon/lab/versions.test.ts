import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isExactVersion,
  isVersionRule,
  matchVersions,
  parseVersionRule,
  versionOrder,
} from './versions.ts';

const part = fc.integer({ min: 0, max: 32_767 });
const version = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('.'));

/** The order by its meaning: part by part, missing ones 0. */
function compare(left: string, right: string): number {
  const [parts, others] = [left.split('.').map(Number), right.split('.').map(Number)];
  for (let at = 0; at < 4; at++) {
    const difference = (parts[at] ?? 0) - (others[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function matching(versions: readonly string[], rule: string): readonly string[] {
  const sorted = versions
    .map((text) => ({ version: text, order: versionOrder(text) }))
    .sort((left, right) => compare(right.version, left.version));
  return matchVersions(sorted, parseVersionRule(rule)).map((found) => found.version);
}

describe('version rules', () => {
  it('order as the numbers do', () => {
    fc.assert(
      fc.property(version, version, (left, right) => {
        const [first, second] = [versionOrder(left), versionOrder(right)];
        const order = first < second ? -1 : first > second ? 1 : 0;
        expect(order).toBe(Math.sign(compare(left, right)));
      }),
    );
  });

  it('take from a version up, a range without its upper end, the newest, or just one', () => {
    const versions = ['2.0.0', '1.2.0', '1.0.0'];
    expect(matching(versions, '1.0.0+')).toEqual(versions);
    expect(matching(versions, '0.0.0.0+')).toEqual(versions);
    expect(matching(versions, '1.0-2.0')).toEqual(['1.2.0', '1.0.0']);
    expect(matching(versions, '2.0-1.0')).toEqual(['1.2.0', '1.0.0']);
    expect(matching(versions, '1.0.0-1.2.0')).toEqual(['1.0.0']);
    expect(matching(versions, 'latest')).toEqual(['2.0.0']);
    expect(matching(versions, '3.0.0+')).toEqual([]);
    expect(matching(versions, '1.0')).toEqual([]);
  });

  it('take by "from" and "range" just what lies there', () => {
    fc.assert(
      fc.property(fc.array(version), version, version, (versions, low, high) => {
        const expected = versions.filter((text) => compare(text, low) >= 0);
        expect([...matching(versions, `${low}+`)].sort()).toEqual(expected.sort());
        const [from, below] = compare(low, high) <= 0 ? [low, high] : [high, low];
        const between = versions.filter(
          (text) => compare(text, from) >= 0 && compare(text, below) < 0,
        );
        expect([...matching(versions, `${low}-${high}`)].sort()).toEqual(between.sort());
      }),
    );
  });

  it.each(['1', '1.2', '1.2.3', '1.2.3.4', '0.0.0', '32767'])('%s may be carried', (text) => {
    expect(isExactVersion(text)).toBe(true);
    expect(isVersionRule(text)).toBe(true);
  });

  it.each(['', '1.2.3.4.5', '40000', '1.0-SNAPSHOT', 'a', '1.', '1..2', '-1'])(
    '%j is refused',
    (text) => {
      expect(isExactVersion(text)).toBe(false);
      expect(isVersionRule(text)).toBe(false);
    },
  );

  it('accepts rules and refuses what only looks like one', () => {
    for (const rule of ['1+', '1.0.0-2', 'latest']) expect(isVersionRule(rule)).toBe(true);
    for (const rule of ['1-2-3', '+', '1-40000', '1.0+-2', 'Latest']) {
      expect(isVersionRule(rule)).toBe(false);
    }
  });
});
