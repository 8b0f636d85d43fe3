// Two sites of two kinds: applications at a Nacos and at a registry with ServiceCenter's API find each
// other through two daemons, and nobody's own registration is ever touched.

import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApplications, type Applications } from '../../support/application.ts';
import { startDaemon, type TestDaemon } from '../../support/daemon.ts';
import { poll } from '../../support/poll.ts';
import { startRegistry, type TestRegistry } from '../../support/registry.ts';
import {
  nacosTool,
  requireToolInCi,
  startLimitMs,
  startNacos,
  type NacosServer,
} from './nacos-server.ts';

/** Machines are busy: the limit only ends a wait for what never comes. */
const limitMs = 60_000;

interface Host {
  readonly ip: string;
  readonly port: number;
  readonly enabled: boolean;
  readonly clusterName: string;
  readonly serviceName: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly ipDeleteTimeout: number;
}

interface ScInstance {
  readonly instanceId: string;
  readonly endpoints: readonly string[];
  readonly status: string;
  readonly properties: Readonly<Record<string, string>>;
}

if ('missing' in nacosTool) requireToolInCi();
const missing = 'missing' in nacosTool ? ` (skipped: ${nacosTool.missing})` : '';

describe.skipIf(missing !== '')(`a Nacos site and a ServiceCenter site${missing}`, () => {
  let nacos: NacosServer;
  let center: TestRegistry;
  let applications: Applications;
  let south: TestDaemon;
  let north: TestDaemon;
  let renewing: NodeJS.Timeout;

  beforeAll(async () => {
    [nacos, center] = await Promise.all([startNacos(), startRegistry('lab')]);
    applications = startApplications(center.url);
    south = await startDaemon({ cluster: 'south', registries: [center.url] });
    north = await startDaemon({
      cluster: 'north',
      registries: [nacos.url],
      join: [south.gossip],
      flags: ['--sc-plugin', 'nacos'],
    });
  }, startLimitMs);

  afterAll(async () => {
    clearInterval(renewing);
    applications.stop();
    await Promise.all([south.stop(), north.stop()]);
    await Promise.all([nacos.close(), center.close()]);
  });

  const listed = async (): Promise<readonly Host[]> => {
    const query = 'pageNo=1&pageSize=100&withInstances=true';
    const answer = await fetch(`${nacos.url}/v3/admin/ns/service/list?${query}`);
    const body = (await answer.json()) as {
      data: { pageItems: { clusterMap: Record<string, { hosts: Host[] }> }[] };
    };
    return body.data.pageItems.flatMap(({ clusterMap }) =>
      Object.values(clusterMap).flatMap(({ hosts }) => hosts),
    );
  };
  const copies = async (): Promise<readonly Host[]> =>
    (await listed()).filter(({ metadata }) => 'sy-from' in metadata);
  const native = async (): Promise<Host | undefined> =>
    (await listed()).find(({ serviceName }) => serviceName === 'DEFAULT_GROUP@@billing');

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

  const billing = { serviceName: 'billing', ip: '10.3.0.1', port: '8080' };
  /** What an application without an SDK sends. */
  const send = async (method: string, form: Readonly<Record<string, string>>): Promise<number> => {
    const body = new URLSearchParams({ ...billing, ...form });
    const path = `${nacos.url}/v3/client/ns/instance`;
    const answer = await (method === 'DELETE'
      ? fetch(`${path}?${body.toString()}`, { method })
      : fetch(path, { method, body }));
    return ((await answer.json()) as { code: number }).code;
  };
  const registerNative = async (zone: string): Promise<void> => {
    expect(await send('POST', { metadata: JSON.stringify({ zone }) })).toBe(0);
  };

  let serviceId = '';
  let instanceId = '';

  it('what registers at the ServiceCenter is found at the Nacos', async () => {
    serviceId = await applications.service({ serviceName: 'Orders', version: '1.2.3' });
    instanceId = await applications.instance(serviceId, { properties: { team: 'blue' } });
    const copy = await poll(async () => (await copies())[0], limitMs);
    expect(copy).toMatchObject({
      ip: '10.1.2.3',
      port: 8080,
      enabled: true,
      clusterName: 'syncer-south',
      ipDeleteTimeout: 600_000,
    });
    expect(copy.serviceName.endsWith('@@Orders')).toBe(true);
    expect(copy.metadata).toMatchObject({ team: 'blue', 'sy-v': '1.2.3' });
    expect(copy.metadata['sy-from']).toContain(`south|${serviceId}|${instanceId}|`);
  });

  it('what registers at the Nacos is found at the ServiceCenter', async () => {
    await registerNative('a');
    renewing = setInterval(() => {
      // A server that is away is the test's business.
      void send('POST', { heartBeat: 'true' }).catch(() => undefined);
    }, 3_000);
    const copy = await poll(async () => (await atCenter())[0], limitMs);
    expect(copy).toMatchObject({ endpoints: ['rest://10.3.0.1:8080'], status: 'UP' });
    expect(copy.properties).toMatchObject({
      zone: 'a',
      'syncer-origin-cluster': 'north',
      'syncer-origin-instance': '10.3.0.1:8080',
    });
  });

  it('changes and statuses cross in both directions', async () => {
    await applications.setProperties(serviceId, instanceId, { team: 'green' });
    await applications.setStatus(serviceId, instanceId, 'OUTOFSERVICE');
    await poll(async () => {
      const [copy] = await copies();
      return copy?.metadata.team === 'green' && !copy.enabled ? true : undefined;
    }, limitMs);
    await applications.setStatus(serviceId, instanceId, 'UP');
    await poll(async () => ((await copies())[0]?.enabled === true ? true : undefined), limitMs);
    await registerNative('b');
    await poll(
      async () => ((await atCenter())[0]?.properties.zone === 'b' ? true : undefined),
      limitMs,
    );
  });

  it('touches no native', async () => {
    expect(await native()).toMatchObject({
      ip: '10.3.0.1',
      port: 8080,
      enabled: true,
      clusterName: 'DEFAULT',
      metadata: { zone: 'b' },
      ipDeleteTimeout: 30_000,
    });
    expect(await listed()).toHaveLength(2);
  });

  it('a removal crosses in both directions', async () => {
    await applications.remove(serviceId, instanceId);
    await poll(async () => ((await copies()).length === 0 ? true : undefined), limitMs);
    expect(await send('DELETE', {})).toBe(0);
    await poll(async () => ((await atCenter()).length === 0 ? true : undefined), limitMs);
  });

  it('an empty restart of the Nacos removes nothing elsewhere, and copies come back', async () => {
    instanceId = await applications.instance(serviceId, { properties: { team: 'red' } });
    await registerNative('b');
    await poll(async () => ((await copies()).length === 1 ? true : undefined), limitMs);
    await poll(async () => ((await atCenter()).length === 1 ? true : undefined), limitMs);
    await nacos.restart();
    const back = await poll(async () => (await copies())[0], limitMs);
    expect(back.metadata['sy-from']).toContain(instanceId);
    // The application has not come back yet.
    await wait(3_000);
    expect(await native()).toBeUndefined();
    expect(await atCenter()).toHaveLength(1);
    await registerNative('c');
    await poll(
      async () => ((await atCenter())[0]?.properties.zone === 'c' ? true : undefined),
      limitMs,
    );
  });
});
