import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { instanceRow } from './backend.fixture.ts';
import { findInstance, listInstances, type InstanceListWish } from './instance-list.ts';
import { takePage } from './page.ts';

describe('takePage', () => {
  const ascending = (a: number, b: number): number => a - b;

  it('gives what sorting and slicing would', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.nat(60), fc.nat(60), (values, offset, limit) => {
        const unique = [...new Set(values)];
        const expected = unique.toSorted(ascending).slice(offset, offset + limit);
        const taken = takePage(unique, ascending, { offset, limit });
        expect(taken).toEqual({ rows: expected, total: unique.length });
      }),
    );
  });

  it('does so deep inside a list in any order', () => {
    const sorted = Array.from({ length: 20_000 }, (_, index) => index);
    const mixed = sorted.map((value) => (value * 7_919) % 20_000);
    for (const rows of [sorted, sorted.toReversed(), mixed]) {
      for (const offset of [0, 3_000, 4_090, 12_345, 19_995, 30_000]) {
        const expected = sorted.slice(offset, offset + 20);
        expect(takePage(rows, ascending, { offset, limit: 20 }).rows).toEqual(expected);
      }
    }
  });
});

describe('the list of 150,000 instances', () => {
  const all = Array.from({ length: 150_000 }, (_, index) => instanceRow(index));
  const engine = {
    instances: ({ cluster, state }: { cluster?: string; state?: string }) =>
      all.filter(
        (row) =>
          (cluster === undefined || row.originCluster === cluster) &&
          (state === undefined || row.state === state),
      ),
  };
  const wish = (more: Partial<InstanceListWish>): InstanceListWish => ({
    text: '',
    cluster: '',
    state: '',
    page: undefined,
    ...more,
  });

  it('is filtered and counted, in the order of services and ids', () => {
    const { rows, total } = listInstances(engine, wish({ cluster: 'beijing', state: 'native' }));
    expect(total).toBe(50_000);
    expect(rows).toHaveLength(200);
    expect(rows.every((row) => row.key.name === 'svc-000')).toBe(false);
    const ids = rows.map((row) => `${row.key.name} ${row.instance.instanceId}`);
    expect(ids).toEqual([...ids].sort());
    expect(ids[0]).toBe('svc-000 i-000000');
  });

  it('gives a page deep inside, downwards', () => {
    const page = { offset: 100_000, limit: 3, sortBy: 'since', descending: true };
    const { rows, total } = listInstances(engine, wish({ page }));
    expect(total).toBe(150_000);
    expect(rows.map((row) => row.instance.instanceId)).toEqual([
      'i-049999',
      'i-049998',
      'i-049997',
    ]);
  });

  it('names a column, a state or a limit that there is not', () => {
    const page = { offset: 0, limit: 0, sortBy: 'colour', descending: false };
    expect(() => listInstances(engine, wish({ page }))).toThrow(/colour/);
    expect(() => listInstances(engine, wish({ state: 'lost' }))).toThrow(/lost.*native/);
    const large = { ...page, sortBy: '', limit: 10_001 };
    expect(() => listInstances(engine, wish({ page: large }))).toThrow(/10001/);
  });

  it('finds one by either id, and says when there is none', () => {
    expect(findInstance(engine, 'o-149999', '').instance.instanceId).toBe('i-149999');
    expect(findInstance(engine, 'i-000001', 's-001').originInstanceId).toBe('o-1');
    expect(() => findInstance(engine, 'i-000001', 's-002')).toThrow(/i-000001/);
  });
});
