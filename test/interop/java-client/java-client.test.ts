// The official Java client (service-center-client from Maven Central) on the lab: it registers,
// renews, finds and watches there as it does on a ServiceCenter.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startLabRegistry, type LabRegistry } from '../../../daemon/lab/lab.ts';
import { javaClientMissing, startJavaClient, type JavaClient } from '../../support/java-client.ts';
import { poll } from '../../support/poll.ts';

const title = 'the official Java client on the lab';
const mayBeMissing = process.env.CI === undefined || process.env.CI === '';
const skip = javaClientMissing !== undefined && mayBeMissing;

describe.skipIf(skip)(skip ? `${title} (skipped: ${javaClientMissing})` : title, () => {
  let lab: LabRegistry;
  let client: JavaClient;
  let consumerId: string;
  let providerId: string;

  const service = (serviceName: string): object => ({
    appId: 'shop',
    serviceName,
    version: '1.0.0',
    environment: 'development',
    schemas: ['orders'],
    properties: { team: 'a' },
    framework: { name: 'java-chassis', version: '2.8.30' },
  });

  beforeAll(async () => {
    lab = await startLabRegistry();
    client = await startJavaClient(lab.url);
  }, 400_000);

  afterAll(async () => {
    await client.close();
    await lab.close();
  });

  it('registers services, a schema, and an instance', async () => {
    consumerId = await client.registerService(service('consumer'));
    providerId = await client.registerService(service('provider'));
    await client.registerSchema(providerId, 'orders', { schema: 'swagger: 2.0', summary: 'abc' });
    const instanceId = await client.register({
      serviceId: providerId,
      instanceId: 'p1',
      hostName: 'host',
      endpoints: ['rest://10.0.0.1:8080'],
      status: 'UP',
      properties: { zone: 'x' },
      healthCheck: { mode: 'push', interval: 30, times: 3 },
    });
    expect(instanceId).toBe('p1');
    const state = lab.registry.state();
    expect(state.services.map(({ service: held }) => held.serviceName)).toEqual([
      'consumer',
      'provider',
    ]);
    expect(state.services[1]).toMatchObject({
      service: {
        framework: { name: 'java-chassis', version: '2.8.30' },
        properties: { team: 'a' },
      },
      schemas: { orders: { text: 'swagger: 2.0', summary: 'abc' } },
    });
    expect(state.instances[0]?.instance).toMatchObject({
      endpoints: ['rest://10.0.0.1:8080'],
      properties: { zone: 'x' },
    });
  });

  it('renews one by one and in batches, and hears of an unknown instance', async () => {
    expect(await client.heartbeat(providerId, 'p1')).toBe(true);
    await client.heartbeats([{ serviceId: providerId, instanceId: 'p1' }]);
    expect(lab.registry.state().instances[0]?.renewals).toBe(2);
    await expect(
      client.heartbeats([{ serviceId: providerId, instanceId: 'nobody' }]),
    ).rejects.toThrow(/Heartbeat set failed/);
  });

  it('finds with revisions, "not modified" included', async () => {
    const order = { consumerId, appId: 'shop', serviceName: 'provider' };
    const first = await client.find(order);
    expect(first.modified).toBe(true);
    expect(first.instances?.map(({ instanceId }) => instanceId)).toEqual(['p1']);
    const again = await client.find({ ...order, revision: first.revision });
    expect(again.modified).toBe(false);
  });

  it('watches: a change wakes the client, and what it then finds is the change', async () => {
    await client.watch(consumerId);
    const other = await fetch(
      `${lab.url}/v4/default/registry/microservices/${providerId}/instances`,
      {
        method: 'POST',
        body: JSON.stringify({ instance: { instanceId: 'p2', hostName: 'elsewhere' } }),
      },
    );
    expect(other.status).toBe(200);
    // The socket may not have been open yet: the status moves until a frame has come.
    await poll(
      async () => {
        await fetch(
          `${lab.url}/v4/default/registry/microservices/${providerId}/instances/p2/status?value=DOWN`,
          { method: 'PUT' },
        );
        return client.changes.length > 0 || undefined;
      },
      60_000,
      600,
    );
    expect(client.changes[0]).toEqual({ appId: 'shop', serviceName: 'provider' });
    const found = await client.find({ consumerId, appId: 'shop', serviceName: 'provider' });
    const statuses = found.instances?.map(({ instanceId, status }) => `${instanceId} ${status}`);
    expect(statuses?.sort()).toEqual(['p1 UP', 'p2 DOWN']);
  });

  it('unregisters', async () => {
    await client.unregister(providerId, 'p1');
    expect(lab.registry.state().instances.map(({ instance }) => instance.instanceId)).toEqual([
      'p2',
    ]);
  });
});
