// The driver before a server that lies: garbage, filtered lists, refusals, an index that goes back.
// Nothing is ever removed by them.

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../support/clock.ts';
import { silentLogger } from '../../support/logger.ts';
import { seededRandom } from '../../support/random.ts';
import type { RegistryChange, RegistryCondition, RegistryDriver } from '../driver.ts';
import { createConsulDriver } from './driver.ts';
import { decodeTransaction } from './transaction-wire.ts';
import { AnswerError, decodeChecks, decodeInstances, decodeNames } from './wire.ts';

const servers: Server[] = [];
const drivers: RegistryDriver[] = [];

afterEach(async () => {
  await Promise.all(drivers.splice(0).map((driver) => driver.stop()));
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** What a fake Consul holds; its answers wait as blocking queries do. */
interface Fake {
  index: number;
  /** IDs of the instances of `orders`. */
  ids: string[];
  /** Sent with each answer. */
  headers: Record<string, string>;
  /** Answers instead of it; gives true when it has. */
  instead: (request: IncomingMessage, response: ServerResponse) => boolean;
}

async function fakeConsul(): Promise<{ readonly fake: Fake; readonly url: string }> {
  const fake: Fake = { index: 10, ids: ['a', 'b'], headers: {}, instead: () => false };
  const answer = (response: ServerResponse, body: unknown): void => {
    response.setHeader('x-consul-index', String(fake.index));
    response.setHeader('x-consul-knownleader', 'true');
    for (const [name, text] of Object.entries(fake.headers)) response.setHeader(name, text);
    response.end(JSON.stringify(body));
  };
  const bodyOf = (path: string): unknown => {
    if (path === '/v1/status/leader') return '127.0.0.1:8300';
    if (path === '/v1/agent/self') return { Config: { Version: '1.22.5', Datacenter: 'dc1' } };
    if (path === '/v1/acl/token/self') return { AccessorID: 'x' };
    if (path === '/v1/catalog/services') return fake.ids.length > 0 ? { orders: [] } : {};
    if (path === '/v1/health/state/any') return [];
    return fake.ids.map((ID) => ({
      Node: { Node: 'host', Address: '10.0.0.1', Datacenter: 'dc1' },
      Service: { ID, Service: 'orders', Port: 80, ModifyIndex: fake.index },
      Checks: [],
    }));
  };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const respond = (): void => {
      if (!fake.instead(request, response)) answer(response, bodyOf(url.pathname));
    };
    const asked = url.searchParams.get('index');
    if (asked === null || Number(asked) !== fake.index) {
      respond();
      return;
    }
    const timer = setInterval(() => {
      if (Number(asked) === fake.index) return;
      clearInterval(timer);
      respond();
    }, 5);
    response.on('close', () => clearInterval(timer));
  }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { fake, url: `http://127.0.0.1:${port}` };
}

function started(url: string, options: object = {}) {
  const driver = createConsulDriver(
    { addresses: [url], pollMinMs: 20, requestTimeoutMs: 2_000, ...options },
    { clock: systemClock, random: seededRandom(1), logger: silentLogger },
  );
  drivers.push(driver);
  const changes: RegistryChange[] = [];
  const conditions: RegistryCondition[] = [];
  driver.start(
    {
      changed: (change) => changes.push(change),
      condition: (condition) => conditions.push(condition),
    },
    { known: 0 },
  );
  const reason = (): string => {
    const last = conditions.at(-1);
    return last?.state === 'unknown' ? last.reason : (last?.state ?? '');
  };
  const removed = (): readonly unknown[] =>
    changes.flatMap(({ removedInstances }) => removedInstances);
  return { driver, changes, reason, removed };
}

const patient = { timeout: 10_000 };

describe('a Consul that does not do as it should', () => {
  it('is told the token, and one that it does not know is a matter of rights', async () => {
    const { fake, url } = await fakeConsul();
    let seen: unknown;
    fake.instead = (request, response) => {
      seen = request.headers['x-consul-token'] ?? seen;
      if (request.url !== '/v1/acl/token/self') return false;
      response.statusCode = 403;
      response.end('ACL not found');
      return true;
    };
    const { reason, changes } = started(url, { credentials: { token: 's3cret' } });
    await expect.poll(reason, patient).toBe('refused-rights');
    expect(seen).toBe('s3cret');
    expect(changes).toEqual([]);
  });

  it('removes nothing by a list that is filtered, and tells nothing of one at the start', async () => {
    const { fake, url } = await fakeConsul();
    const { reason, removed } = started(url);
    await expect.poll(reason, patient).toBe('answering');
    fake.headers = { 'x-consul-results-filtered-by-acls': 'true' };
    fake.ids = [];
    fake.index += 1;
    await expect.poll(reason, patient).toBe('refused-rights');
    const late = started(url);
    await expect.poll(late.reason, patient).toBe('refused-rights');
    expect(late.changes).toEqual([]);
    expect(removed()).toEqual([]);
    fake.headers = {};
    fake.ids = ['a', 'b'];
    await expect.poll(reason, patient).toBe('answering');
    expect(removed()).toEqual([]);
  });

  it('is not believed where it shows nothing to whoever has no token', async () => {
    const { fake, url } = await fakeConsul();
    fake.headers = { 'x-consul-default-acl-policy': 'deny' };
    fake.ids = [];
    const without = started(url);
    await expect.poll(without.reason, patient).toBe('refused-rights');
    expect(without.changes).toEqual([]);
    const withToken = started(url, { credentials: { token: 't' } });
    await expect.poll(withToken.reason, patient).toBe('answering');
  });

  it('is not believed without a leader', async () => {
    const { fake, url } = await fakeConsul();
    const { reason, removed } = started(url);
    await expect.poll(reason, patient).toBe('answering');
    fake.headers = { 'x-consul-knownleader': 'false' };
    fake.ids = [];
    fake.index += 1;
    await expect.poll(reason, patient).toBe('server-error');
    expect(removed()).toEqual([]);
  });

  it('has an index that goes back: all is read again, and what is missing is held', async () => {
    const { fake, url } = await fakeConsul();
    const { driver, reason, removed } = started(url);
    await expect.poll(reason, patient).toBe('answering');
    fake.ids = ['a'];
    fake.index = 3;
    await expect
      .poll(() => Number(driver.facts().findings['index-resets']), patient)
      .toBeGreaterThan(0);
    await expect.poll(reason, patient).toBe('waiting-for-owners');
    expect(removed()).toEqual([]);
  });

  it('goes on by rounds where it refuses blocking queries', async () => {
    const { fake, url } = await fakeConsul();
    fake.instead = (request, response) => {
      if (request.url?.includes('index=') !== true) return false;
      response.statusCode = 429;
      response.end('too many connections');
      return true;
    };
    const { driver, reason, changes, removed } = started(url);
    await expect.poll(reason, patient).toBe('answering');
    await expect.poll(() => driver.facts().findings.feed, patient).toBe('rounds');
    fake.ids = ['b', 'c'];
    fake.index += 1;
    await expect
      .poll(
        () => changes.flatMap(({ instances }) => instances).map((each) => each.instanceId),
        patient,
      )
      .toContain('c@host');
    await expect
      .poll(removed, patient)
      .toEqual([expect.objectContaining({ instanceId: 'a@host', proof: 'tombstone' })]);
  });

  it('is overdone where it refuses everything with 429', async () => {
    const { fake, url } = await fakeConsul();
    fake.instead = (_request, response) => {
      response.statusCode = 429;
      response.end();
      return true;
    };
    const { reason, changes } = started(url);
    await expect.poll(reason, patient).toBe('server-error');
    expect(changes).toEqual([]);
  });

  it.each(['', 'null', '[]', '<html>', '{"orders":', '[{"Node":{}}]'])(
    'is not believed when it answers %j',
    async (body) => {
      const { fake, url } = await fakeConsul();
      fake.instead = (request, response) => {
        if (request.url === '/v1/status/leader') return false;
        response.end(body);
        return true;
      };
      const { reason, changes } = started(url);
      await expect.poll(reason, patient).toBe('bad-answer');
      expect(changes).toEqual([]);
    },
  );

  it('cannot make the reading of an answer throw anything but an AnswerError', () => {
    const shapes = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.jsonValue(),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.record(
          {
            Node: tie('value'),
            Service: tie('value'),
            Checks: tie('value'),
            ID: fc.jsonValue(),
            Port: fc.jsonValue(),
            Meta: fc.jsonValue(),
            Tags: fc.jsonValue(),
            Weights: fc.jsonValue(),
            Locality: fc.jsonValue(),
            Results: tie('value'),
            Errors: tie('value'),
            OpIndex: fc.jsonValue(),
          },
          { requiredKeys: [] },
        ),
      ),
    }));
    const decoders = [decodeInstances, decodeChecks, decodeNames, decodeTransaction];
    fc.assert(
      fc.property(shapes.value, fc.constantFrom(...decoders), (value, decode) => {
        try {
          decode([value]);
          decode(value);
        } catch (error) {
          expect(error).toBeInstanceOf(AnswerError);
        }
      }),
    );
  });
});
