// The same random calls go to the lab and to a real ServiceCenter: status, error code and content must
// be the same. It finds what nobody thought of recording.

import fc from 'fast-check';
import { Pool } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startLabRegistry, type LabRegistry } from '../../daemon/lab/lab.ts';
import {
  serviceCenterBinary,
  startServiceCenter,
  type RealServiceCenter,
} from '../support/servicecenter.ts';

const missing = 'missing' in serviceCenterBinary ? serviceCenterBinary.missing : undefined;
const title = 'the lab and a real ServiceCenter agree on random calls';

interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: object;
}

const root = '/v4/default/registry';
const environments = ['', 'development', 'production'];
const keyOf = fc.record({
  environment: fc.constantFrom(...environments),
  appId: fc.constantFrom('a', 'b'),
  serviceName: fc.constantFrom('S', 'T'),
  version: fc.constantFrom('1.0.0', '1.2', '2.0.0'),
});
type Key = typeof keyOf extends fc.Arbitrary<infer T> ? T : never;

/** Ids of our own, so that both servers answer the same; some are beginnings of others. */
const idOf = ({ environment, appId, serviceName, version }: Key): string =>
  `id.${environment}.${appId}.${serviceName}.${version}`;
const serviceId = fc.oneof(
  { weight: 9, arbitrary: keyOf.map(idOf) },
  { weight: 1, arbitrary: fc.constant('nobody') },
);
const instanceId = fc.constantFrom('i1', 'i10', 'j', 'j.1', 'k');
const schemaId = fc.constantFrom('s1', 's2', 's3', 'bad id');
const map = fc.dictionary(fc.constantFrom('k1', 'k2', '1k'), fc.constantFrom('v1', 'v2', '', '9'));
const rule = fc.constantFrom(
  ...['0.0.0+', '1.0.0', '1.2', '1.2.0+', '1.0-2.0', 'latest', '3+', '', 'x', '1.0.0-1.2'],
);
const healthCheck = fc.constantFrom(
  undefined,
  { mode: 'push', interval: 300, times: 3 },
  { mode: 'push', interval: 300, times: 0 },
  { mode: 'pull', interval: 5, times: 1 },
  { mode: 'none', interval: 5, times: 1 },
  { mode: 'push', interval: 0, times: 3 },
);

