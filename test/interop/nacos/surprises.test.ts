// What a real Nacos does that no API description says (peers.md §5): lists that follow half a second
// later, addresses that are identities, overlays of operators, and an empty restart. At a server as it
// is shipped.

import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Instance } from '../../../daemon/model/service.ts';
import { stampInstance } from '../../../daemon/model/stamp.ts';
import { createNacosDriver } from '../../../daemon/registry/nacos/driver.ts';
import { systemClock } from '../../../daemon/support/clock.ts';
import { silentLogger } from '../../../daemon/support/logger.ts';
import { systemRandom } from '../../../daemon/support/random.ts';
import { sampleInstance, sampleService, value } from '../../contract/native-application.ts';
import { observe, type ObservedDriver } from '../../contract/observed-driver.ts';
import { poll } from '../../support/poll.ts';
import { nacosNative, type NacosNative } from './nacos-native.ts';
import {
  nacosTool,
  requireToolInCi,
  startLimitMs,
  startNacos,
  type NacosServer,
} from './nacos-server.ts';

const never = new AbortController().signal;
/** Machines are busy: the limit only ends a wait for what never comes. */
const limitMs = 60_000;

if ('missing' in nacosTool) requireToolInCi();
const missing = 'missing' in nacosTool ? ` (skipped: ${nacosTool.missing})` : '';

interface Host {
  readonly ip: string;
  readonly enabled: boolean;
  readonly clusterName: string;
  readonly metadata: Readonly<Record<string, string>>;
}

function copyUnder(serviceId: string, change: Partial<Instance> = {}): Instance {
  const base = sampleInstance({ properties: {}, ...change });
  const stamp = {
    originCluster: 'south',
    originService: 's',
    originInstance: base.instanceId,
    epoch: 1,
  };
  return {
    ...base,
    serviceId,
    properties: stampInstance(base.properties, stamp, base.healthCheck),
  };
}

