// A site at a ServiceCenter: a real one where there is one, the lab otherwise.

import { readRegistry } from '../../support/checker/read-registry.ts';
import { startApplications } from '../../support/application.ts';
import { registryUnavailable, startRegistry } from '../../support/registry.ts';
import { layLine } from '../eureka/cut-line.ts';
import type { KindOfSite } from './kind-of-site.ts';

/** What a ServiceComb application says of its service. */
const richService = {
  alias: 'front-door',
  description: 'takes orders',
  level: 'FRONT',
  properties: { team: 'blue' },
  tags: { zone: 'north' },
  schemas: [{ schemaId: 'order', summary: 'first', schema: 'swagger: "2.0"' }],
  paths: [{ path: '/orders', property: { checksession: 'false' } }],
} as const;

/** Starts the server. */
export async function serviceCenterSite(): Promise<KindOfSite> {
  const isReal = registryUnavailable('servicecenter') === undefined;
  const registry = await startRegistry(isReal ? 'servicecenter' : 'lab');
  const line = await layLine(Number(new URL(registry.url).port));
  const applications = startApplications(registry.url, 2_000);
  const split = (id: string): readonly [string, string] => {
    const at = id.indexOf('/');
    return [id.slice(0, at), id.slice(at + 1)];
  };
  return {
    kind: 'servicecenter',
    address: `http://127.0.0.1:${line.port}`,
    url: registry.url,
    flags: [],
    natives: {
      add: () => Promise.reject(new Error('services of ServiceComb are registered by name')),
      change: (id, properties) => applications.setProperties(...split(id), { ...properties }),
      remove: (id) => applications.remove(...split(id)),
      abandon: (id) => applications.abandon(...split(id)),
      ids: () => applications.ids(),
      differences: (content) => applications.differences(content),
      reviveLost: () => applications.reviveLost(),
      stop: () => applications.stop(),
    },
    read: () => readRegistry(registry.url),
    async register({ name, host, port, version = '1.0.0', properties, leaseSeconds }) {
      const serviceId = await applications.service({
        ...richService,
        ...{ serviceName: name, appId: 'shop', version, alias: `${richService.alias}-${name}` },
      });
      const instanceId = await applications.instance(serviceId, {
        ...{ hostName: 'machine-1', properties },
        endpoints: [`rest://${host}:${port}?sslEnabled=false`, `highway://${host}:${port + 1}`],
        dataCenterInfo: { name: 'dc', region: 'r1', availableZone: 'az1' },
        ...(leaseSeconds === undefined
          ? {}
          : { healthCheck: { mode: 'push', interval: leaseSeconds / 4, times: 3 } }),
      });
      return `${serviceId}/${instanceId}`;
    },
    forget: () => registry.restart({ emptyData: true, downMs: 1_000 }),
    cut: () => line.cut(),
    mend: () => line.mend(),
    async close() {
      applications.stop();
      await line.close();
      await registry.close();
    },
  };
}