const service = `${root}/microservices`;
const call: fc.Arbitrary<Call> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .record({
        key: keyOf,
        alias: fc.constantFrom('', '', 'al', 'T'),
        schemas: fc.constantFrom([], ['s1'], ['s1', 's2']),
        properties: map,
        more: fc.constantFrom({}, { level: 'FRONT' }, { level: 'LOW' }, { description: 'd' }),
        own: fc.constantFrom(true, true, true, false),
      })
      .map(({ key, own, alias, schemas, properties, more }): Call => {
        const content = { ...key, alias, schemas, properties, ...more };
        // Without an id of its own it becomes the SHA-1, which must be the same on both.
        const named = own ? { ...content, serviceId: idOf(key) } : content;
        return { method: 'POST', path: service, body: { service: named } };
      }),
  },
  {
    weight: 8,
    arbitrary: fc
      .record({
        id: serviceId,
        instance: instanceId,
        check: healthCheck,
        status: fc.constantFrom('UP', 'DOWN', '', 'ILL'),
        properties: map,
        endpoints: fc.constantFrom(undefined, [], ['rest://1.1.1.1:1'], ['']),
        hostName: fc.constantFrom('h', 'h', ''),
      })
      .map(({ id, instance, check, ...content }): Call => {
        const all = { instanceId: instance, healthCheck: check, ...content };
        return { method: 'POST', path: `${service}/${id}/instances`, body: { instance: all } };
      }),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(serviceId, instanceId, fc.constantFrom('UP', 'DOWN', 'TESTING', 'nope'))
      .map(([id, instance, status]): Call => {
        const path = `${service}/${id}/instances/${instance}/status?value=${status}`;
        return { method: 'PUT', path };
      }),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(serviceId, instanceId, map).map(([id, instance, properties]): Call => {
      const path = `${service}/${id}/instances/${instance}/properties`;
      return { method: 'PUT', path, body: { properties } };
    }),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(serviceId, instanceId, fc.constantFrom('DELETE', 'PUT'))
      .map(([id, instance, method]): Call => {
        const path = `${service}/${id}/instances/${instance}`;
        return method === 'PUT'
          ? { method, path: `${path}/heartbeat` }
          : { method: 'DELETE', path };
      }),
  },
  {
    weight: 2,
    arbitrary: fc
      .array(fc.record({ serviceId, instanceId }), { maxLength: 3 })
      .map((instances): Call => ({
        method: 'PUT',
        path: `${root}/heartbeats`,
        body: { instances },
      })),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(serviceId, map).map(([id, properties]): Call => {
      return { method: 'PUT', path: `${service}/${id}/properties`, body: { properties } };
    }),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(serviceId, map).map(([id, tags]): Call => {
      return { method: 'POST', path: `${service}/${id}/tags`, body: { tags } };
    }),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(serviceId, schemaId, fc.constantFrom('text', 'other', ''), fc.constantFrom('', 'sum'))
      .map(([id, name, schema, summary]): Call => {
        const path = `${service}/${id}/schemas/${encodeURIComponent(name)}`;
        return { method: 'PUT', path, body: { schema, summary } };
      }),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(serviceId, fc.subarray(['s1', 's2', 's3']), fc.constantFrom('x', 'y'))
      .map(([id, names, schema]): Call => {
        const schemas = names.map((name) => ({ schemaId: name, schema, summary: 'sum' }));
        return { method: 'POST', path: `${service}/${id}/schemas`, body: { schemas } };
      }),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(serviceId, schemaId).map(([id, name]): Call => ({
      method: 'DELETE',
      path: `${service}/${id}/schemas/${encodeURIComponent(name)}`,
    })),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(serviceId, fc.constantFrom('', '?force=true', '?force=0', '?force=x'))
      .map(([id, force]): Call => ({ method: 'DELETE', path: `${service}/${id}${force}` })),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(keyOf, rule, fc.constantFrom('S', 'T', 'al', 'none'))
      .map(([{ environment, appId }, version, serviceName]): Call => {
        const query = new URLSearchParams({ env: environment, appId, serviceName, version });
        return { method: 'GET', path: `${root}/instances?${query.toString()}&noCache=1` };
      }),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(keyOf, rule, fc.constantFrom('S', 'T', 'al', 'none'))
      .map(([{ environment, appId }, version, serviceName]): Call => {
        const key = { type: 'microservice', env: environment, appId, serviceName, version };
        const query = new URLSearchParams(key);
        return { method: 'GET', path: `${root}/existence?${query.toString()}&noCache=1` };
      }),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(serviceId, fc.constantFrom('', '/instances', '/tags', '/schemas'))
      .map(([id, part]): Call => {
        const query = part === '/schemas' ? '?withSchema=1&noCache=1' : '?noCache=1';
        return { method: 'GET', path: `${service}/${id}${part}${query}` };
      }),
  },
);

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** Leaves out what may differ: times, words, and the order of what has none. */
function comparable(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(comparable);
    const isObjects = items.some((item) => typeof item === 'object');
    return isObjects
      ? items.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
      : items;
  }
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value)
    .filter(([key]) => !['timestamp', 'modTimestamp', 'detail', 'errorMessage'].includes(key))
    .map(([key, item]): [string, unknown] => [key, comparable(item)]);
  return Object.fromEntries(kept.sort(([a], [b]) => (a < b ? -1 : 1)));
}

describe.skipIf(missing !== undefined)(
  missing === undefined ? title : `${title} (skipped: ${missing})`,
  () => {
    let lab: LabRegistry;
    let center: RealServiceCenter;
    let pools: readonly [Pool, Pool];
    let round = 0;

    beforeAll(async () => {
      lab = await startLabRegistry();
      center = await startServiceCenter();
      pools = [new Pool(lab.url), new Pool(center.address)];
    });
    afterAll(async () => {
      await Promise.all(pools.map((pool) => pool.destroy()));
      await center.close();
      await lab.close();
    });

    async function ask(pool: Pool, { method, path, body }: Call, domain: string): Promise<Answer> {
      const headers = { 'x-domain-name': domain, 'content-type': 'application/json' };
      const text = body === undefined ? null : JSON.stringify(body);
      const answer = await pool.request({ method, path, headers, body: text });
      const said = await answer.body.text();
      const value: unknown = said.startsWith('{') ? JSON.parse(said) : said;
      return { status: answer.statusCode, body: comparable(value) };
    }

    it('status, error code and content', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(call, { minLength: 5, maxLength: 40 }), async (calls) => {
          // A domain of its own for each run: nothing of the last one is seen.
          const domain = `domain${String(++round)}`;
          for (const one of calls) {
            const [ours, theirs] = await Promise.all(pools.map((pool) => ask(pool, one, domain)));
            const story = `${one.method} ${one.path} ${JSON.stringify(one.body ?? null)}`;
            expect(ours, story).toEqual(theirs);
          }
        }),
        { numRuns: Math.min(20_000, Number(process.env.TEST_FUZZ_RUNS ?? 150)) },
      );
    });
  },
);
