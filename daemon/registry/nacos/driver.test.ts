// The driver before a server that lies: garbage, half answers, refusals. Nothing is ever removed by
// them, and no application's address is ever written.

import { createServer, type RequestListener, type Server } from 'node:http';
import { once } from 'node:events';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { stampInstance } from '../../model/stamp.ts';
import { systemClock } from '../../support/clock.ts';
import { silentLogger } from '../../support/logger.ts';
import { seededRandom } from '../../support/random.ts';
import type { RegistryChange, RegistryCondition, RegistryDriver } from '../driver.ts';
import { createNacosDriver } from './driver.ts';
import { AnswerError, decodePage, decodePublications } from './wire.ts';

const servers: Server[] = [];
const drivers: RegistryDriver[] = [];
const never = new AbortController().signal;

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

function started(port: number, more: object = {}) {
  const driver = createNacosDriver(
    { addresses: [`http://127.0.0.1:${port}`], pollMinMs: 20, requestTimeoutMs: 2_000, ...more },
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

function page(ips: readonly string[], total: number, change: object = {}): string {
  const pageItems = ips.map((ip) => ({
    groupName: 'DEFAULT_GROUP',
    serviceName: `orders-${ip}`,
    clusterMap: {
      DEFAULT: { hosts: [{ ip, port: 80, clusterName: 'DEFAULT', metadata: {}, ...change }] },
    },
  }));
  return JSON.stringify({ code: 0, data: { totalCount: total, pagesAvailable: 1, pageItems } });
}

const limit = { timeout: 20_000 };

describe('a Nacos that does not do as it should', () => {
  it('says 403 to a token that it does not know: the driver logs in again, and sends the new one', async () => {
    let valid = 'first';
    let logins = 0;
    const port = await serve((request, response) => {
      if (request.url?.endsWith('/auth/user/login') === true) {
        logins += 1;
        response.end(JSON.stringify({ accessToken: valid, tokenTtl: 18_000 }));
        return;
      }
      if (request.headers.accesstoken !== valid) response.statusCode = 403;
      response.end(page(['10.0.0.1'], 1));
    });
    const { changes, reasons } = started(port, { credentials: { name: 'nacos', password: 'p' } });
    await expect.poll(() => changes.length, limit).toBe(1);
    valid = 'second';
    await expect.poll(() => logins, limit).toBe(2);
    expect(reasons()).not.toContain('refused-rights');
    expect(changes.flatMap(({ removedInstances }) => removedInstances)).toEqual([]);
  });

  it('refuses the login: that is a matter of rights, and nothing is gone', async () => {
    const port = await serve((_request, response) => {
      response.statusCode = 403;
      response.end(JSON.stringify({ status: 403, message: 'Code: 401, Message: token invalid!' }));
    });
    const { changes, reasons } = started(port, { credentials: { name: 'nacos', password: 'p' } });
    await expect.poll(reasons, limit).toContain('refused-rights');
    expect(changes).toEqual([]);
  });

  it('removes nothing by pages that do not fit its own count', async () => {
    let half = false;
    const port = await serve((_request, response) => {
      response.end(half ? page(['10.0.0.1'], 2) : page(['10.0.0.1', '10.0.0.2'], 2));
    });
    const { reasons, changes } = started(port);
    await expect.poll(() => changes.length, limit).toBe(1);
    half = true;
    await expect.poll(reasons, limit).toContain('bad-answer');
    expect(changes[0]?.instances).toHaveLength(2);
    expect(changes.flatMap(({ removedInstances }) => removedInstances)).toEqual([]);
  });

  it.each([
    '',
    'null',
    '[]',
    '<html>',
    '{"code":0}',
    '{"code":30000,"message":"server error","data":"x"}',
    '{"code":0,"data":{"totalCount":1,"pagesAvailable":1,"pageItems":[{}]}}',
  ])('is not believed when it answers %j', async (body) => {
    const port = await serve((_request, response) => response.end(body));
    const { reasons, changes } = started(port);
    await expect.poll(reasons, limit).toContain('bad-answer');
    expect(changes).toEqual([]);
  });

  it("shows an application at a copy's address before any list does: the copy stands aside", async () => {
    const posts: URLSearchParams[] = [];
    const port = await serve((request, response) => {
      if (request.url?.includes('/client/publish/list') === true) {
        const published = {
          namespaceId: 'public',
          groupName: 'DEFAULT_GROUP',
          serviceName: 'orders',
          publisherInfo: { clusterName: 'DEFAULT' },
        };
        response.end(JSON.stringify({ code: 0, data: [published] }));
        return;
      }
      if (request.method === 'POST') {
        const chunks: Buffer[] = [];
        request.on('data', (chunk: Buffer) => chunks.push(chunk));
        request.on('end', () => {
          posts.push(new URLSearchParams(Buffer.concat(chunks).toString()));
          response.end('{"code":0,"data":"ok"}');
        });
        return;
      }
      response.end(page([], 0));
    });
    const { driver, changes } = started(port);
    await expect.poll(() => changes.length, limit).toBe(1);
    const key = {
      domain: 'default',
      project: 'default',
      environment: '',
      app: 'default',
      name: 'orders',
      version: '0.0.1',
    };
    const stamp = { originCluster: 'south', originService: 's', originInstance: 'i', epoch: 1 };
    const written = await driver.putInstance(
      key,
      {
        serviceId: 'orders',
        instanceId: 'c1',
        endpoints: ['rest://10.0.0.1:80'],
        hostName: 'h',
        status: 'UP',
        properties: stampInstance({}, stamp, undefined),
        healthCheck: undefined,
        dataCenterInfo: undefined,
        version: '',
      },
      never,
    );
    expect(written.ok).toBe(true);
    expect(posts).toHaveLength(1);
    expect(posts[0]?.get('ip')).toMatch(/^0\./);
    expect(posts[0]?.get('enabled')).toBe('false');
  });

  it('cannot make the reading of an answer throw anything but an AnswerError', () => {
    const shapes = fc.letrec((tie) => ({
      value: fc.oneof(
        fc.jsonValue(),
        fc.array(tie('value'), { maxLength: 2 }),
        fc.record(
          {
            totalCount: fc.nat(),
            pagesAvailable: fc.nat(),
            pageItems: tie('value'),
            groupName: fc.string(),
            serviceName: fc.string(),
            clusterMap: tie('value'),
            hosts: tie('value'),
            ip: fc.jsonValue(),
            metadata: fc.jsonValue(),
            publisherInfo: tie('value'),
          },
          { requiredKeys: [] },
        ),
      ),
    }));
    fc.assert(
      fc.property(shapes.value, (value) => {
        for (const decode of [decodePage, decodePublications]) {
          try {
            decode(value, 'public');
          } catch (error) {
            expect(error).toBeInstanceOf(AnswerError);
          }
        }
      }),
    );
  });
});
