// What a driver must conclude from a registry in trouble: nothing, until it is proven.

import { setTimeout as wait } from 'node:timers/promises';
import { describe, it } from './harness.ts';
import type { HealthCheck, Service } from '../../daemon/model/service.ts';
import { stampInstance } from '../../daemon/model/stamp.ts';
import type { InstanceRef, ServiceRef } from '../../daemon/registry/driver.ts';
import { failureCode, sampleInstance, sampleService } from './native-application.ts';
import { observe, type ObservedDriver } from './observed-driver.ts';
import type { Lacks, RegistryFixture } from './fixture.ts';

/** A lease of 20 s: the shortest that every release takes as it is. */
const shortCheck: HealthCheck = { mode: 'push', port: 0, interval: 5, times: 3, url: '' };
const shortLeaseMs = 20_000;

export function outageContract(makeFixture: () => Promise<RegistryFixture>, lacks: Lacks): void {
  // Most of these wait for leases: they wait together, each with a registry of its own.
  describe.concurrent('outages', () => {
    it('waits for a registry that is absent at start', async ({ expect, onTestFinished }) => {
      const { fixture, register } = await world(makeFixture, onTestFinished);
      const [instance] = await register(1);
      let late: ObservedDriver | undefined;
      await fixture.outage(async () => {
        late = observe(fixture.createDriver());
        await late.untilCondition('unreachable');
        expect(late.changes).toEqual([]);
      });
      const driver = late!;
      try {
        await driver.untilCondition('answering', 60_000);
        const first = driver.changes[0]?.instances.map(({ instanceId }) => instanceId);
        expect(first).toContain(instance?.instanceId);
      } finally {
        await driver.stop();
      }
    });

    it('concludes nothing from a restart, and believes removals again after it', async ({
      expect,
      onTestFinished,
    }) => {
      const { fixture, observed, register } = await world(makeFixture, onTestFinished);
      const [first, second] = await register(2);
      await fixture.restart('keep');
      await observed.untilCondition('answering', 60_000);
      expect(observed.conditions).toContainEqual(
        expect.objectContaining({ state: 'unknown', reason: 'unreachable' }),
      );
      await wait(5_000);
      expect(observed.removed).toEqual([]);
      await fixture.native.removeInstance(first!);
      const removal = await observed.until(() => observed.removal(first!));
      expect(removal.proof).toBe('tombstone');
      expect(observed.instance(second!)).toBeDefined();
    });

    it('concludes nothing from a registry that comes up empty', async ({
      expect,
      onTestFinished,
    }) => {
      const { fixture, observed, register } = await world(makeFixture, onTestFinished);
      await register(3, shortCheck);
      await fixture.restart('lose');
      await observed.untilCondition('suspicious-loss', 60_000);
      await wait(shortLeaseMs + 5_000);
      expect(observed.removed).toEqual([]);
      expect(observed.changes.flatMap(({ removedServices }) => removedServices)).toEqual([]);
      expect(observed.condition).toBe('suspicious-loss');
    });

    it('gives owners one lease to come back to a registry that lost its data', async ({
      expect,
      onTestFinished,
    }) => {
      const { fixture, observed, service, shape, register } = await world(
        makeFixture,
        onTestFinished,
      );
      const [back, lost] = await register(2, shortCheck);
      const before = observed.instance(back!)!;
      await fixture.restart('lose');
      await observed.untilCondition('suspicious-loss', 60_000);
      await fixture.native.registerService(shape);
      const startedMs = performance.now();
      // A renewal that fails is followed by another.
      const renewOnce = (): Promise<void> => fixture.native.renew(back!).catch(() => undefined);
      await fixture.native.registerInstance(service, before);
      const renewing = setInterval(() => void renewOnce(), 2_000);
      try {
        await observed.untilCondition('waiting-for-owners');
        const removal = await observed.until(() => observed.removal(lost!), 90_000);
        expect(removal.proof).toBe('absence');
        expect(performance.now() - startedMs).toBeGreaterThan(shortLeaseMs - 1_000);
        expect(observed.removal(back!)).toBeUndefined();
        expect(observed.instance(back!)).toEqual(before);
      } finally {
        clearInterval(renewing);
      }
    });

    it.unless(
      lacks.pause,
      'concludes nothing from a pause that ends leases, if their owners come back',
      async ({ expect, onTestFinished }) => {
        const { fixture, observed, service, register } = await world(makeFixture, onTestFinished);
        const [short] = await register(1, shortCheck);
        const [long] = await register(1);
        const instance = observed.instance(short!)!;
        await fixture.pause(shortLeaseMs + 5_000);
        await observed.untilCondition('waiting-for-owners', 60_000);
        await fixture.native.registerInstance(service, instance);
        await observed.untilCondition('answering', 60_000);
        expect(observed.removed).toEqual([]);
        expect(observed.instance(long!)).toBeDefined();
        expect(observed.conditions).toContainEqual(
          expect.objectContaining({ state: 'unknown', reason: 'unreachable' }),
        );
      },
    );

    it.unless(
      lacks.pause,
      'says "absence" of what a pause ended, one lease after it',
      async ({ expect, onTestFinished }) => {
        const { fixture, observed, register } = await world(makeFixture, onTestFinished);
        const [short] = await register(1, shortCheck);
        await register(1);
        await fixture.pause(shortLeaseMs + 5_000);
        const resumedMs = performance.now();
        const removal = await observed.until(() => observed.removal(short!), 120_000);
        expect(removal.proof).toBe('absence');
        expect(performance.now() - resumedMs).toBeGreaterThan(shortLeaseMs - 2_000);
        expect(observed.removed).toHaveLength(1);
      },
    );

    it('holds the loss of all at once, and calls it absence after their lease', async ({
      expect,
      onTestFinished,
    }) => {
      const { fixture, observed, register } = await world(makeFixture, onTestFinished);
      const refs = await register(12, shortCheck);
      const kept = await register(2);
      await Promise.all(refs.map((ref) => fixture.native.removeInstance(ref)));
      await observed.untilCondition('suspicious-loss');
      const early = observed.removed.length;
      expect(early).toBeLessThan(8);
      await observed.until(
        () => (observed.removed.length === refs.length ? true : undefined),
        120_000,
      );
      expect(observed.removed.slice(early).every(({ proof }) => proof === 'absence')).toBe(true);
      await observed.untilCondition('answering');
      expect(kept.every((ref) => observed.instance(ref))).toBe(true);
    });

    it('says that a write did not reach the registry', async ({ expect, onTestFinished }) => {
      const { fixture, observed, service } = await world(makeFixture, onTestFinished);
      const stamp = { originCluster: 'south', originService: 's', originInstance: 'i', epoch: 1 };
      const base = sampleInstance();
      const properties = stampInstance(base.properties, stamp, undefined);
      const copy = { ...base, properties, serviceId: service.serviceId };
      const key = observed.service(service)!;
      await fixture.outage(async () => {
        const result = await observed.driver.putInstance(key, copy, new AbortController().signal);
        expect(failureCode(result)).toBe('unreachable');
        expect(!result.ok && result.failure.retry).toBe(true);
      });
    });
  });
}

