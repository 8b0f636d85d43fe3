// Consumers as the field has them, each at its own registry, find what applications have registered in
// registries of other kinds: the official Java clients of ServiceComb and of Nacos, an application of
// Spring Cloud with the Eureka client, and what consumers at a Consul ask (HTTP, DNS). They know nothing
// of syncers.

import { Resolver } from 'node:dns/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startJavaClient, type JavaClient } from '../../support/java-client.ts';
import { javaMissing, startJavaProcess } from '../../support/java-process.ts';
import { poll } from '../../support/poll.ts';
import { consulTool, requireToolAtNight } from '../consul/consul-server.ts';
import { eurekaTool } from '../eureka/eureka-server.ts';
import { nacosTool } from '../nacos/nacos-server.ts';
import { consulSite } from './consul-site.ts';
import { eurekaSite } from './eureka-site.ts';
import type { Kind } from './kind-of-site.ts';
import { nacosSite } from './nacos-site.ts';
import { serviceCenterSite } from './servicecenter-site.ts';
import { startPool, type KindSite, type Pool } from './sites.ts';

requireToolAtNight();
const missing = [
  ...[eurekaTool, nacosTool].flatMap((tool) => ('missing' in tool ? [tool.missing] : [])),
  ...(javaMissing === undefined ? [] : [javaMissing]),
];
const inCi = process.env.CI !== undefined;
if (inCi && missing.length > 0) throw new Error(missing.join('; '));
const skipped = missing.length === 0 ? '' : ` (skipped: ${missing.join('; ')})`;
const withoutConsul = 'missing' in consulTool ? `without Consul: ${consulTool.missing}` : undefined;

const folder = (name: string): string => new URL(`clients/${name}/`, import.meta.url).pathname;
/** Machines are busy: the limit only ends a wait for what never comes. */
const limitMs = 60_000;

/** What is registered where. */
const providers: Readonly<Record<Kind, { readonly name: string; readonly host: string }>> = {
  servicecenter: { name: 'orders', host: '10.1.0.1' },
  eureka: { name: 'billing', host: '10.2.0.1' },
  nacos: { name: 'stock', host: '10.3.0.1' },
  consul: { name: 'prices', host: '10.4.0.1' },
};

interface Found {
  readonly ip: string;
  readonly port: number;
  readonly metadata: Readonly<Record<string, string>>;
}

describe.skipIf(skipped !== '')(`consumers of each kind${skipped}`, () => {
  let pool: Pool;
  let site: (kind: Kind) => KindSite;
  const ids = new Map<Kind, string>();

  beforeAll(async () => {
    const consul = withoutConsul === undefined ? [consulSite] : [];
    pool = await startPool([serviceCenterSite, eurekaSite, nacosSite, ...consul]);
    site = (kind) => pool.sites.find((one) => one.kind === kind)!;
    for (const one of pool.sites) {
      const wish = { ...providers[one.kind], port: 8_080, properties: { zone: 'a' } };
      ids.set(one.kind, await one.register(wish));
    }
    await pool.inSync();
  }, 900_000);

  afterAll(() => pool.close(), 120_000);

  /** Those that are foreign to this kind. */
  const foreign = (kind: Kind) =>
    pool.sites.filter((one) => one.kind !== kind).map((one) => one.kind);
  /** The group of an application of ServiceComb at a Nacos. */
  const groupOf = (kind: Kind): string => (kind === 'servicecenter' ? 'shop' : 'DEFAULT_GROUP');

  it('the official Java client of Nacos finds them, and hears that one changed', async () => {
    // It speaks gRPC, at the port 1,000 above this one.
    const { host } = new URL(site('nacos').url);
    const client = await startJavaProcess(folder('nacos'), [host]);
    try {
      for (const kind of foreign('nacos')) {
        const order = { service: providers[kind].name, group: groupOf(kind) };
        const found = await poll(async () => {
          const all = (await client.ask('select', order)) as readonly Found[];
          return all.length > 0 ? all : undefined;
        }, limitMs);
        expect(found).toMatchObject([{ ip: providers[kind].host, port: 8_080 }]);
        expect(found[0]?.metadata.zone).toBe('a');
      }
      await client.ask('subscribe', { service: 'billing', group: 'DEFAULT_GROUP' });
      await site('eureka').natives.change(ids.get('eureka')!, { zone: 'b' });
      await poll(
        () =>
          client.events.some(({ service, instances }) => {
            const [first] = instances as readonly Found[];
            return service === 'billing' && first?.metadata.zone === 'b';
          }) || undefined,
        limitMs,
      );
    } finally {
      await client.close();
    }
  });

  it('an application of Spring Cloud finds them by the Eureka client, and balances over them', async () => {
    const client = await startJavaProcess(folder('spring-cloud'), [`${site('eureka').url}/`]);
    try {
      for (const kind of foreign('eureka')) {
        const { name, host } = providers[kind];
        const order = { service: name };
        const found = await poll(async () => {
          const all = (await client.ask('instances', order)) as readonly object[];
          return all.length > 0 ? all : undefined;
        }, limitMs);
        const here = { uri: `http://${host}:8080`, metadata: { zone: 'a' } };
        expect(found).toMatchObject([here]);
        expect(found).toHaveLength(1);
        expect(await client.ask('choose', order)).toMatchObject(here);
      }
      await site('nacos').natives.change(ids.get('nacos')!, { zone: 'c' });
      await poll(async () => {
        const [first] = (await client.ask('instances', { service: 'stock' })) as readonly Found[];
        return first?.metadata.zone === 'c' || undefined;
      }, limitMs);
    } finally {
      await client.close();
    }
  });

  it('the official Java client of ServiceComb finds them', async () => {
    const client: JavaClient = await startJavaClient(site('servicecenter').url);
    try {
      const consumerId = await client.registerService({
        ...{ appId: 'default', serviceName: 'consumer', version: '1.0.0' },
      });
      for (const kind of foreign('servicecenter')) {
        const { name, host } = providers[kind];
        const found = await client.find({ consumerId, appId: 'default', serviceName: name });
        expect(found.instances).toHaveLength(1);
        expect(found.instances?.[0]).toMatchObject({ status: 'UP' });
        expect(found.instances?.[0]?.endpoints?.[0]).toBe(`rest://${host}:8080`);
      }
    } finally {
      await client.close();
    }
  });

  it.skipIf(withoutConsul !== undefined)(
    `consumers at a Consul find them by HTTP and by DNS${withoutConsul === undefined ? '' : ` (skipped: ${withoutConsul})`}`,
    async () => {
      const { url } = site('consul');
      const self = (await (await fetch(`${url}/v1/agent/self`)).json()) as {
        readonly DebugConfig: { readonly DNSPort: number };
      };
      const resolver = new Resolver({ timeout: 2_000, tries: 5 });
      resolver.setServers([`127.0.0.1:${self.DebugConfig.DNSPort}`]);
      for (const kind of foreign('consul')) {
        const { name, host } = providers[kind];
        const answer = await fetch(`${url}/v1/health/service/${name}?passing`);
        expect(await answer.json()).toMatchObject([{ Service: { Address: host, Port: 8_080 } }]);
        expect(await resolver.resolveSrv(`${name}.service.consul`)).toMatchObject([
          { port: 8_080 },
        ]);
        expect(await resolver.resolve4(`${name}.service.consul`)).toEqual([host]);
      }
    },
  );
});
