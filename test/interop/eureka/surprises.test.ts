// What a real Eureka does that no API description says (peers.md §3): a response cache, self-preservation,
// servers that are one cluster, statuses that stay.

import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Instance } from '../../../daemon/model/service.ts';
import { stampInstance } from '../../../daemon/model/stamp.ts';
import { createEurekaDriver } from '../../../daemon/registry/eureka/driver.ts';
import { systemClock } from '../../../daemon/support/clock.ts';
import { silentLogger } from '../../../daemon/support/logger.ts';
import { systemRandom } from '../../../daemon/support/random.ts';
import { freePort } from '../../support/free-port.ts';
import { sampleInstance, sampleService, value } from '../../contract/native-application.ts';
import { observe, type ObservedDriver } from '../../contract/observed-driver.ts';
import { eurekaNative } from './eureka-native.ts';
import {
  eurekaTool,
  fastServer,
  requireToolInCi,
  startEureka,
  type EurekaServer,
} from './eureka-server.ts';

const never = new AbortController().signal;
/** The cache of a server is filled anew each 30 s; twice that, and a busy machine. */
const cacheLimitMs = 120_000;

if ('missing' in eurekaTool) requireToolInCi();
const missing = 'missing' in eurekaTool ? ` (skipped: ${eurekaTool.missing})` : '';

async function server(...args: Parameters<typeof startEureka>): Promise<EurekaServer> {
  const started = await startEureka(...args);
  onTestFinished(() => started.close());
  return started;
}

function driverAt(addresses: readonly string[]): ObservedDriver {
  const driver = observe(
    createEurekaDriver(
      { addresses: [...addresses], requestTimeoutMs: 5_000, ownersWaitMs: 1_000, auditMs: 500 },
      { clock: systemClock, random: systemRandom, logger: silentLogger },
    ),
    { known: 0 },
  );
  onTestFinished(() => driver.stop());
  return driver;
}

function copyUnder(serviceId: string, change: Partial<Instance> = {}): Instance {
  const base = sampleInstance(change);
  const stamp = {
    originCluster: 'south',
    originService: 's',
    originInstance: base.instanceId,
    epoch: 1,
  };
  return {
    ...base,
    serviceId,
    properties: stampInstance(base.properties, stamp, base.healthCheck),
  };
}

describe.skipIf(missing !== '')(`a real Eureka's surprises${missing}`, () => {
  it('a list that is 30 s old is known for that, and lets nothing go', async () => {
    const { url } = await server([]);
    const native = eurekaNative(url);
    const service = sampleService();
    const ref = await native.registerService(service);
    const one = await native.registerInstance(ref, sampleInstance());
    const observed = driverAt([url]);
    await observed.until(() => observed.instance(one), cacheLimitMs);

    const copy = copyUnder(ref.serviceId);
    value(await observed.driver.putInstance(service, copy, never));
    const at = { ...ref, instanceId: copy.instanceId };
    // Readable at once past the cache; in the list much later.
    expect(value(await observed.driver.readInstance(at, never))).toBeDefined();
    // Gone and back before any list shows either.
    const again = observed.instance(one);
    await native.removeInstance(one);
    await native.registerInstance(ref, again!);
    await observed.until(() => observed.instance(at), cacheLimitMs);
    expect(observed.removed).toEqual([]);
    const delayMs = Number.parseInt(observed.driver.facts().findings['list-delay'] ?? '', 10);
    expect(delayMs).toBeGreaterThan(1_000);
    expect(observed.condition).toBe('answering');

    await native.removeInstance(one);
    const removal = await observed.until(() => observed.removal(one), cacheLimitMs);
    expect(removal.proof).toBe('tombstone');
    expect(observed.removed).toHaveLength(1);
  });

  it('self-preservation is seen, and proves nothing', async () => {
    const { url } = await server([
      '--eureka.server.useReadOnlyResponseCache=false',
      '--eureka.server.evictionIntervalTimerInMs=1000',
    ]);
    const native = eurekaNative(url);
    const ref = await native.registerService(sampleService());
    const dead = await native.registerInstance(
      ref,
      sampleInstance({
        healthCheck: { mode: 'push', port: 0, interval: 1, times: 1, url: '' },
      }),
    );
    const observed = driverAt([url]);
    await observed.until(() => observed.instance(dead));
    await observed.until(() =>
      observed.driver.facts().findings['self-preservation'] === 'in-force' ? true : undefined,
    );
    // Its lease has ended long ago: the server names it still, and so do we.
    await wait(6_000);
    expect(observed.removed).toEqual([]);
    expect(observed.instance(dead)?.status).toBe('UP');
    await native.removeInstance(dead);
    const removal = await observed.until(() => observed.removal(dead));
    expect(removal.proof).toBe('tombstone');
  });

  it('two servers of one cluster: one write reaches both, and the loss of one loses nothing', async () => {
    const ports = [await freePort(), await freePort()] as const;
    const peer = (port: number): string => `http://localhost:${port}/eureka/`;
    const [first, second] = await Promise.all([
      server(fastServer, { port: ports[0], peers: [peer(ports[1])] }),
      server(fastServer, { port: ports[1], peers: [peer(ports[0])] }),
    ]);
    const native = eurekaNative(second.url);
    const service = sampleService();
    const ref = await native.registerService(service);
    const observed = driverAt([first.url, second.url]);
    await observed.until(() => observed.service(ref), cacheLimitMs);
    const copy = copyUnder(ref.serviceId);
    value(await observed.driver.putInstance(service, copy, never));
    await observed.until(() => observed.instance({ ...ref, instanceId: copy.instanceId }));
    const atSecond = driverAt([second.url]);
    const there = await atSecond.until(
      () => atSecond.instance({ ...ref, instanceId: copy.instanceId }),
      cacheLimitMs,
    );
    expect(there.properties).toEqual(copy.properties);

    await first.stop();
    await observed.until(
      () => (observed.driver.facts().address === second.url ? true : undefined),
      cacheLimitMs,
    );
    await observed.untilCondition('answering', cacheLimitMs);
    expect(observed.removed).toEqual([]);
    value(await observed.driver.renew([{ ...ref, instanceId: copy.instanceId }], never));
  });

  it('a copy goes out of service and back, and an operator cannot hide it', async () => {
    const { url } = await server();
    const native = eurekaNative(url);
    const service = sampleService();
    const ref = await native.registerService(service);
    const observed = driverAt([url]);
    await observed.until(() => observed.service(ref));
    const copy = copyUnder(ref.serviceId);
    const at = { ...ref, instanceId: copy.instanceId };
    for (const status of ['UP', 'OUTOFSERVICE', 'UP', 'TESTING', 'DOWN', 'UP'] as const) {
      value(await observed.driver.putInstance(service, { ...copy, status }, never));
      expect(value(await observed.driver.readInstance(at, never))?.status).toBe(status);
    }
    const path = `${url}/apps/${encodeURIComponent(service.name.toUpperCase())}/${copy.instanceId}`;
    const override = await fetch(`${path}/status?value=OUT_OF_SERVICE`, { method: 'PUT' });
    expect(override.status).toBe(200);
    expect(value(await observed.driver.readInstance(at, never))?.status).toBe('OUTOFSERVICE');
    value(await observed.driver.putInstance(service, copy, never));
    expect(value(await observed.driver.readInstance(at, never))?.status).toBe('UP');
  });
});
