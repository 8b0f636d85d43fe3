// The zoo of broken drivers: each is named clearly, none harms the rest, half answers remove nothing.

import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Instance } from '../../daemon/model/service.ts';
import { stampInstance } from '../../daemon/model/stamp.ts';
import type { WriteResult } from '../../daemon/registry/driver.ts';
import { describeDriver } from '../../daemon/registry/plugin/describe.ts';
import type { PluginLimits } from '../../daemon/registry/plugin/limits.ts';
import { locateDriver } from '../../daemon/registry/plugin/locate.ts';
import { createPluginDriver } from '../../daemon/registry/plugin/plugin-driver.ts';
import { systemClock } from '../../daemon/support/clock.ts';
import { silentLogger } from '../../daemon/support/logger.ts';
import { systemRandom } from '../../daemon/support/random.ts';
import { observe, type ObservedDriver } from '../contract/observed-driver.ts';
import { failureCode } from '../contract/native-application.ts';

const zoo = join(import.meta.dirname, 'zoo');
const never = new AbortController().signal;
/** Longer than any wait here; a busy machine takes its time to start a thread. */
const limitMs = 60_000;
const herdSize = 20;
const locate = (name: string) => locateDriver(`./${name}.ts`, zoo);

const running: ObservedDriver[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((each) => each.stop()));
});

/** Starts an animal and waits until its whole view was told. */
async function release(name: string, limits: Partial<PluginLimits> = {}): Promise<ObservedDriver> {
  const location = locate(name);
  const driver = createPluginDriver(
    {
      location,
      description: describeDriver(location),
      options: {},
      limits: { callMs: 2_000, stopMs: 500, restartMs: 100, longestRestartMs: 500, ...limits },
    },
    { clock: systemClock, random: systemRandom, logger: silentLogger },
  );
  const observed = observe(driver);
  running.push(observed);
  await observed.until(() => observed.changes[0], limitMs);
  return observed;
}

const copy: Instance = {
  serviceId: 'herd',
  instanceId: 'copy',
  endpoints: [],
  hostName: 'h',
  status: 'UP',
  properties: stampInstance(
    {},
    { originCluster: 'c', originService: 's', originInstance: 'i', epoch: 1 },
    undefined,
  ),
  healthCheck: undefined,
  dataCenterInfo: undefined,
  version: '',
};
const key = {
  domain: 'default',
  project: 'default',
  environment: '',
  app: 'zoo',
  name: 'herd',
  version: '1.0.0',
};
const refOf = (instanceId: string) => ({
  domain: 'default',
  project: 'default',
  serviceId: 'herd',
  instanceId,
});
const put = (observed: ObservedDriver): Promise<WriteResult<void>> =>
  observed.driver.putInstance(key, copy, never);
const lastFault = (observed: ObservedDriver): string =>
  observed.driver.facts().findings['driver-last-fault'] ?? '';
const untilFault = (observed: ObservedDriver, fault: RegExp): Promise<true> =>
  observed.until(() => (fault.test(lastFault(observed)) ? true : undefined), limitMs);
const presentCount = (observed: ObservedDriver): number =>
  Array.from({ length: herdSize }, (_, index) => refOf(`animal-${index + 1}`)).filter(
    (ref) => observed.instance(ref) !== undefined,
  ).length;

