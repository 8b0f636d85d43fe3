// Who may be a replica, before an etcd in memory.

import { describe, expect, it } from 'vitest';
import { silentLogger } from '../support/logger.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { MemoryEtcd } from './etcd.fixture.ts';
import { register, type Registration } from './registration.ts';

function place() {
  const clock = new VirtualClock();
  const etcd = new MemoryEtcd(clock);
  const stops = new Map<string, AbortController>();
  /** Comes with a node; gives what became of it. */
  const come = async (
    node: string,
    more: { readonly cluster?: string; readonly registry?: string } = {},
  ): Promise<Registration> => {
    const stop = new AbortController();
    stops.set(node, stop);
    const who = { node, cluster: 'west', registry: 'r1', ...more };
    const parts = { clock, logger: silentLogger, signal: stop.signal };
    const coming = register(etcd.client(), who, parts);
    let over = false;
    coming.then(
      () => (over = true),
      () => (over = true),
    );
    expect(await clock.runUntil(() => over, 60_000)).toBe(true);
    return coming;
  };
  return { clock, etcd, come, stops };
}

describe('the registration of replicas', () => {
  it('refuses a fourth while three are there, and takes it when one has gone', async () => {
    const { clock, come, stops } = place();
    const first = await come('one');
    for (const node of ['two', 'three']) await come(node);
    await expect(come('four')).rejects.toMatchObject({
      code: 'cluster.fourth-replica',
      parameters: { node: 'four', members: 'one, three, two' },
    });
    await clock.advanceAsync(120_000);
    await expect(come('four')).rejects.toMatchObject({ code: 'cluster.fourth-replica' });
    stops.get('one')!.abort();
    const gone = first.leave();
    await clock.advanceAsync(1_000);
    await gone;
    await come('four');
  });

  it('lets a replica come back under its name', async () => {
    const { come } = place();
    for (const node of ['one', 'two', 'three', 'two']) await come(node);
  });

  it('refuses another cluster in the same etcd', async () => {
    const { come } = place();
    await come('one');
    await expect(come('far', { cluster: 'east' })).rejects.toMatchObject({
      code: 'cluster.other-cluster',
      parameters: { cluster: 'east', other: 'west' },
    });
  });

  it('refuses a replica beside another registry, and names who stands beside the first', async () => {
    const { come } = place();
    await come('one');
    await expect(come('two', { registry: 'r2' })).rejects.toMatchObject({
      code: 'cluster.other-registry',
      parameters: { node: 'one' },
    });
  });

  it('refuses an etcd that is not supported', async () => {
    const { etcd, come } = place();
    for (const version of ['3.3.27', '2.3.8', '4.0.0', '']) {
      etcd.version = version;
      await expect(come('one')).rejects.toMatchObject({ code: 'etcd.unsupported' });
    }
    for (const version of ['3.4.0', '3.5.16', '3.6.0-rc.1']) {
      etcd.version = version;
      await come('one');
    }
  });

  it('waits for an etcd that does not answer, and is there again after a quorum was lost', async () => {
    const { clock, etcd, come } = place();
    etcd.away = true;
    clock.after(10_000, () => (etcd.away = false));
    await come('one');
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(10_000);
    etcd.away = true;
    await clock.advanceAsync(120_000);
    etcd.away = false;
    await clock.advanceAsync(20_000);
    expect(etcd.value('/servicecenter-syncer/v1/replicas/one')).toContain('r1');
  });
});
