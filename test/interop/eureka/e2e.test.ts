// Two sites of two kinds: applications at a Eureka and at a registry with ServiceCenter's API find each
// other through two daemons, and nobody's own registration is ever touched.

import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApplications, type Applications } from '../../support/application.ts';
import { startDaemon, type TestDaemon } from '../../support/daemon.ts';
import { poll } from '../../support/poll.ts';
import { startRegistry, type TestRegistry } from '../../support/registry.ts';
import { eurekaTool, requireToolInCi, startEureka, type EurekaServer } from './eureka-server.ts';

/** Machines are busy: the limit only ends a wait for what never comes. */
const limitMs = 60_000;

interface Listed {
  readonly instanceId: string;
  readonly app: string;
  readonly ipAddr: string;
  readonly status: string;
  readonly port: { readonly $: number };
  readonly vipAddress?: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly leaseInfo: { readonly durationInSecs: number };
  readonly lastDirtyTimestamp: string;
}

interface ScInstance {
  readonly instanceId: string;
  readonly endpoints: readonly string[];
  readonly status: string;
  readonly properties: Readonly<Record<string, string>>;
}

if ('missing' in eurekaTool) requireToolInCi();
const missing = 'missing' in eurekaTool ? ` (skipped: ${eurekaTool.missing})` : '';

