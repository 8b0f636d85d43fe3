// What a real Consul does that surprises (peers.md §4): an index that goes back, empty lists for whoever
// may not read, connections that it does not take, entries that nobody ever takes out.

import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Instance, Service } from '../../../daemon/model/service.ts';
import { stampInstance } from '../../../daemon/model/stamp.ts';
import { createConsulDriver } from '../../../daemon/registry/consul/driver.ts';
import type { RegistryMemory, ServiceRef } from '../../../daemon/registry/driver.ts';
import { systemClock } from '../../../daemon/support/clock.ts';
import { silentLogger } from '../../../daemon/support/logger.ts';
import { systemRandom } from '../../../daemon/support/random.ts';
import {
  failureCode,
  sampleInstance,
  sampleService,
  value,
} from '../../contract/native-application.ts';
import { observe, type ObservedDriver } from '../../contract/observed-driver.ts';
import { poll } from '../../support/poll.ts';
import { consulNative, type ConsulNative } from './consul-native.ts';
import {
  consulTool,
  requireToolAtNight,
  startConsul,
  type ConsulOptions,
  type ConsulServer,
} from './consul-server.ts';

const never = new AbortController().signal;
/** Machines are busy: the limit only ends a wait for what never comes. */
const limitMs = 60_000;
const management = '0b7e0ef4-6cf4-4b29-9a5c-2c1f5d0f7a11';

if ('missing' in consulTool) requireToolAtNight();
const missing = 'missing' in consulTool ? ` (skipped: ${consulTool.missing})` : '';

async function server(options?: ConsulOptions): Promise<ConsulServer> {
  const started = await startConsul(options);
  onTestFinished(() => started.close());
  return started;
}

function nativeAt(url: string): ConsulNative {
  const native = consulNative(url);
  onTestFinished(() => native.close());
  return native;
}

function driverAt(
  url: string,
  options: object = {},
  memory: RegistryMemory | undefined = { known: 0 },
): ObservedDriver {
  const driver = observe(
    createConsulDriver(
      { addresses: [url], cluster: 'north', requestTimeoutMs: 5_000, ...options },
      { clock: systemClock, random: systemRandom, logger: silentLogger },
    ),
    memory,
  );
  onTestFinished(() => driver.stop());
  return driver;
}

function copyUnder(serviceId: string, change: Partial<Instance> = {}): Instance {
  const base = sampleInstance(change);
  const stamp = {
    originCluster: 'south',
    originService: 's',
    originInstance: base.instanceId,
    epoch: 1,
  };
  const properties = stampInstance(base.properties, stamp, base.healthCheck);
  return { ...base, serviceId, properties };
}

/** A lease of 6 s. */
const shortCheck = { mode: 'push', port: 0, interval: 2, times: 2, url: '' } as const;

