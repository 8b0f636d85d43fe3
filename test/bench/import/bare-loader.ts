// The limit of an import: the same bodies, sent as fast as so many connections take them, without
// reading, planning, checking or keeping anything.

import { Pool } from 'undici';

export interface Bodies {
  readonly services: readonly { readonly serviceId: string; readonly body: string }[];
  readonly instances: readonly { readonly serviceId: string; readonly body: string }[];
}

const root = '/v4/default/registry';
const headers = { 'content-type': 'application/json', 'x-domain-name': 'default' };

/** Reads what a registry holds, as the bodies that would register it again under the same ids. */
export async function readBodies(url: string): Promise<Bodies> {
  const pool = new Pool(url, { connections: 8 });
  try {
    const { services } = (await get(pool, '/microservices?noCache=1')) as {
      services: { serviceId: string; serviceName: string }[];
    };
    const own = services.filter(({ serviceName }) => serviceName !== 'SERVICECENTER');
    const instances: { serviceId: string; body: string }[] = [];
    await atOnce(own, 8, async ({ serviceId }) => {
      const path = `/microservices/${serviceId}/instances?noCache=1`;
      const { instances: found = [] } = (await get(pool, path)) as { instances?: object[] };
      for (const instance of found) {
        instances.push({ serviceId, body: JSON.stringify({ instance }) });
      }
    });
    return {
      services: own.map((service) => ({
        serviceId: service.serviceId,
        body: JSON.stringify({ service }),
      })),
      instances,
    };
  } finally {
    await pool.destroy();
  }
}

/** Sends them all, services first, `concurrency` at once. Rejects with the first refusal. */
export async function loadBodies(
  url: string,
  { services, instances }: Bodies,
  concurrency: number,
  signal: AbortSignal,
): Promise<void> {
  const pool = new Pool(url, { connections: concurrency });
  const post = async (path: string, body: string): Promise<void> => {
    const answer = await pool.request({ method: 'POST', path: root + path, headers, body, signal });
    const text = await answer.body.text();
    if (answer.statusCode !== 200) throw new Error(`POST ${path}: ${answer.statusCode} ${text}`);
  };
  try {
    await atOnce(services, concurrency, ({ body }) => post('/microservices', body));
    await atOnce(instances, concurrency, ({ serviceId, body }) =>
      post(`/microservices/${serviceId}/instances`, body),
    );
  } finally {
    await pool.destroy();
  }
}

async function get(pool: Pool, path: string): Promise<unknown> {
  const answer = await pool.request({ method: 'GET', path: root + path, headers });
  if (answer.statusCode !== 200) throw new Error(`GET ${path}: ${answer.statusCode}`);
  return answer.body.json();
}

/** Runs for all items, so many at once; rejects with the first error. */
async function atOnce<T>(
  items: readonly T[],
  concurrency: number,
  run: (item: T) => Promise<void>,
): Promise<void> {
  const left = items.values();
  const worker = async (): Promise<void> => {
    for (const item of left) await run(item);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}