describe.skipIf(missing !== '')(`a Eureka site and a ServiceCenter site${missing}`, () => {
  let eureka: EurekaServer;
  let center: TestRegistry;
  let applications: Applications;
  let south: TestDaemon;
  let north: TestDaemon;
  let renewing: NodeJS.Timeout;
  let nativeDirty = '';

  beforeAll(async () => {
    [eureka, center] = await Promise.all([startEureka(), startRegistry('lab')]);
    applications = startApplications(center.url);
    south = await startDaemon({ cluster: 'south', registries: [center.url] });
    north = await startDaemon({
      cluster: 'north',
      registries: [eureka.url],
      join: [south.gossip],
      flags: ['--sc-plugin', 'eureka'],
    });
  }, 300_000);

  afterAll(async () => {
    clearInterval(renewing);
    applications.stop();
    await Promise.all([south.stop(), north.stop()]);
    await Promise.all([eureka.close(), center.close()]);
  });

  const listed = async (): Promise<readonly Listed[]> => {
    const answer = await fetch(`${eureka.url}/apps`, { headers: { accept: 'application/json' } });
    const body = (await answer.json()) as {
      applications: { application: { instance: Listed[] }[] };
    };
    return body.applications.application.flatMap(({ instance }) => instance);
  };
  const copiesAtEureka = async (): Promise<readonly Listed[]> =>
    (await listed()).filter(({ metadata }) => 'syncer-origin-cluster' in metadata);

  const atCenter = async (): Promise<readonly ScInstance[]> => {
    const registry = `${center.url}/v4/default/registry`;
    const headers = { 'x-domain-name': 'default' };
    const services = (await (await fetch(`${registry}/microservices`, { headers })).json()) as {
      services?: { serviceId: string; serviceName: string }[];
    };
    const billing = services.services?.find(({ serviceName }) => serviceName === 'billing');
    if (billing === undefined) return [];
    const path = `/microservices/${billing.serviceId}/instances`;
    const found = (await (await fetch(registry + path, { headers })).json()) as {
      instances?: ScInstance[];
    };
    return found.instances ?? [];
  };

  /** What a Spring Cloud application sends. */
  const registerNative = async (change: object = {}): Promise<void> => {
    nativeDirty = String(Date.now());
    const answer = await fetch(`${eureka.url}/apps/BILLING`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        instance: {
          instanceId: 'host:billing:8080',
          hostName: '10.3.0.1',
          app: 'BILLING',
          ipAddr: '10.3.0.1',
          status: 'UP',
          vipAddress: 'billing',
          port: { $: 8080, '@enabled': 'true' },
          leaseInfo: { renewalIntervalInSecs: 30, durationInSecs: 90 },
          dataCenterInfo: {
            '@class': 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo',
            name: 'MyOwn',
          },
          metadata: { zone: 'a' },
          lastDirtyTimestamp: nativeDirty,
          ...change,
        },
      }),
    });
    expect(answer.status).toBe(204);
  };

  let serviceId = '';
  let instanceId = '';

  it('what registers at the ServiceCenter is found at the Eureka, by application and VIP', async () => {
    serviceId = await applications.service({ serviceName: 'Orders', version: '1.2.3' });
    instanceId = await applications.instance(serviceId, { properties: { team: 'blue' } });
    const copy = await poll(async () => (await copiesAtEureka())[0], limitMs);
    expect(copy).toMatchObject({
      app: 'ORDERS',
      vipAddress: 'Orders',
      ipAddr: '10.1.2.3',
      status: 'UP',
      port: { $: 8080 },
    });
    expect(copy.metadata).toMatchObject({
      team: 'blue',
      'syncer-service': 'Orders',
      'syncer-version': '1.2.3',
      'syncer-origin-cluster': 'south',
      'syncer-origin-instance': instanceId,
    });
    expect(copy.leaseInfo.durationInSecs).toBe(600);
  });

  it('what registers at the Eureka is found at the ServiceCenter', async () => {
    await registerNative();
    renewing = setInterval(() => {
      // A server that is away is the test's business.
      void fetch(`${eureka.url}/apps/BILLING/host:billing:8080`, { method: 'PUT' })
        .then((answer) => answer.arrayBuffer())
        .catch(() => undefined);
    }, 5_000);
    const copy = await poll(async () => (await atCenter())[0], limitMs);
    expect(copy).toMatchObject({ endpoints: ['rest://10.3.0.1:8080'], status: 'UP' });
    expect(copy.properties).toMatchObject({
      zone: 'a',
      'syncer-origin-cluster': 'north',
      'syncer-origin-instance': 'host:billing:8080',
    });
  });

  it('changes and statuses cross in both directions', async () => {
    await applications.setProperties(serviceId, instanceId, { team: 'green' });
    await applications.setStatus(serviceId, instanceId, 'OUTOFSERVICE');
    await poll(async () => {
      const [copy] = await copiesAtEureka();
      return copy?.metadata.team === 'green' && copy.status === 'OUT_OF_SERVICE' ? true : undefined;
    }, limitMs);
    await applications.setStatus(serviceId, instanceId, 'UP');
    await poll(
      async () => ((await copiesAtEureka())[0]?.status === 'UP' ? true : undefined),
      limitMs,
    );
    await registerNative({ metadata: { zone: 'b' }, port: { $: 9090, '@enabled': 'true' } });
    await poll(async () => {
      const [copy] = await atCenter();
      const there = copy?.properties.zone === 'b' && copy.endpoints[0] === 'rest://10.3.0.1:9090';
      return there ? true : undefined;
    }, limitMs);
  });

  it('touches no native', async () => {
    const native = (await listed()).find(({ app }) => app === 'BILLING');
    expect(native).toMatchObject({ status: 'UP', metadata: { zone: 'b' } });
    expect(native?.lastDirtyTimestamp).toBe(nativeDirty);
    expect(Object.keys(native?.metadata ?? {})).toEqual(['zone']);
    expect(await listed()).toHaveLength(2);
  });

  it('an empty restart of the Eureka removes nothing elsewhere, and copies come back', async () => {
    await eureka.restart();
    const back = await poll(async () => (await copiesAtEureka())[0], limitMs);
    expect(back.metadata['syncer-origin-instance']).toBe(instanceId);
    // The application has not come back yet.
    await wait(5_000);
    expect(await atCenter()).toHaveLength(1);
    await registerNative({ metadata: { zone: 'c' } });
    await poll(
      async () => ((await atCenter())[0]?.properties.zone === 'c' ? true : undefined),
      limitMs,
    );
  });

  it('a removal crosses in both directions', async () => {
    await applications.remove(serviceId, instanceId);
    await poll(async () => ((await copiesAtEureka()).length === 0 ? true : undefined), limitMs);
    clearInterval(renewing);
    const gone = await fetch(`${eureka.url}/apps/BILLING/host:billing:8080`, { method: 'DELETE' });
    expect(gone.status).toBe(200);
    await poll(async () => ((await atCenter()).length === 0 ? true : undefined), 120_000);
  });
});
