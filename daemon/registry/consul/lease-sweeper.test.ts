import { describe, expect, it } from 'vitest';
import { stampInstance } from '../../model/stamp.ts';
import { silentLogger } from '../../support/logger.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { createLeaseSweeper } from './lease-sweeper.ts';
import { Mirror, type Entry } from './mirror.ts';
import type { ConsulInstance } from './wire.ts';

const node = 'syncer-north';
const stamp = { originCluster: 'south', originService: 's', originInstance: 'i', epoch: 1 };

/** A copy with a lease of 20 s, or an application's own. */
function entry(id: string, change: { readonly node?: string; readonly native?: boolean } = {}) {
  const from: ConsulInstance = {
    node: change.node ?? node,
    nodeAddress: '10.0.0.1',
    datacenter: 'dc1',
    zone: '',
    id: `orders/${id}`,
    name: 'orders',
    kind: '',
    address: '10.0.0.2',
    port: 80,
    tags: [],
    meta: {
      'syncer-model': '1',
      'syncer-health': 'push/0/5/3/',
      ...(change.native === true ? {} : stampInstance({}, stamp, undefined)),
    },
    weights: { passing: 1, warning: 1 },
    checks: [],
    modifyIndex: 1,
  };
  return from;
}

function world(entries: readonly ConsulInstance[]) {
  const clock = new VirtualClock();
  const mirror = new Mirror();
  mirror.apply('orders', 1, entries);
  const state = { answering: true, keeper: true };
  const removed: string[] = [];
  const sweeper = createLeaseSweeper({
    node,
    mirror,
    clock,
    logger: silentLogger,
    isAnswering: () => state.answering,
    isKeeper: () => Promise.resolve({ ok: true, value: state.keeper }),
    remove(gone: readonly Entry[]) {
      for (const { instanceId } of gone) removed.push(instanceId);
      const left = entries.filter(({ id }) => !removed.some((each) => id === `orders/${each}`));
      mirror.apply('orders', 2, left);
      for (const each of gone) mirror.remove(each);
      return Promise.resolve(gone.length);
    },
  });
  const kept = (instanceId: string): void =>
    sweeper.kept({ serviceId: 'orders', instanceId }, 20_000);
  return { clock, state, removed, kept };
}

describe('leases', () => {
  it('end for copies that nobody renews, and for nothing else', async () => {
    const { clock, removed, kept } = world([
      entry('kept'),
      entry('left'),
      entry('native', { native: true }),
      entry('elsewhere', { node: 'another' }),
    ]);
    kept('left');
    for (let step = 0; step < 9; step += 1) {
      kept('kept');
      await clock.advanceAsync(2_000);
    }
    expect(removed).toEqual([]);
    for (let step = 0; step < 6; step += 1) {
      kept('kept');
      await clock.advanceAsync(2_000);
    }
    expect(removed).toEqual(['left']);
  });

  it('are nobody’s business here before something was written or renewed', async () => {
    const { clock, removed } = world([entry('a')]);
    await clock.advanceAsync(3_600_000);
    expect(removed).toEqual([]);
  });

  it('begin for what was found with the first renewal', async () => {
    const { clock, removed, kept } = world([entry('renewed'), entry('found')]);
    await clock.advanceAsync(600_000);
    kept('renewed');
    await clock.advanceAsync(18_000);
    kept('renewed');
    expect(removed).toEqual([]);
    await clock.advanceAsync(8_000);
    expect(removed).toEqual(['found']);
  });

  it('stand still while the registry does not answer', async () => {
    const { clock, state, removed, kept } = world([entry('a')]);
    kept('a');
    await clock.advanceAsync(10_000);
    state.answering = false;
    await clock.advanceAsync(600_000);
    state.answering = true;
    await clock.advanceAsync(4_000);
    expect(removed).toEqual([]);
    await clock.advanceAsync(20_000);
    expect(removed).toEqual(['a']);
  });

  it('are another process’s business once it has written', async () => {
    const { clock, state, removed, kept } = world([entry('a')]);
    kept('a');
    state.keeper = false;
    await clock.advanceAsync(600_000);
    expect(removed).toEqual([]);
    // And ours again when we do.
    state.keeper = true;
    kept('a');
    await clock.advanceAsync(30_000);
    expect(removed).toEqual(['a']);
  });
});