interface World {
  readonly fixture: RegistryFixture;
  readonly observed: ObservedDriver;
  /** A service that is there, as it was registered, and where. */
  readonly shape: Service;
  readonly service: ServiceRef;
  /** Registers instances under it and waits until they are seen. */
  register(count: number, check?: HealthCheck): Promise<InstanceRef[]>;
}

/** Gives a registry with a service, and a driver that trusts it; both end with the test. */
async function world(
  makeFixture: () => Promise<RegistryFixture>,
  onTestFinished: (end: () => Promise<void>) => void,
): Promise<World> {
  const fixture = await makeFixture();
  onTestFinished(() => fixture.close());
  const shape = sampleService();
  const service = await fixture.native.registerService(shape);
  const observed = observe(fixture.createDriver());
  onTestFinished(() => observed.stop());
  await observed.until(() => observed.service(service));
  await observed.untilCondition('answering');
  return {
    fixture,
    observed,
    shape,
    service,
    async register(count, check) {
      const refs: InstanceRef[] = [];
      for (let index = 0; index < count; index += 1) {
        const change = check === undefined ? {} : { healthCheck: check };
        refs.push(await fixture.native.registerInstance(service, sampleInstance(change)));
      }
      await observed.until(() => (refs.every((ref) => observed.instance(ref)) ? true : undefined));
      return refs;
    },
  };
}
