// A site at a real Consul, with applications as its agent registers them.

import { readConsul } from '../../support/checker/read-consul.ts';
import { startConsul } from '../consul/consul-server.ts';
import { layLine } from '../eureka/cut-line.ts';
import type { KindOfSite, NativeWish } from './kind-of-site.ts';
import { createNatives, type Native } from './natives.ts';

/** Starts the server. */
export async function consulSite(): Promise<KindOfSite> {
  const server = await startConsul();
  const line = await layLine(server.port);
  const natives = createNatives();
  const self = await fetch(`${server.url}/v1/agent/self`);
  const { Config } = (await self.json()) as { readonly Config: { readonly NodeName: string } };
  return {
    kind: 'consul',
    address: `http://127.0.0.1:${line.port}`,
    url: server.url,
    flags: ['--sc-plugin', 'consul'],
    natives,
    read: () => readConsul(server.url),
    register: (wish) => natives.add(application(server.url, Config.NodeName, wish)),
    async forget() {
      await server.stop();
      await server.start();
    },
    cut: () => line.cut(),
    mend: () => line.mend(),
    async close() {
      natives.stop();
      await line.close();
      await server.close();
    },
  };
}

function application(base: string, node: string, wish: NativeWish): Native {
  const { name, host, port, version } = wish;
  const ID = `${name}-${host}-${port}`;
  const call = async (path: string, body?: object): Promise<void> => {
    const answer = await fetch(`${base}/v1/agent/service/${path}`, {
      method: 'PUT',
      signal: AbortSignal.timeout(10_000),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    await answer.arrayBuffer();
  };
  return {
    found: {
      serviceId: version === undefined ? name : `${name}:::${version}`,
      instanceId: `${ID}@${node}`,
      endpoints: [`rest://${host}:${port}`],
      hostName: node,
      status: 'UP',
      properties: {
        'consul-tags': '["primary"]',
        ...wish.properties,
        ...(version === undefined ? {} : { version }),
      },
      dataCenterInfo: { name: 'dc1', region: 'dc1', availableZone: 'dc1' },
    },
    register: ({ 'consul-tags': tags = '[]', ...Meta }) =>
      call('register', {
        ...{ ID, Name: name, Address: host, Port: port, Meta },
        Tags: JSON.parse(tags) as string[],
      }),
    remove: () => call(`deregister/${ID}`),
  };
}
