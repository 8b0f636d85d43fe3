import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeFilters, passesFilters, QueryFilterError } from './query-filter.ts';

const asked = { name: 'a', tags: { role: 'web-1' } };
const passes = (nodes?: string[], tags?: Record<string, string>): boolean =>
  passesFilters(encodeFilters(nodes, tags), asked);

describe('filters of a query', () => {
  it('choose by name and by tag, all together, expressions unanchored', () => {
    expect(passes()).toBe(true);
    expect(passes(['a', 'b'])).toBe(true);
    expect(passes(['b'])).toBe(false);
    expect(passes(undefined, { role: 'eb-' })).toBe(true);
    expect(passes(undefined, { role: '^eb' })).toBe(false);
    expect(passes(['a'], { role: 'web', other: '.' })).toBe(false);
    expect(passes(undefined, { other: '^$' })).toBe(true);
  });

  it('refuse a bad expression of ours by the name of its tag', () => {
    expect(() => encodeFilters(undefined, { role: '(' })).toThrow(QueryFilterError);
    expect(() => encodeFilters(undefined, { role: '(' })).toThrow(/"role"/);
  });

  it('take linear time for an expression that hangs a backtracking engine', () => {
    const evil = { name: 'a', tags: { role: `${'a'.repeat(400)}!` } };
    const filters = encodeFilters(undefined, { role: '^(a+)+$' });
    const startMs = performance.now();
    expect(passesFilters(filters, evil)).toBe(false);
    expect(performance.now() - startMs).toBeLessThan(2000);
  });

  it('let nobody pass where they cannot be read', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (filter) => {
        expect(typeof passesFilters([filter], asked)).toBe('boolean');
      }),
    );
    expect(passesFilters([Uint8Array.of(9)], asked)).toBe(false);
  });
});
