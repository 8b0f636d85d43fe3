// Anything may come in: the lab answers each call, never crashes, and never blames itself without reason.

import { connect } from 'node:net';
import fc from 'fast-check';
import { Pool } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startLabRegistry, type LabRegistry } from '../../daemon/lab/lab.ts';
import { routes } from '../../daemon/lab/routes.ts';

let lab: LabRegistry;
let pool: Pool;
beforeAll(async () => {
  lab = await startLabRegistry();
  pool = new Pool(lab.url, { connections: 4 });
});
afterAll(async () => {
  await pool.destroy();
  await lab.close();
});

const runs = Math.min(100_000, Number(process.env.TEST_FUZZ_RUNS ?? 1_500));

async function alive(): Promise<void> {
  const answer = await fetch(`${lab.url}/v4/default/registry/version`);
  expect(answer.status).toBe(200);
  await answer.arrayBuffer();
}

const name = fc.oneof(
  fc.constantFrom('a', '.', '..', '%00', '%', '%zz', 'x'.repeat(300), '*', ':', '__proto__', '%2F'),
  fc.string({ maxLength: 12 }).map((text) => encodeURIComponent(text.toWellFormed())),
);
const target = fc
  .record({
    route: fc.constantFrom(...routes),
    names: fc.array(name, { minLength: 4, maxLength: 4 }),
    query: fc.dictionary(
      fc.constantFrom('rev', 'noCache', 'version', 'appId', 'serviceName', 'env', 'type', 'force'),
      fc.oneof(fc.constantFrom('query', '1', '0.0.0+', 'latest', 'a'), fc.string({ maxLength: 8 })),
    ),
  })
  .map(({ route, names, query }) => {
    let at = 0;
    const path = route.path.replaceAll('/:', () => `/${names[at++ % names.length] ?? ''}`);
    const well = Object.entries(query).map(([key, value]): [string, string] => [
      key,
      value.toWellFormed(),
    ]);
    return { method: route.method, path: `${path}?${new URLSearchParams(well).toString()}` };
  });

const field = fc.constantFrom(
  ...['service', 'services', 'instance', 'instances', 'tags', 'schemas', 'properties', 'rev'],
  ...['serviceName', 'serviceId', 'instanceId', 'hostName', 'healthCheck', 'paths', 'version'],
  ...['dependencies', 'consumer', 'providers', 'schema', 'summary', '__proto__', 'constructor'],
);
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<unknown>(null, true, 0, -1, 1e308, '', 'a', 'default', '1.0.0'),
    fc.string({ maxLength: 8 }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(field, tie('value'), { maxKeys: 5 }),
  ),
})).value;
const body = fc.oneof(
  json.map((value) => JSON.stringify(value)),
  fc.string({ maxLength: 40 }),
  fc.constantFrom('', '{', 'null', '[]', '{"service":null}', `"${'x'.repeat(6_000)}"`),
);

describe('the listener', () => {
  it('answers any call on any route below 500', async () => {
    await fc.assert(
      fc.asyncProperty(target, body, async ({ method, path }, text) => {
        const answer = await pool.request({
          method: method,
          path,
          body: method === 'GET' ? null : text.toWellFormed(),
        });
        const said = await answer.body.text();
        expect(answer.statusCode, `${method} ${path} ${text}: ${said}`).toBeLessThan(500);
        if (answer.statusCode === 400) {
          expect(JSON.parse(said)).toMatchObject({
            errorCode: expect.stringMatching(/^400\d{3}$/),
          });
        }
      }),
      { numRuns: runs },
    );
    await alive();
  });

  it('survives bytes that are not HTTP, and connections that break off', async () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.constantFrom(
        'GET / HTTP/1.1\r\nContent-Length: 99\r\n\r\nshort',
        'POST /v4/default/registry/microservices HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{',
        'GET //// HTTP/1.1\r\nHost: x\r\n\r\n',
        'GET http://[:/ HTTP/1.1\r\nHost: x\r\n\r\n',
        'OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n',
        'GET /x HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
        'GET /v4/default/registry/microservices/a/watcher HTTP/1.1\r\nHost: x\r\nUpgrade: nonsense\r\nConnection: Upgrade\r\n\r\n',
      ),
    );
    await fc.assert(
      fc.asyncProperty(bytes, async (sent) => {
        const socket = connect(Number(new URL(lab.url).port), '127.0.0.1');
        await new Promise<void>((resolve) => {
          socket.on('error', () => resolve());
          socket.on('close', () => resolve());
          socket.on('connect', () => socket.end(sent, () => setTimeout(() => socket.destroy(), 5)));
        });
      }),
      { numRuns: Math.min(300, runs) },
    );
    await alive();
  });

  it('survives any frames on a watch', async () => {
    const service = { appId: 'watch', serviceName: 'Watcher', environment: 'development' };
    const created = await fetch(`${lab.url}/v4/default/registry/microservices`, {
      method: 'POST',
      body: JSON.stringify({ service }),
    });
    const { serviceId } = (await created.json()) as { serviceId: string };
    const path = `/v4/default/registry/microservices/${serviceId}/watcher`;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 90 }), { maxLength: 5 }),
        async (all) => {
          const socket = new WebSocket(lab.url.replace('http', 'ws') + path);
          await new Promise<void>((resolve, reject) => {
            socket.on('error', reject);
            socket.on('close', () => resolve());
            socket.on('open', () => {
              for (const frame of all) socket.send(frame);
              socket.close();
            });
          });
        },
      ),
      { numRuns: 50 },
    );
    await alive();
  });
});
