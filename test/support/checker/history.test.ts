// The checker itself is checked: each kind of damage must be found, and a blameless history be silent.

import { describe, expect, it } from 'vitest';
import { applicationAgent } from '../application.ts';
import { blameless, judgeHistory, type HistoryVerdict, type PastChange } from './history.ts';

let seq = 0;
const change = (kind: string, more: Partial<PastChange>): PastChange => {
  seq += 1;
  return { seq, kind, cause: 'call', who: 'syncer', what: 'POST', ...more };
};
const copy = (origin: string, epoch: number, instanceId = `c-${origin}`) => ({
  instance: {
    instanceId,
    properties: {
      'syncer-origin-cluster': 'a',
      'syncer-origin-service': 's',
      'syncer-origin-instance': origin,
      'syncer-epoch': String(epoch),
    },
  },
});
const native = { instance: { instanceId: 'n' }, who: applicationAgent };

const found = (...changes: PastChange[]): (keyof HistoryVerdict)[] => {
  const verdict = judgeHistory(changes);
  return (Object.keys(verdict) as (keyof HistoryVerdict)[]).filter(
    (name) => verdict[name].length > 0,
  );
};
const registered = (origin: string, epoch: number, id?: string): PastChange =>
  change('instance-registered', copy(origin, epoch, id));

describe('the checker of histories', () => {
  it('finds nothing in a blameless one', () => {
    const changes = [
      change('instance-registered', native),
      registered('o', 1),
      change('instance-updated', copy('o', 2)),
      registered('p', 2),
      change('server', { cause: 'fault' }),
    ];
    expect(judgeHistory(changes)).toEqual(blameless);
  });

  it('finds copies that were doubled, removed or lapsed', () => {
    expect(found(registered('o', 1), registered('o', 1, 'other'))).toEqual(['twice']);
    expect(found(registered('o', 1), change('instance-removed', copy('o', 1)))).toEqual([
      'removed',
    ]);
    const lapse = { ...copy('o', 1), cause: 'lease-ended', who: 'registry' };
    expect(found(registered('o', 1), change('instance-removed', lapse))).toEqual(['lapsed']);
  });

  it('finds native instances that a syncer touched, or that lapsed', () => {
    expect(found(change('instance-updated', { ...native, who: 'syncer' }))).toEqual(['touched']);
    const lapse = { ...native, cause: 'lease-ended' };
    expect(found(change('instance-removed', lapse))).toEqual(['touched']);
  });

  it('finds a writer with an older epoch', () => {
    expect(found(registered('o', 2), registered('p', 1))).toEqual(['oldWriters']);
  });
});
