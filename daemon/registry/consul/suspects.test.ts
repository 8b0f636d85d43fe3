import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../support/logger.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { badAnswer, type Trouble } from '../common/trouble.ts';
import { Mirror } from './mirror.ts';
import { createSuspects } from './suspects.ts';
import type { ConsulInstance, Standing } from './wire.ts';

function instance(name: string, id: string, modifyIndex: number): ConsulInstance {
  return {
    ...{ node: 'host', nodeAddress: '10.0.0.1', datacenter: 'dc1', zone: '' },
    ...{ id, name, kind: '', address: '10.0.0.2', port: 80, tags: [], meta: {} },
    weights: { passing: 1, warning: 1 },
    checks: [],
    modifyIndex,
  };
}

/** Two services of six instances each, all of index 5, read whole. */
function world() {
  const clock = new VirtualClock();
  const mirror = new Mirror();
  const listed = new Map<string, ConsulInstance[]>(
    ['billing', 'orders'].map((name) => [
      name,
      Array.from({ length: 6 }, (_, n) => instance(name, `${name}-${n}`, 5)),
    ]),
  );
  for (const [name, instances] of listed) mirror.apply(name, 5, instances);
  const asked: string[] = [];
  const fake: { index: number; trouble: Trouble | undefined } = { index: 5, trouble: undefined };
  const woken: number[] = [];
  const suspects = createSuspects({
    api: {
      async standings() {
        asked.push('all');
        if (fake.trouble !== undefined) return { ok: false, trouble: fake.trouble };
        const value: readonly Standing[] = [...listed.values()].flat();
        return { ok: true, value: { index: fake.index, value } };
      },
      async serviceIndex(name) {
        asked.push(`index of ${name}`);
        const newest = Math.max(...listed.get(name)!.map(({ modifyIndex }) => modifyIndex));
        return { ok: true, value: newest };
      },
    },
    ...{ mirror, clock, logger: silentLogger, parallel: 2 },
    names: () => new Set(listed.keys()),
    async read(names) {
      for (const name of [...names].sort()) {
        asked.push(`read ${name}`);
        mirror.apply(name, fake.index, listed.get(name)!);
      }
      return undefined;
    },
    begins: () => undefined,
    wake: () => woken.push(clock.monotonicMs()),
  });
  const write = (name: string, at: number): void => {
    fake.index += 1;
    listed.get(name)![at] = instance(name, `${name}-${at}`, fake.index);
  };
  return { clock, fake, asked, suspects, write, woken };
}

describe('what changed, where nothing says what', () => {
  it('is found by one answer, and that alone is read', async () => {
    const { suspects, asked, write, fake } = world();
    write('orders', 2);
    suspects.raise(fake.index);
    expect(await suspects.search()).toBeUndefined();
    expect(asked).toEqual(['all', 'read orders']);
    await suspects.search();
    expect(asked).toHaveLength(2);
  });

  it('is asked for again where the answer is older than what showed it', async () => {
    const { suspects, asked, write, fake, clock, woken } = world();
    write('orders', 2);
    suspects.raise(fake.index + 1);
    await suspects.search();
    expect(woken).toEqual([]);
    clock.advance(10);
    expect(woken).toHaveLength(1);
    fake.index += 1;
    await suspects.search();
    await suspects.search();
    expect(asked.filter((each) => each === 'all')).toHaveLength(2);
  });

  it('is found service by service where that answer is refused, which is asked for again later', async () => {
    const { suspects, asked, write, fake, clock } = world();
    fake.trouble = { kind: 'refused', status: 404, code: '', message: 'no such path' };
    write('billing', 0);
    suspects.raise(fake.index);
    expect(await suspects.search()).toBeUndefined();
    expect(asked).toEqual(['all', 'index of billing', 'index of orders', 'read billing']);
    expect(suspects.way).toBe('service by service');
    asked.length = 0;
    write('orders', 1);
    suspects.raise(fake.index);
    clock.advance(10);
    await suspects.search();
    expect(asked).toEqual(['index of billing', 'index of orders', 'read orders']);
    asked.length = 0;
    fake.trouble = undefined;
    clock.advance(600_000);
    suspects.raise(fake.index);
    await suspects.search();
    expect(asked).toEqual(['all']);
  });

  it('is a matter of trouble where nothing answers, and is not forgotten', async () => {
    const { suspects, asked, write, fake, clock } = world();
    write('orders', 2);
    fake.trouble = {
      kind: 'failed',
      failure: { code: 'unreachable', interrupts: true, sent: false, detail: 'refused' },
    };
    suspects.raise(fake.index);
    expect(await suspects.search()).toBe(fake.trouble);
    fake.trouble = undefined;
    clock.advance(10);
    await suspects.search();
    expect(asked).toEqual(['all', 'all', 'read orders']);
  });

  it('is nothing where everything was read meanwhile, and half an answer is none', async () => {
    const { suspects, asked, fake } = world();
    suspects.raise(fake.index);
    suspects.clear();
    await suspects.search();
    expect(asked).toEqual([]);
    fake.trouble = badAnswer('Node is no text');
    suspects.raise(fake.index);
    await suspects.search();
    expect(asked).toEqual(['all', 'index of billing', 'index of orders']);
  });
});