describe.skipIf(missing !== '')(`a real Nacos's surprises${missing}`, () => {
  let server: NacosServer;
  let counter = 0;

  beforeAll(async () => {
    server = await startNacos();
  }, startLimitMs);
  afterAll(() => server.close());

  /** A driver and an application in a namespace of their own. */
  const world = (): { observed: ObservedDriver; native: NacosNative; namespace: string } => {
    counter += 1;
    const namespace = `surprise-${counter}`;
    const native = nacosNative(server.url, namespace, ['default']);
    onTestFinished(() => native.close());
    const driver = createNacosDriver(
      { addresses: [server.url], namespace, requestTimeoutMs: 10_000, ownersWaitMs: 1_000 },
      { clock: systemClock, random: systemRandom, logger: silentLogger },
    );
    const observed = observe(driver, { known: 0 });
    onTestFinished(() => observed.stop());
    return { observed, native, namespace };
  };
  const service = sampleService({
    environment: '',
    app: 'default',
    version: '0.0.1',
  });

  const post = async (form: Readonly<Record<string, string>>): Promise<void> => {
    const body = new URLSearchParams(form);
    const answer = await fetch(`${server.url}/v3/client/ns/instance`, { method: 'POST', body });
    expect(await answer.json()).toMatchObject({ code: 0 });
  };
  /** What every consumer with an SDK is told: enabled instances of all clusters. */
  const consumed = async (namespace: string): Promise<readonly Host[]> => {
    const query = new URLSearchParams({ serviceName: service.name, namespaceId: namespace });
    const answer = await fetch(`${server.url}/v1/ns/instance/list?${query.toString()}`);
    return ((await answer.json()) as { hosts: Host[] }).hosts.filter(({ enabled }) => enabled);
  };

  it('a copy counts when the list that consumers are given shows it, half a second later', async () => {
    const { observed, native, namespace } = world();
    const ref = await native.registerService(service);
    await observed.until(() => observed.service(ref));
    const copy = copyUnder(ref.serviceId);
    const at = { ...ref, instanceId: copy.instanceId };
    const told = async (): Promise<boolean> =>
      (await consumed(namespace)).some(({ metadata }) => metadata.sy === copy.instanceId);
    value(await observed.driver.putInstance(service, copy, never));
    expect(value(await observed.driver.readInstance(at, never))).toBeDefined();
    expect(await told()).toBe(true);
    await observed.until(() => observed.instance(at));
    value(await observed.driver.removeInstance(at, 'south', never));
    expect(value(await observed.driver.readInstance(at, never))).toBeUndefined();
    expect(await told()).toBe(false);
  });

  it('an application at the address of a copy is left alone, by writes and removals', async () => {
    const { observed, native, namespace } = world();
    const ref = await native.registerService(service);
    await observed.until(() => observed.service(ref));
    const copy = copyUnder(ref.serviceId, { endpoints: ['rest://10.7.0.1:80'] });
    const at = { ...ref, instanceId: copy.instanceId };
    value(await observed.driver.putInstance(service, copy, never));
    // The same address, by an application: it replaces the copy at the server.
    const own = {
      serviceName: service.name,
      namespaceId: namespace,
      ip: '10.7.0.1',
      port: '80',
      metadata: JSON.stringify({
        zone: 'a',
        'preserved.heart.beat.timeout': '900000',
        'preserved.ip.delete.timeout': '900000',
      }),
    };
    await post(own);
    value(await observed.driver.putInstance(service, copy, never));
    value(await observed.driver.removeInstance(at, 'south', never));
    await observed.until(() =>
      observed.instance({ ...ref, instanceId: '10.7.0.1:80' }) === undefined ? undefined : true,
    );
    const [host] = (await consumed(namespace)).filter(({ ip }) => ip === '10.7.0.1');
    expect(host).toMatchObject({ clusterName: 'DEFAULT', enabled: true });
    expect(host?.metadata.zone).toBe('a');
  });

  it('of two copies with one address the second waits aside, and takes over without a gap', async () => {
    const { observed, native, namespace } = world();
    const ref = await native.registerService(service);
    await observed.until(() => observed.service(ref));
    const endpoints = ['rest://10.7.0.2:80'];
    const first = copyUnder(ref.serviceId, { endpoints });
    const second = copyUnder(ref.serviceId, { endpoints });
    for (const copy of [first, second]) {
      value(await observed.driver.putInstance(service, copy, never));
    }
    for (const copy of [first, second]) {
      const at = { ...ref, instanceId: copy.instanceId };
      const seen = await observed.until(() => observed.instance(at));
      expect(seen.status).toBe('UP');
      expect(seen.endpoints).toEqual(endpoints);
    }
    const there = async (): Promise<readonly Host[]> =>
      (await consumed(namespace)).filter(({ ip }) => ip === '10.7.0.2' || ip.startsWith('0.'));
    await poll(async () => ((await there()).length === 1 ? true : undefined), limitMs);
    expect((await there())[0]?.metadata.sy).toBe(first.instanceId);

    const at = { ...ref, instanceId: first.instanceId };
    const removing = observed.driver.removeInstance(at, 'south', never);
    await poll(async () => {
      const [host, ...others] = await there();
      expect(others).toEqual([]);
      // A gap would be an empty list.
      if (host === undefined) return { gap: true };
      return host.metadata.sy === second.instanceId ? { gap: false } : undefined;
    }, limitMs).then((seen) => expect(seen).toEqual({ gap: false }));
    value(await removing);
    await observed.until(() => observed.removal(at));
    expect(observed.instance({ ...ref, instanceId: second.instanceId })).toBeDefined();
  });

  it('what is disabled or of nacos-sync is seen for what it is', async () => {
    const { observed, native, namespace } = world();
    const ref = await native.registerService(service);
    const base = { serviceName: service.name, namespaceId: namespace, port: '80' };
    await post({ ...base, ip: '10.7.0.3', enabled: 'false' });
    const stamps = { syncSource: 'EUREKA', sourceClusterId: 'c1' };
    await post({ ...base, ip: '10.7.0.4', metadata: JSON.stringify(stamps) });
    const disabled = await observed.until(() =>
      observed.changes
        .flatMap(({ instances }) => instances)
        .find(({ instanceId }) => instanceId === '10.7.0.3:80'),
    );
    expect(disabled.status).toBe('OUTOFSERVICE');
    await observed.until(() =>
      observed.driver.facts().findings['of-nacos-sync'] === '1' ? true : undefined,
    );
    const told = observed.changes.flatMap(({ instances }) => instances);
    expect(told.some(({ instanceId }) => instanceId.startsWith('10.7.0.4'))).toBe(false);

    const copy = copyUnder(ref.serviceId);
    const at = { ...ref, instanceId: copy.instanceId };
    value(await observed.driver.putInstance(service, copy, never));
    await observed.until(() => observed.instance(at));
    const listed = (await consumed(namespace)).find(
      ({ metadata }) => metadata.sy === copy.instanceId,
    )!;
    // What the console sends when an operator takes an instance offline.
    const body = new URLSearchParams({
      ...base,
      port: '8080',
      ip: listed.ip,
      clusterName: listed.clusterName,
      enabled: 'false',
      metadata: JSON.stringify(listed.metadata),
    });
    const hidden = await fetch(`${server.url}/v3/admin/ns/instance`, { method: 'PUT', body });
    expect(await hidden.json()).toMatchObject({ code: 0 });
    await observed.until(() =>
      observed.driver.facts().findings['hidden-by-operators'] === '1' ? true : undefined,
    );
    expect(observed.instance(at)).toEqual({ ...copy, version: '0.0.1' });
  });

  it(
    'an empty restart is no removal of an application; copies are told absent, to be written again',
    async () => {
      const { observed, native } = world();
      const ref = await native.registerService(service);
      const one = await native.registerInstance(ref, sampleInstance());
      const copy = copyUnder(ref.serviceId);
      const at = { ...ref, instanceId: copy.instanceId };
      value(await observed.driver.putInstance(service, copy, never));
      await observed.until(() => observed.instance(one) && observed.instance(at));
      await server.restart();
      await observed.untilCondition('suspicious-loss', startLimitMs);
      const removal = await observed.until(() => observed.removal(at), limitMs);
      expect(removal.proof).toBe('absence');
      value(await observed.driver.putInstance(service, copy, never));
      await observed.until(() => observed.instance(at), limitMs);
      await wait(2_000);
      expect(observed.removed).toHaveLength(1);
      expect(observed.instance(one)).toBeDefined();
    },
    startLimitMs,
  );
});

