// Two sites of two kinds: applications at a Consul and at a registry with ServiceCenter's API find each
// other through two daemons, and nobody's own registration is ever touched.

import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApplications, type Applications } from '../../support/application.ts';
import { startDaemon, type TestDaemon } from '../../support/daemon.ts';
import { poll } from '../../support/poll.ts';
import { startRegistry, type TestRegistry } from '../../support/registry.ts';
import { consulTool, requireToolAtNight, startConsul, type ConsulServer } from './consul-server.ts';

/** Machines are busy: the limit only ends a wait for what never comes. */
const limitMs = 60_000;

interface Entry {
  readonly Node: { readonly Node: string };
  readonly Service: {
    readonly ID: string;
    readonly Service: string;
    readonly Address: string;
    readonly Port: number;
    readonly Tags: readonly string[];
    readonly Meta: Readonly<Record<string, string>>;
    readonly ModifyIndex: number;
  };
}

interface ScInstance {
  readonly instanceId: string;
  readonly endpoints: readonly string[];
  readonly status: string;
  readonly properties: Readonly<Record<string, string>>;
}

if ('missing' in consulTool) requireToolAtNight();
const missing = 'missing' in consulTool ? ` (skipped: ${consulTool.missing})` : '';

describe.skipIf(missing !== '')(`a Consul site and a ServiceCenter site${missing}`, () => {
  let consul: ConsulServer;
  let center: TestRegistry;
  let applications: Applications;
  let south: TestDaemon;
  let north: TestDaemon;

  beforeAll(async () => {
    [consul, center] = await Promise.all([startConsul(), startRegistry('lab')]);
    applications = startApplications(center.url);
    south = await startDaemon({ cluster: 'south', registries: [center.url] });
    north = await startDaemon({
      cluster: 'north',
      registries: [consul.url],
      join: [south.gossip],
      flags: ['--sc-plugin', 'consul'],
    });
  }, 900_000);

  afterAll(async () => {
    applications.stop();
    await Promise.all([south.stop(), north.stop()]);
    await Promise.all([consul.close(), center.close()]);
  });

  /** What a consumer asks for: those that pass. */
  const passing = async (name: string): Promise<readonly Entry[]> => {
    const answer = await fetch(`${consul.url}/v1/health/service/${name}?passing`);
    return (await answer.json()) as Entry[];
  };
  const agent = async (path: string, body?: object): Promise<void> => {
    const answer = await fetch(`${consul.url}/v1/agent/service/${path}`, {
      method: 'PUT',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    expect(answer.status).toBe(200);
  };
  const billing = (change: object = {}) => ({
    ID: 'billing-1',
    Name: 'billing',
    Address: '10.3.0.1',
    Port: 8080,
    Tags: ['primary'],
    Meta: { zone: 'a' },
    ...change,
  });

  const atCenter = async (): Promise<readonly ScInstance[]> => {
    const registry = `${center.url}/v4/default/registry`;
    const headers = { 'x-domain-name': 'default' };
    const services = (await (await fetch(`${registry}/microservices`, { headers })).json()) as {
      services?: { serviceId: string; serviceName: string }[];
    };
    const found = services.services?.find(({ serviceName }) => serviceName === 'billing');
    if (found === undefined) return [];
    const path = `/microservices/${found.serviceId}/instances`;
    const answer = (await (await fetch(registry + path, { headers })).json()) as {
      instances?: ScInstance[];
    };
    return answer.instances ?? [];
  };

  let serviceId = '';
  let instanceId = '';

  it('what registers at the ServiceCenter is found at the Consul, by its name', async () => {
    serviceId = await applications.service({ serviceName: 'Orders', version: '1.2.3' });
    instanceId = await applications.instance(serviceId, { properties: { team: 'blue' } });
    const copy = await poll(async () => (await passing('Orders'))[0], limitMs);
    expect(copy.Node.Node).toBe('syncer-north');
    expect(copy.Service).toMatchObject({ Address: '10.1.2.3', Port: 8080 });
    expect(copy.Service.Meta).toMatchObject({
      team: 'blue',
      'syncer-version': '1.2.3',
      'syncer-origin-cluster': 'south',
      'syncer-origin-instance': instanceId,
    });
  });

  it('what registers at the Consul is found at the ServiceCenter', async () => {
    await agent('register', billing());
    const copy = await poll(async () => (await atCenter())[0], limitMs);
    expect(copy).toMatchObject({ endpoints: ['rest://10.3.0.1:8080'], status: 'UP' });
    expect(copy.properties).toMatchObject({
      zone: 'a',
      'consul-tags': '["primary"]',
      'syncer-origin-cluster': 'north',
    });
    expect(copy.properties['syncer-origin-instance']).toMatch(/^billing-1@/);
  });

  it('changes and statuses cross in both directions', async () => {
    await applications.setProperties(serviceId, instanceId, { team: 'green' });
    await poll(
      async () => ((await passing('Orders'))[0]?.Service.Meta.team === 'green' ? true : undefined),
      limitMs,
    );
    await applications.setStatus(serviceId, instanceId, 'OUTOFSERVICE');
    await poll(async () => ((await passing('Orders')).length === 0 ? true : undefined), limitMs);
    await applications.setStatus(serviceId, instanceId, 'UP');
    await poll(async () => ((await passing('Orders')).length === 1 ? true : undefined), limitMs);
    await agent('register', billing({ Meta: { zone: 'b' }, Port: 9090 }));
    await poll(async () => {
      const [copy] = await atCenter();
      const there = copy?.properties.zone === 'b' && copy.endpoints[0] === 'rest://10.3.0.1:9090';
      return there ? true : undefined;
    }, limitMs);
    await agent('maintenance/billing-1?enable=true');
    await poll(
      async () => ((await atCenter())[0]?.status === 'OUTOFSERVICE' ? true : undefined),
      limitMs,
    );
    await agent('maintenance/billing-1?enable=false');
    await poll(async () => ((await atCenter())[0]?.status === 'UP' ? true : undefined), limitMs);
  });

  it('touches no native', async () => {
    const all = await passing('billing');
    expect(all).toHaveLength(1);
    expect(all[0]?.Service).toMatchObject({
      ID: 'billing-1',
      Port: 9090,
      Tags: ['primary'],
      Meta: { zone: 'b' },
    });
    expect(Object.keys(all[0]?.Service.Meta ?? {})).toEqual(['zone']);
    // Nothing of ours comes home.
    const names = (await (await fetch(`${consul.url}/v1/catalog/services`)).json()) as object;
    expect(Object.keys(names).sort()).toEqual(['Orders', 'billing', 'consul']);
  });

  it('an empty restart of the Consul removes nothing elsewhere, and copies come back', async () => {
    await consul.stop();
    await consul.start();
    const back = await poll(async () => (await passing('Orders'))[0], limitMs);
    expect(back.Service.Meta['syncer-origin-instance']).toBe(instanceId);
    // The application has not come back yet.
    await wait(5_000);
    expect(await atCenter()).toHaveLength(1);
    await agent('register', billing({ Meta: { zone: 'c' } }));
    await poll(
      async () => ((await atCenter())[0]?.properties.zone === 'c' ? true : undefined),
      limitMs,
    );
  });

  it('a removal crosses in both directions', async () => {
    await applications.remove(serviceId, instanceId);
    await poll(async () => ((await passing('Orders')).length === 0 ? true : undefined), limitMs);
    await agent('deregister/billing-1');
    await poll(async () => ((await atCenter()).length === 0 ? true : undefined), 180_000);
  });
});
