// The official Java client as a consumer: it finds and watches, in its own registry, what an
// application has registered in another one. It knows nothing of syncers.

import { expect, it, onTestFinished } from 'vitest';
import { startSites, type Site } from '../../e2e/sites.ts';
import { javaClientMissing, startJavaClient } from '../../support/java-client.ts';
import { poll } from '../../support/poll.ts';

it(
  'the official Java client finds and watches foreign instances',
  { timeout: 600_000 },
  async (context) => {
    if (javaClientMissing !== undefined && process.env.CI === undefined)
      context.skip(javaClientMissing);
    const sites = await startSites('lab', 2);
    onTestFinished(() => sites.close());
    const [here, there] = sites.all as [Site, Site];
    const environment = 'development';
    const provider = await here.applications.service({
      serviceName: 'provider',
      appId: 'shop',
      environment,
    });
    const instanceId = await here.applications.instance(provider, {
      endpoints: ['rest://10.0.0.1:8080'],
    });
    await sites.inSync();

    const client = await startJavaClient(there.registry.url);
    onTestFinished(() => client.close());
    const consumerId = await client.registerService({
      appId: 'shop',
      serviceName: 'consumer',
      version: '1.0.0',
      environment,
    });
    const find = async () =>
      (await client.find({ consumerId, appId: 'shop', serviceName: 'provider' })).instances ?? [];
    const found = await find();
    expect(found.map(({ endpoints }) => endpoints)).toEqual([['rest://10.0.0.1:8080']]);
    expect(found[0]?.properties?.['syncer-origin-instance']).toBe(instanceId);

    await here.applications.setStatus(provider, instanceId, 'OUTOFSERVICE');
    await poll(
      async () => ((await find())[0]?.status === 'OUTOFSERVICE' ? true : undefined),
      30_000,
    );
    await here.applications.remove(provider, instanceId);
    await poll(async () => ((await find()).length === 0 ? true : undefined), 30_000);
  },
);
