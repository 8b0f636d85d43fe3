// A site at a real Eureka, with applications as Spring Cloud registers them.

import { readEureka } from '../../support/checker/read-eureka.ts';
import { layLine } from '../eureka/cut-line.ts';
import { startEureka } from '../eureka/eureka-server.ts';
import type { KindOfSite, NativeWish } from './kind-of-site.ts';
import { createNatives, type Native } from './natives.ts';

/** Starts the server. */
export async function eurekaSite(): Promise<KindOfSite> {
  const server = await startEureka();
  const line = await layLine(server.port);
  const natives = createNatives();
  return {
    kind: 'eureka',
    address: `http://127.0.0.1:${line.port}/eureka`,
    url: server.url,
    flags: ['--sc-plugin', 'eureka'],
    natives,
    read: () => readEureka(server.url),
    register: (wish) => natives.add(application(server.url, wish)),
    forget: () => server.restart(),
    cut: () => line.cut(),
    mend: () => line.mend(),
    async close() {
      natives.stop();
      await line.close();
      await server.close();
    },
  };
}

function application(base: string, wish: NativeWish): Native {
  const { name, host, port, version, leaseSeconds = 60 } = wish;
  const app = name.toUpperCase();
  const instanceId = `${host}:${name}:${port}`;
  const path = `${base}/apps/${app}`;
  const own = `${path}/${encodeURIComponent(instanceId)}`;
  return {
    found: {
      serviceId: version === undefined ? app : `${app}:::${version}`,
      instanceId,
      endpoints: [`rest://${host}:${port}`, `rest://${host}:${port + 1}?sslEnabled=true`],
      hostName: host,
      status: 'UP',
      properties: { ...wish.properties, ...(version === undefined ? {} : { version }) },
      dataCenterInfo: undefined,
    },
    register: (metadata) =>
      call('POST', path, 204, {
        instance: {
          ...{ instanceId, hostName: host, app, ipAddr: host, status: 'UP' },
          ...{ vipAddress: name, secureVipAddress: name },
          port: { $: port, '@enabled': 'true' },
          securePort: { $: port + 1, '@enabled': 'true' },
          leaseInfo: {
            renewalIntervalInSecs: Math.min(30, leaseSeconds),
            durationInSecs: leaseSeconds,
          },
          dataCenterInfo: {
            '@class': 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo',
            name: 'MyOwn',
          },
          metadata,
          lastDirtyTimestamp: String(Date.now()),
        },
      }),
    renew: () => call('PUT', own, 200),
    remove: () => call('DELETE', own, 200),
  };
}

async function call(method: string, url: string, status: number, body?: object): Promise<void> {
  const answer = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json' },
    signal: AbortSignal.timeout(10_000),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (answer.status !== status) throw new Error(`${method} ${url}: ${answer.status} ${text}`);
}
