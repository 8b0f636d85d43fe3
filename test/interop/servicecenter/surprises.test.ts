// What a real ServiceCenter does that no API description says (servicecenter-api.md §0, §10, §12):
// a cache that a console damages, a cache that is off, several addresses.

import { setTimeout as wait } from 'node:timers/promises';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { stampInstance } from '../../../daemon/model/stamp.ts';
import { createServiceCenterDriver } from '../../../daemon/registry/servicecenter/driver.ts';
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
import { serviceCenterBinary } from '../../support/servicecenter.ts';
import { realFixture } from './fixture.ts';

const never = new AbortController().signal;
type Fixture = Awaited<ReturnType<typeof realFixture>>;

async function fixtureWith(
  conf: Record<string, number> = {},
  env: Record<string, string> = {},
): Promise<Fixture> {
  const fixture = await realFixture({ conf, env });
  onTestFinished(() => fixture.close());
  return fixture;
}

function observed(fixture: Fixture): ObservedDriver {
  const driver = observe(fixture.createDriver());
  onTestFinished(() => driver.stop());
  return driver;
}

/** What a web console does when somebody looks at its list of services. */
async function openConsole({ address }: Fixture): Promise<void> {
  await (await fetch(`${address}/v4/default/govern/microservices?options=all`)).arrayBuffer();
}

describe("a real ServiceCenter's surprises", () => {
  beforeEach(({ skip }) => {
    if ('missing' in serviceCenterBinary) skip(serviceCenterBinary.missing);
  });

  it('a console that empties the cache changes nothing, and copies stay ours', async () => {
    const fixture = await fixtureWith();
    const service = sampleService();
    const ref = await fixture.native.registerService(service);
    const native = await fixture.native.registerInstance(ref, sampleInstance());
    const stamp = { originCluster: 'c', originService: 's', originInstance: 'i', epoch: 1 };
    const base = sampleInstance();
    const copy = {
      ...base,
      serviceId: ref.serviceId,
      properties: stampInstance(base.properties, stamp, base.healthCheck),
    };
    const driver = observed(fixture);
    await driver.until(() => driver.instance(native));
    value(await driver.driver.putInstance(service, copy, never));
    const at = { ...ref, instanceId: copy.instanceId };
    await driver.until(() => driver.instance(at));
    const before = [driver.service(ref), driver.instance(native), driver.instance(at)];

    await openConsole(fixture);
    await wait(3_000);
    expect([driver.service(ref), driver.instance(native), driver.instance(at)]).toEqual(before);
    // A status alone would be written from the emptied cache, and store a copy without its stamp.
    value(await driver.driver.putInstance(service, { ...copy, status: 'DOWN' }, never));
    const read = value(await driver.driver.readInstance(at, never));
    expect(read?.properties).toEqual(copy.properties);
    expect(read?.status).toBe('DOWN');
    expect(driver.removed).toEqual([]);
  });

  it('refuses the write that would lose the schemas of a service after a console', async ({
    skip,
  }) => {
    if ('is2x' in serviceCenterBinary && serviceCenterBinary.is2x) {
      skip('the console of a 2.x empties no cache');
    }
    const fixture = await fixtureWith();
    const driver = observed(fixture);
    const service = sampleService();
    const made = value(await driver.driver.ensureService(service, 'south', never));
    await openConsole(fixture);
    const result = await driver.driver.updateService(
      { ...service, properties: { other: 'value' } },
      'south',
      never,
    );
    expect(failureCode(result)).toBe('server-error');
    const seen = await driver.until(() => driver.service({ ...service, ...made }));
    expect(seen.schemas.map(({ id }) => id).sort()).toEqual(['order', 'refund']);
  });

  it('reads past a cache that is switched off', async () => {
    const fixture = await fixtureWith({ enable_cache: 0 });
    const ref = await fixture.native.registerService(sampleService());
    const stays = await fixture.native.registerInstance(ref, sampleInstance());
    const goes = await fixture.native.registerInstance(ref, sampleInstance());
    const driver = observed(fixture);
    await driver.until(() => driver.instance(stays));
    // 1.x says so at once; of 2.x it shows in what its dump holds.
    const said = (): string | undefined => driver.driver.facts().findings.cache;
    await driver.until(() => (said()?.startsWith('off') === true ? true : undefined));
    await fixture.native.setProperties(stays, { after: 'change' });
    await driver.until(() => driver.instance(stays)?.properties.after);
    await fixture.native.removeInstance(goes);
    const removal = await driver.until(() => driver.removal(goes));
    expect(removal.proof).toBe('tombstone');
    expect(driver.instance(stays)).toBeDefined();
  });

  it('does not export the service of the registry itself', async () => {
    const fixture = await fixtureWith({ self_register: 1 });
    const ref = await fixture.native.registerService(sampleService());
    const driver = observed(fixture);
    await driver.until(() => driver.service(ref));
    const names = driver.changes.flatMap(({ services }) => services.map(({ name }) => name));
    expect(names).not.toContain('SERVICECENTER');
  });

  it('tells a quota that is reached, and still finds a service that is there', async () => {
    const fixture = await fixtureWith({}, { QUOTA_SERVICE: '1' });
    const service = sampleService();
    const driver = observed(fixture);
    expect(value(await driver.driver.ensureService(service, 'south', never)).created).toBe(true);
    await wait(1_500);
    const again = value(await driver.driver.ensureService(service, 'south', never));
    expect(again.created).toBe(false);
    const second = await driver.driver.ensureService(sampleService(), 'south', never);
    expect(failureCode(second)).toBe('quota');
  });

  it('goes on at the second address when the first is away', async () => {
    const [away, fixture] = await Promise.all([fixtureWith(), fixtureWith()]);
    const ref = await fixture.native.registerService(sampleService());
    const driver = observe(driverOf([away.address, fixture.address]));
    onTestFinished(() => driver.stop());
    await away.outage(async () => {
      await driver.until(() => driver.service(ref));
      expect(driver.driver.facts().address).toBe(fixture.address);
    });
  });

  it('concludes nothing while two addresses are two different registries', async () => {
    const [first, second] = await Promise.all([fixtureWith(), fixtureWith()]);
    const ref = await first.native.registerService(sampleService());
    const instance = await first.native.registerInstance(ref, sampleInstance());
    await second.native.registerService(sampleService());
    const driver = observe(driverOf([first.address, second.address]));
    onTestFinished(() => driver.stop());
    await driver.untilCondition('differing-nodes', 60_000);
    await first.native.removeInstance(instance);
    await wait(2_000);
    expect(driver.removed).toEqual([]);
  });
});

function driverOf(addresses: readonly string[]): ReturnType<typeof createServiceCenterDriver> {
  return createServiceCenterDriver(
    { addresses, requestTimeoutMs: 2_000, ownersWaitMs: 2_000, auditMs: 3_000 },
    { clock: systemClock, random: systemRandom, logger: silentLogger },
  );
}
