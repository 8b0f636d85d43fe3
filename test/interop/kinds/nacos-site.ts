// A site at a real Nacos, with applications as its open API registers them.

import { readNacos } from '../../support/checker/read-nacos.ts';
import { layLine } from '../eureka/cut-line.ts';
import { fastLists, startNacos } from '../nacos/nacos-server.ts';
import type { KindOfSite, NativeWish } from './kind-of-site.ts';
import { createNatives, type Native } from './natives.ts';

/** Starts the server. */
export async function nacosSite(): Promise<KindOfSite> {
  const server = await startNacos({ properties: fastLists });
  const line = await layLine(server.port);
  const natives = createNatives();
  return {
    kind: 'nacos',
    address: `http://127.0.0.1:${line.port}/nacos`,
    url: server.url,
    flags: ['--sc-plugin', 'nacos'],
    natives,
    read: () => readNacos(server.url),
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
  const { name, host, port, version, leaseSeconds } = wish;
  const lease =
    leaseSeconds === undefined
      ? {}
      : {
          'preserved.heart.beat.timeout': String(leaseSeconds * 1_000),
          'preserved.ip.delete.timeout': String(leaseSeconds * 1_000),
        };
  const form = (more: Readonly<Record<string, string>>): URLSearchParams =>
    new URLSearchParams({
      ...{ serviceName: name, groupName: 'DEFAULT_GROUP', ip: host, port: String(port) },
      ...{ ephemeral: 'true', ...more },
    });
  const call = async (method: 'POST' | 'DELETE', body: URLSearchParams): Promise<void> => {
    const url = `${base}/v3/client/ns/instance`;
    const answer = await fetch(method === 'DELETE' ? `${url}?${body.toString()}` : url, {
      method,
      signal: AbortSignal.timeout(10_000),
      ...(method === 'DELETE' ? {} : { body }),
    });
    const text = await answer.text();
    const { code } = JSON.parse(text) as { readonly code?: number };
    if (code !== 0) throw new Error(`${method} ${name}: ${answer.status} ${text}`);
  };
  return {
    found: {
      serviceId: version === undefined ? name : `${name}:::${version}`,
      instanceId: `${host}:${port}`,
      endpoints: [`rest://${host}:${port}`],
      hostName: host,
      status: 'UP',
      properties: {
        'nacos-weight': '3',
        ...wish.properties,
        ...(version === undefined ? {} : { version }),
      },
      dataCenterInfo: undefined,
    },
    register: ({ 'nacos-weight': weight = '1', ...metadata }) =>
      call('POST', form({ weight, metadata: JSON.stringify({ ...metadata, ...lease }) })),
    renew: () => call('POST', form({ heartBeat: 'true' })),
    remove: () => call('DELETE', form({})),
  };
}
