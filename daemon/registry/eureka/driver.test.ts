// The driver before a server that lies: garbage, half answers, refusals. Nothing is ever removed by them.

import { createServer, type RequestListener, type Server } from 'node:http';
import { once } from 'node:events';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../support/clock.ts';
import { silentLogger } from '../../support/logger.ts';
import { seededRandom } from '../../support/random.ts';
import type { RegistryChange, RegistryCondition, RegistryDriver } from '../driver.ts';
import { createEurekaDriver } from './driver.ts';
import { AnswerError, decodeListing } from './wire.ts';

const servers: Server[] = [];
const drivers: RegistryDriver[] = [];

afterEach(async () => {
  await Promise.all(drivers.splice(0).map((driver) => driver.stop()));
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function started(address: string) {
  const driver = createEurekaDriver(
    { addresses: [address], pollMinMs: 20, requestTimeoutMs: 2_000 },
    { clock: systemClock, random: seededRandom(1), logger: silentLogger },
  );
  drivers.push(driver);
  const changes: RegistryChange[] = [];
  const conditions: RegistryCondition[] = [];
  driver.start({
    changed: (change) => changes.push(change),
    condition: (condition) => conditions.push(condition),
  });
  const reasons = (): readonly string[] =>
    conditions.map((each) => (each.state === 'unknown' ? each.reason : each.state));
  return { driver, changes, reasons };
}

function listing(hash: string, ids: readonly string[]): string {
  const instance = ids.map((instanceId) => ({
    instanceId,
    hostName: 'h',
    app: 'ORDERS',
    ipAddr: '10.0.0.1',
    status: 'UP',
    port: { $: 80, '@enabled': 'true' },
  }));
  const application = ids.length === 0 ? [] : [{ name: 'ORDERS', instance }];
  return JSON.stringify({ applications: { apps__hashcode: hash, application } });
}

describe('a Eureka that does not do as it should', () => {
  it('is told who we are, and a refusal is one of rights', async () => {
    let seen: string | undefined;
    const port = await serve((request, response) => {
      seen = request.headers.authorization;
      response.statusCode = 401;
      response.end();
    });
    const { reasons, changes } = started(`http://reader:p%40ss@127.0.0.1:${port}/eureka`);
    await expect.poll(reasons, { timeout: 10_000 }).toContain('refused-rights');
    expect(seen).toBe(`Basic ${Buffer.from('reader:p@ss').toString('base64')}`);
    expect(changes).toEqual([]);
  });

  it('removes nothing by half an answer whose hash does not fit', async () => {
    let half = false;
    const port = await serve((request, response) => {
      response.setHeader('content-type', 'application/json');
      const whole = request.url?.startsWith('/eureka/apps') === true;
      if (!whole) response.statusCode = 404;
      if (request.url === '/eureka/apps/delta') response.statusCode = 403;
      response.end(listing('UP_2_', half ? ['a'] : ['a', 'b']));
    });
    const { reasons, changes } = started(`http://127.0.0.1:${port}`);
    await expect.poll(() => changes.length, { timeout: 10_000 }).toBe(1);
    half = true;
    await expect.poll(reasons, { timeout: 10_000 }).toContain('bad-answer');
    expect(changes[0]?.instances.map(({ instanceId }) => instanceId)).toEqual(['a', 'b']);
    expect(changes.flatMap(({ removedInstances }) => removedInstances)).toEqual([]);
  });

  it.each(['', 'null', '[]', '<html>', '{"applications":[]}', '{"applications":{}}'])(
    'is not believed when it answers %j',
    async (body) => {
      const port = await serve((_request, response) => response.end(body));
      const { reasons, changes } = started(`http://127.0.0.1:${port}`);
      await expect.poll(reasons, { timeout: 10_000 }).toContain('bad-answer');
      expect(changes).toEqual([]);
    },
  );

  it('cannot make the reading of an answer throw anything but an AnswerError', () => {
    const shapes = fc.letrec((tie) => ({
      value: fc.oneof(
        fc.jsonValue(),
        fc.record(
          {
            applications: tie('value'),
            apps__hashcode: fc.string(),
            application: tie('value'),
            instance: tie('value'),
            app: fc.jsonValue(),
            instanceId: fc.jsonValue(),
            port: fc.jsonValue(),
            leaseInfo: fc.jsonValue(),
            metadata: fc.jsonValue(),
          },
          { requiredKeys: [] },
        ),
      ),
    }));
    fc.assert(
      fc.property(shapes.value, (value) => {
        try {
          decodeListing({ applications: value });
        } catch (error) {
          expect(error).toBeInstanceOf(AnswerError);
        }
      }),
    );
  });
});