describe.skipIf(missing !== '')(`a Nacos that asks for a login${missing}`, () => {
  let server: NacosServer;
  beforeAll(async () => {
    const seconds = 'nacos.core.auth.plugin.nacos.token.expire.seconds';
    server = await startNacos({ auth: true, properties: [`--${seconds}=6`] });
  }, startLimitMs);
  afterAll(() => server.close());

  const driverWith = (password: string): ObservedDriver => {
    const driver = createNacosDriver(
      { addresses: [server.url], credentials: { name: 'nacos', password } },
      { clock: systemClock, random: systemRandom, logger: silentLogger },
    );
    const observed = observe(driver, { known: 0 });
    onTestFinished(() => observed.stop());
    return observed;
  };

  it('is read over the end of many tokens; a wrong password is named as what it may be', async () => {
    const password = 'a-password-of-the-test';
    const first = await fetch(`${server.url}/v3/auth/user/admin`, {
      method: 'POST',
      body: new URLSearchParams({ password }),
    });
    expect(await first.json()).toMatchObject({ code: 0 });
    const observed = driverWith(password);
    // Right after the first password a server refuses logins for some seconds.
    await observed.untilCondition('answering', limitMs);
    const before = observed.conditions.length;
    const wrong = driverWith('another');
    // The server says 500 to a wrong password, and 403 to an unknown user.
    await wrong.untilCondition('server-error', limitMs);
    expect(wrong.conditions.at(-1)).toMatchObject({
      detail: expect.stringContaining('registry.credentials') as unknown,
    });
    expect(wrong.changes).toEqual([]);
    await wait(15_000);
    expect(observed.conditions).toHaveLength(before);
    expect(observed.condition).toBe('answering');
  });
});
