// The fence in front of a registry: every write asks, a renewal asks what it needs, reading asks nobody.

import { describe, expect, it } from 'vitest';
import { stampKeys } from '../model/stamp.ts';
import type { RegistryDriver } from '../registry/driver.ts';
import { fenceDriver } from './fence.ts';

const { signal } = new AbortController();
const epoch = 7;

/** A driver that notes what reaches it. */
function place(may: { write: boolean; renew: boolean }) {
  const reached: string[] = [];
  let ended = 0;
  const driver = new Proxy({} as RegistryDriver, {
    get: (_target, name) =>
      name === 'kind' || name === 'renewBatchSize'
        ? name
        : () => {
            reached.push(String(name));
            return { ok: true, value: undefined };
          },
  });
  const asked: AbortSignal[] = [];
  const fenced = fenceDriver(driver, {
    begin: (asking) => {
      asked.push(asking);
      const permit = { epoch, signal: asking, end: () => (ended += 1) };
      return Promise.resolve(may.write ? permit : undefined);
    },
    mayRenew: () => may.renew,
  });
  return { fenced, reached, asked, ended: () => ended };
}

type Call = (driver: RegistryDriver) => unknown;
const nothing = {} as never;
const copy = (stamped: number): never =>
  ({
    properties: {
      [stampKeys.originCluster]: 'east',
      [stampKeys.originInstance]: 'i',
      [stampKeys.epoch]: String(stamped),
    },
  }) as never;
const writes: Readonly<Record<string, Call>> = {
  ensureService: (driver) => driver.ensureService(nothing, nothing, signal),
  updateService: (driver) => driver.updateService(nothing, nothing, signal),
  releaseService: (driver) => driver.releaseService(nothing, signal),
  removeService: (driver) => driver.removeService(nothing, signal),
  putInstance: (driver) => driver.putInstance(nothing, copy(epoch), signal),
  removeInstance: (driver) => driver.removeInstance(nothing, nothing, signal),
};
const others: Readonly<Record<string, Call>> = {
  facts: (driver) => driver.facts(),
  start: (driver) => driver.start(nothing),
  stop: (driver) => driver.stop(),
  wake: (driver) => driver.wake(),
  normalise: (driver) => driver.normalise(nothing),
  readInstance: (driver) => driver.readInstance(nothing, signal),
};

describe('the fence', () => {
  it.each(Object.entries(writes))('lets %s through when it may write', async (name, call) => {
    const { fenced, reached, asked, ended } = place({ write: true, renew: false });
    expect(await call(fenced)).toMatchObject({ ok: true });
    expect(reached).toEqual([name]);
    expect(asked).toEqual([signal]);
    expect(ended()).toBe(1);
  });

  it.each(Object.entries(writes))('keeps %s back otherwise, to be tried again', async (_, call) => {
    const { fenced, reached } = place({ write: false, renew: true });
    expect(await call(fenced)).toMatchObject({ ok: false, failure: { retry: true } });
    expect(reached).toEqual([]);
  });

  it('asks for the write anew each time', async () => {
    const may = { write: true, renew: true };
    const { fenced, reached } = place(may);
    await writes.putInstance?.(fenced);
    may.write = false;
    await writes.putInstance?.(fenced);
    expect(reached).toEqual(['putInstance']);
  });

  it('keeps back a copy that was stamped in another term', async () => {
    const { fenced, reached, ended } = place({ write: true, renew: true });
    expect(await fenced.putInstance(nothing, copy(epoch - 1), signal)).toMatchObject({
      ok: false,
      failure: { retry: true },
    });
    expect(reached).toEqual([]);
    expect(ended()).toBe(1);
  });

  it('renews leases while it may, whether it may write or not', async () => {
    const may = { write: false, renew: true };
    const { fenced, reached } = place(may);
    expect(await fenced.renew([], signal)).toMatchObject({ ok: true });
    may.renew = false;
    expect(await fenced.renew([], signal)).toMatchObject({ ok: false });
    expect(reached).toEqual(['renew']);
  });

  it.each(Object.entries(others))('leaves %s alone', async (name, call) => {
    const { fenced, reached, asked } = place({ write: false, renew: false });
    await call(fenced);
    expect(reached).toEqual([name]);
    expect(asked).toEqual([]);
  });

  it('fences every call that a driver has', () => {
    const known = [
      ...Object.keys(writes),
      ...Object.keys(others),
      'renew',
      'kind',
      'renewBatchSize',
    ];
    expect(Object.keys(place({ write: true, renew: true }).fenced).sort()).toEqual(known.sort());
  });
});