async function call(url: string, method: string, path: string, body?: object, token?: string) {
  const answer = await fetch(`${url}/v1${path}`, {
    method,
    ...(token === undefined ? {} : { headers: { 'x-consul-token': token } }),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, text };
}

async function jsonAt<T>(url: string, path: string): Promise<T> {
  const { status, text } = await call(url, 'GET', path);
  if (status !== 200) throw new Error(`GET ${path}: ${status} ${text}`);
  return JSON.parse(text) as T;
}

/** IDs of what stands on the node of our copies. */
async function entriesOf(url: string, node = 'syncer-north'): Promise<readonly string[]> {
  const { Services } = await jsonAt<{ Services: { ID: string }[] | null }>(
    url,
    `/catalog/node-services/${node}`,
  );
  return (Services ?? []).map(({ ID }) => ID);
}

/** A service of ours, with that many copies under it. */
async function withCopies(
  observed: ObservedDriver,
  count: number,
  change: Partial<Instance> = {},
): Promise<{
  readonly ref: ServiceRef;
  readonly service: Service;
  readonly copies: readonly Instance[];
}> {
  const service = sampleService();
  const { serviceId } = value(await observed.driver.ensureService(service, 'south', never));
  const copies = Array.from({ length: count }, () => copyUnder(serviceId, change));
  const results = await Promise.all(
    copies.map((copy) => observed.driver.putInstance(service, copy, never)),
  );
  for (const result of results) value(result);
  return { ref: { domain: 'default', project: 'default', serviceId }, service, copies };
}

describe.skipIf(missing !== '')(`a real Consul's surprises${missing}`, () => {
  it('an index that goes back after a restart is seen, and nothing is concluded from it', async () => {
    const consul = await server();
    const native = nativeAt(consul.url);
    const ref = await native.registerService(sampleService());
    const one = await native.registerInstance(ref, sampleInstance());
    const observed = driverAt(consul.url);
    await observed.until(() => observed.instance(one), limitMs);
    const { copies } = await withCopies(observed, 5);

    await consul.stop();
    await consul.start();
    await observed.untilCondition('suspicious-loss', limitMs);
    await observed.until(() => {
      const resets = Number(observed.driver.facts().findings['index-resets']);
      return resets > 0 ? true : undefined;
    }, limitMs);
    const copied = new Set(copies.map(({ instanceId }) => instanceId));
    expect(observed.removed.filter(({ instanceId }) => !copied.has(instanceId))).toEqual([]);
    expect(observed.instance(one)).toBeDefined();
  });

  it('whoever may not read sees empty lists, and concludes nothing', async () => {
    const consul = await server({ managementToken: management });
    const at = (path: string, body: object) => call(consul.url, 'PUT', path, body, management);
    const policy = (rules: string, path: string) => at(path, { Name: 'syncer', Rules: rules });
    const whole =
      'service_prefix "" { policy = "write" } node_prefix "" { policy = "read" } ' +
      'node_prefix "syncer-" { policy = "write" }';
    // Of these rules README.md says that they are enough.
    const made = JSON.parse((await policy(whole, '/acl/policy')).text) as { ID: string };
    const token = JSON.parse((await at('/acl/token', { Policies: [{ ID: made.ID }] })).text) as {
      SecretID: string;
    };
    const node = { Node: 'host', Address: '10.0.0.1' };
    const registered = await at('/catalog/register', {
      ...node,
      Service: { ID: 'billing', Service: 'billing', Port: 80 },
    });
    expect(registered.status).toBe(200);

    const withoutToken = driverAt(consul.url);
    await withoutToken.untilCondition('refused-rights', limitMs);
    const wrong = driverAt(consul.url, {
      credentials: { token: '3d9a2c52-1b7e-4b5c-8f0c-111111111111' },
    });
    await wrong.untilCondition('refused-rights', limitMs);
    expect([...withoutToken.changes, ...wrong.changes]).toEqual([]);

    const observed = driverAt(consul.url, { credentials: { token: token.SecretID } });
    await observed.untilCondition('answering', limitMs);
    const billing = {
      domain: 'default',
      project: 'default',
      serviceId: 'billing',
      instanceId: 'billing@host',
    };
    expect(observed.instance(billing)).toBeDefined();
    await withCopies(observed, 2);
    const other = await call(
      consul.url,
      'PUT',
      '/catalog/register',
      { ...node, Address: '10.6.6.6', Service: { ID: 'x', Service: 'x' } },
      token.SecretID,
    );
    expect(other.status).toBe(403);

    const removedBefore = observed.removed.length;
    await policy('service_prefix "other" { policy = "read" }', `/acl/policy/${made.ID}`);
    await observed.untilCondition('refused-rights', limitMs);
    await withoutRights(observed);
    expect(observed.removed).toHaveLength(removedBefore);
    await policy(whole, `/acl/policy/${made.ID}`);
    await observed.untilCondition('answering', limitMs);
    expect(observed.removed).toHaveLength(removedBefore);
    expect(observed.instance(billing)).toBeDefined();
  });

  it('a Consul that takes no more connections is overdone, and answers later', async () => {
    const consul = await server();
    const native = nativeAt(consul.url);
    const ref = await native.registerService(sampleService());
    const sockets: Socket[] = [];
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
    });
    // Consul takes 200 of one client address, and lets go of one that was left when its wait is over.
    for (let count = 0; count < 260; count += 1) {
      const socket = connect(consul.port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write('GET /v1/catalog/services?index=999999&wait=8s HTTP/1.1\r\nHost: x\r\n\r\n');
      sockets.push(socket);
    }
    await poll(
      async () =>
        (await call(consul.url, 'GET', '/status/leader')).status === 429 ? true : undefined,
      limitMs,
    );
    const observed = driverAt(consul.url);
    await observed.untilCondition('server-error', limitMs);
    expect(observed.changes).toEqual([]);
    for (const socket of sockets) socket.destroy();
    await observed.untilCondition('answering', limitMs);
    expect(observed.service(ref)).toBeDefined();
  });

  it('takes 1,000 copies in transactions, and none that a transaction cannot hold', async () => {
    const consul = await server();
    const observed = driverAt(consul.url);
    await observed.untilCondition('answering', limitMs);
    const { ref, copies } = await withCopies(observed, 1_000);
    expect(await entriesOf(consul.url)).toHaveLength(1_000);
    const all = copies.map(({ instanceId }) => ({ ...ref, instanceId }));
    await observed.until(
      () => (all.every((each) => observed.instance(each)) ? true : undefined),
      limitMs,
    );
    expect(value(await observed.driver.renew(all.slice(0, 500), never)).missing).toEqual([]);
    const large = copyUnder(ref.serviceId, {
      properties: Object.fromEntries(
        Array.from({ length: 100 }, (_, at) => [`key-${at}`, 'v'.repeat(500)]),
      ),
    });
    const result = await observed.driver.putInstance(observed.service(ref)!, large, never);
    expect(failureCode(result)).toBe('too-large');
  });

  it('copies stay when their process ends, and go together with their node', async () => {
    const consul = await server();
    const observed = driverAt(consul.url);
    await observed.untilCondition('answering', limitMs);
    const { ref, service, copies } = await withCopies(observed, 3, { healthCheck: shortCheck });
    await observed.stop();
    await wait(12_000);
    expect(await entriesOf(consul.url)).toHaveLength(3);

    // The next process sweeps nothing before it renews, and takes out what it does not renew.
    const next = driverAt(consul.url);
    await next.untilCondition('answering', limitMs);
    await wait(10_000);
    expect(await entriesOf(consul.url)).toHaveLength(3);
    const first = { ...ref, instanceId: copies[0]?.instanceId ?? '' };
    const renewing = setInterval(() => void next.driver.renew([first], never), 1_000);
    onTestFinished(() => clearInterval(renewing));
    await poll(async () => {
      const left = await entriesOf(consul.url);
      return left.length === 1 ? left : undefined;
    }, limitMs);
    expect((await entriesOf(consul.url))[0]).toContain(first.instanceId);

    const gone = await call(consul.url, 'PUT', '/catalog/deregister', { Node: 'syncer-north' });
    expect(gone.status).toBe(200);
    const removal = await next.until(() => next.removal(first), limitMs);
    expect(removal.proof).toBe('absence');
    value(await next.driver.putInstance(service, copies[0]!, never));
    expect(await entriesOf(consul.url)).toHaveLength(1);
  });

  it('one process sweeps, and none that another has followed', async () => {
    const consul = await server();
    const old = driverAt(consul.url);
    await old.untilCondition('answering', limitMs);
    const { ref, copies } = await withCopies(old, 4, { healthCheck: shortCheck });
    const follower = driverAt(consul.url);
    const refs = copies.map(({ instanceId }) => ({ ...ref, instanceId }));
    await follower.until(
      () => (refs.every((each) => follower.instance(each)) ? true : undefined),
      limitMs,
    );
    // The first one falls silent, as a leader does that is none any more; the other renews.
    value(await follower.driver.renew(refs, never));
    const renewing = setInterval(() => void follower.driver.renew(refs, never), 1_000);
    onTestFinished(() => clearInterval(renewing));
    await wait(16_000);
    expect(await entriesOf(consul.url)).toHaveLength(4);
  });

  it('sees what an agent says of its applications, and touches none', async () => {
    const consul = await server();
    const observed = driverAt(consul.url);
    await observed.untilCondition('answering', limitMs);
    const agent = (path: string, body?: object) => call(consul.url, 'PUT', `/agent${path}`, body);
    const check = { TTL: '10m', CheckID: 'alive' };
    const service = { ID: 'web-1', Name: 'web', Port: 80, Meta: { team: 'blue' }, Tags: ['a'] };
    expect((await agent('/service/register', { ...service, Check: check })).status).toBe(200);
    const web = await observed.until(
      () =>
        observed.changes
          .flatMap(({ instances }) => instances)
          .find(({ serviceId }) => serviceId === 'web'),
      limitMs,
    );
    const ref = {
      domain: 'default',
      project: 'default',
      serviceId: 'web',
      instanceId: web.instanceId,
    };
    expect(web).toMatchObject({
      instanceId: expect.stringMatching(/^web-1@server-/),
      endpoints: ['rest://127.0.0.1:80'],
      properties: { team: 'blue', 'consul-tags': '["a"]' },
    });
    const becomes = (status: string) =>
      observed.until(() => (observed.instance(ref)?.status === status ? true : undefined), limitMs);
    await becomes('DOWN');
    await agent('/check/pass/alive');
    await becomes('UP');
    await agent('/service/maintenance/web-1?enable=true');
    await becomes('OUTOFSERVICE');
    await agent('/service/maintenance/web-1?enable=false');
    await becomes('UP');

    const before = await jsonAt<unknown>(consul.url, '/agent/service/web-1');
    const shape = observed.service(ref)!;
    const copy = copyUnder('web', { instanceId: web.instanceId });
    expect(failureCode(await observed.driver.putInstance(shape, copy, never))).toBe('not-ours');
    expect(failureCode(await observed.driver.removeInstance(ref, 'south', never))).toBe('not-ours');
    // Beside it there is room, under the same name.
    const beside = copyUnder('web');
    value(await observed.driver.putInstance(shape, beside, never));
    await observed.until(
      () => observed.instance({ ...ref, instanceId: beside.instanceId }),
      limitMs,
    );
    expect(await jsonAt<unknown>(consul.url, '/agent/service/web-1')).toEqual(before);
    // A name that DNS looks up finds both.
    const passing = await jsonAt<unknown[]>(consul.url, '/health/service/web?passing');
    expect(passing).toHaveLength(2);

    await agent('/service/deregister/web-1');
    const removal = await observed.until(() => observed.removal(ref), limitMs);
    expect(removal.proof).toBe('tombstone');
  });
});

/** Rounds go on, and none of them tells anything. */
async function withoutRights(observed: ObservedDriver): Promise<void> {
  const told = observed.changes.length;
  await wait(3_000);
  expect(observed.changes).toHaveLength(told);
  expect(observed.condition).toBe('refused-rights');
}