describe('a driver that cannot be loaded', () => {
  it.each([
    ['throws-at-load', /throws-at-load\.ts': no native library for this machine/],
    ['exports-nothing', /it exports no driver.*defineDriver/],
    ['other-version', /version 99 of the driver API.*version 1.*update the syncer/],
    ['wrong-definition', /its definition is wrong: kind/],
    ['exits-at-load', /ended its thread while it was loading/],
  ])('is named with the reason: %s', (name, message) => {
    expect(() => describeDriver(locate(name))).toThrow(message);
  });

  it('does not hold the start for ever', () => {
    expect(() => describeDriver(locate('never-loads'), 3_000)).toThrow(
      /did not load within 3 s.*top of its module/,
    );
  });

  it.each([
    ['./no-such.ts', /there is no file .*no-such\.ts/],
    ['./herd.json', /there is no file/],
    ['no-such-package', /no package 'no-such-package'.*npm install/],
    ['What is this?', /no driver's name, no path.*and no package/],
  ])('is looked for and not found: %s', (wanted, message) => {
    expect(() => locateDriver(wanted, zoo)).toThrow(message);
  });
});

describe('a driver that behaves', () => {
  it('tells its view and answers, with no fault', async () => {
    const observed = await release('behaves');
    expect(presentCount(observed)).toBe(herdSize);
    expect(await put(observed)).toEqual({ ok: true, value: undefined });
    expect(await observed.driver.readInstance(refOf('animal-3'), never)).toMatchObject({
      ok: true,
      value: { instanceId: 'animal-3' },
    });
    expect(observed.driver.facts().findings).toMatchObject({ 'driver-faults': '0' });
    await observed.untilCondition('answering', limitMs);
  });
});

describe('a driver that breaks', () => {
  it('when it is made: it is tried again, and nothing is concluded', async () => {
    const location = locate('throws-at-create');
    const driver = createPluginDriver(
      {
        location,
        description: describeDriver(location),
        options: {},
        limits: { restartMs: 50, longestRestartMs: 100 },
      },
      { clock: systemClock, random: systemRandom, logger: silentLogger },
    );
    const observed = observe(driver);
    running.push(observed);
    await observed.untilCondition('driver-fault', limitMs);
    await untilFault(observed, /^not-loaded: Error: cannot be made today/);
    await observed.until(
      () => (Number(driver.facts().findings['driver-faults']) >= 2 ? true : undefined),
      limitMs,
    );
    expect(observed.changes).toEqual([]);
    expect(await put(observed)).toMatchObject({ ok: false, failure: { code: 'unreachable' } });
  });

  it.each([
    ['throws', 'server-error', /a bug in put/],
    ['never-answers', 'timeout', /no answer within 2 s/],
    ['spins', 'timeout', /hangs: its thread has not turned|no answer within 2 s/],
    ['exits', 'unreachable', /^exited: .*code 7/],
    ['crashes', 'unreachable', /^crashed: thrown into the void/],
  ])('in a write: %s', async (name, code, fault) => {
    const observed = await release(name);
    expect(failureCode(await put(observed))).toBe(code);
    await untilFault(observed, fault);
    expect(observed.removed).toEqual([]);
    expect(presentCount(observed)).toBe(herdSize);
  });

  it('by turning for ever: its thread is ended, and another one sees everything again', async () => {
    const observed = await release('spins', { pingEveryMs: 500, silentPings: 8, callMs: 60_000 });
    const writing = put(observed);
    await observed.untilCondition('driver-fault', limitMs);
    expect(lastFault(observed)).toMatch(/^hangs/);
    expect(failureCode(await writing)).toBe('unreachable');
    await observed.untilCondition('answering', limitMs);
    expect(observed.removed).toEqual([]);
  });

  it('again and again: it is begun anew each time, and each fault is counted', async () => {
    const observed = await release('exits');
    for (let faults = 1; faults <= 3; faults += 1) {
      await observed.untilCondition('answering', limitMs);
      await put(observed);
      await observed.until(
        () =>
          observed.driver.facts().findings['driver-faults'] === String(faults) ? true : undefined,
        limitMs,
      );
    }
    expect(observed.conditions).toContainEqual(
      expect.objectContaining({ state: 'unknown', reason: 'driver-fault' }),
    );
    expect(observed.removed).toEqual([]);
  });

  it('after many calls that gave nothing: it is begun anew', async () => {
    const observed = await release('throws', { badCalls: 3 });
    for (let call = 0; call < 3; call += 1) await put(observed);
    await untilFault(observed, /^threw: 3 calls in a row gave nothing/);
    await observed.untilCondition('answering', limitMs);
  });
});

describe('a driver that tells nonsense', () => {
  it('is not believed in any part of what it tells with it', async () => {
    const observed = await release('tells-garbage', { restartMs: 60_000 });
    await observed.untilCondition('driver-fault', limitMs);
    expect(lastFault(observed)).toMatch(/^garbage: .*instanceId/);
    expect(observed.removed).toEqual([]);
    expect(presentCount(observed)).toBe(herdSize);
  });

  it('is not believed in its answers', async () => {
    const observed = await release('answers-garbage');
    expect(failureCode(await put(observed))).toBe('server-error');
    expect(lastFault(observed)).toMatch(/^garbage: putInstance gave the wrong shape/);
    const read = await observed.driver.readInstance(refOf('animal-2'), never);
    expect(failureCode(read)).toBe('server-error');
    expect(lastFault(observed)).toMatch(/asked for animal-2, gave animal-1/);
    expect(failureCode(await observed.driver.renew([refOf('animal-1')], never))).toBe(
      'server-error',
    );
    expect(lastFault(observed)).toMatch(/renew named nobody as missing/);
  });

  it('removes nothing that it gives when asked: half of the view with tombstones', async () => {
    const observed = await release('drops-half');
    await observed.untilCondition('suspicious-loss', limitMs);
    await untilFault(observed, /^contradiction: it left out 12 instances/);
    expect(observed.removed).toEqual([]);
    expect(presentCount(observed)).toBe(herdSize);
  });

  it('removes nothing by coming back with half of what it saw in its last life', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'zoo-'));
    process.env.ZOO_MARKER = join(directory, 'marker');
    try {
      const observed = await release('forgets-half');
      await put(observed);
      await observed.untilCondition('waiting-for-owners', limitMs);
      await untilFault(observed, /^contradiction: it left out 10 instances/);
      expect(observed.removed).toEqual([]);
      expect(presentCount(observed)).toBe(herdSize);
    } finally {
      delete process.env.ZOO_MARKER;
      rmSync(directory, { recursive: true, force: true });
    }
  });
});

describe('a driver that leaks', () => {
  it('leaves nothing behind when it is stopped', async () => {
    const observed = await release('leaks');
    const port = await observed.until(
      () => Number(observed.driver.facts().address) || undefined,
      limitMs,
    );
    expect(await answers(port)).toBe(true);
    running.splice(0);
    await observed.stop();
    expect(await answers(port)).toBe(false);
  });
});

/** Whether somebody takes connections at a port of this machine. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
