// The syncer that runs alone beside replicas: recorded when it is seen, taken out when it has left, and
// never because gossip calls it failed.

import { describe, expect, it } from 'vitest';
import { silentLogger } from '../support/logger.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { MemoryEtcd } from './etcd.fixture.ts';
import { singleKey } from './keys.ts';
import { forgetSingle, judgeSingle, watchSingle, type PoolSyncer } from './single.ts';

const alone = (status: string): PoolSyncer => ({ name: 'one', status, isSingle: true });
const replica = (name: string, status = 'alive'): PoolSyncer => ({ name, status, isSingle: false });

describe('the record of a single syncer', () => {
  it('is made when it is seen to run, whoever was recorded before', () => {
    const pool = [replica('two'), alone('alive')];
    expect(judgeSingle(undefined, pool)).toEqual({ type: 'record', node: 'one' });
    expect(judgeSingle('other', pool)).toEqual({ type: 'record', node: 'one' });
    expect(judgeSingle('one', pool)).toEqual({ type: 'keep' });
  });

  it.each([
    ['it has failed, which may be a cut', [alone('failed')], 'keep'],
    ['it is on its way out', [alone('leaving')], 'keep'],
    ['nobody knows it', [replica('two')], 'keep'],
    ['it has left', [alone('left')], 'clear'],
    ['it is a replica now', [replica('one')], 'clear'],
    ['it was a replica that has failed', [replica('one', 'failed')], 'keep'],
  ])('when %s', (_when, pool, type) => {
    expect(judgeSingle('one', pool)).toEqual({ type });
  });

  it('outlives the replica that made it, and ends when the single one has left', async () => {
    const clock = new VirtualClock();
    const memory = new MemoryEtcd(clock);
    let pool: readonly PoolSyncer[] = [alone('alive')];
    const told: (string | undefined)[] = [];
    const begin = (signal: AbortSignal) => {
      const parts = { etcd: memory.client(), clock, logger: silentLogger, pool: () => pool };
      const watch = watchSingle({ ...parts, changed: () => told.push(watch.node) }, signal);
      return watch;
    };
    const first = new AbortController();
    expect(begin(first.signal).node).toBe('one');
    await clock.advanceAsync(1_500);
    expect(memory.value(singleKey)).toBe('{"node":"one"}');
    first.abort();
    // Another replica starts, cut off from the single one: it has never seen it.
    pool = [];
    const second = begin(new AbortController().signal);
    await clock.advanceAsync(1_500);
    expect(second.node).toBe('one');
    pool = [alone('failed')];
    await clock.advanceAsync(60_000);
    expect(second.node).toBe('one');
    pool = [alone('left')];
    await clock.advanceAsync(1_500);
    expect(second.node).toBeUndefined();
    expect(memory.value(singleKey)).toBeUndefined();
    expect(told.at(-1)).toBeUndefined();
  });

  it('is taken out by hand, of nobody else', async () => {
    const clock = new VirtualClock();
    const memory = new MemoryEtcd(clock);
    const etcd = memory.client();
    const put = etcd.commit([], [{ type: 'put', key: singleKey, value: '{"node":"one"}' }]);
    await clock.advanceAsync(10);
    await put;
    const outcomes = [forgetSingle(etcd, 'two'), forgetSingle(etcd, 'one')];
    await clock.advanceAsync(10);
    expect(await Promise.all(outcomes)).toEqual([false, true]);
    expect(memory.value(singleKey)).toBeUndefined();
  });
});
