// What a driver must see: everything, its changes, and its removals with their proof.

import { afterAll, beforeAll, describe, expect, it, onTestFinished } from './harness.ts';
import { stampInstance } from '../../daemon/model/stamp.ts';
import { sampleInstance, sampleService } from './native-application.ts';
import { observe, type ObservedDriver } from './observed-driver.ts';
import type { Lacks, RegistryFixture } from './fixture.ts';

export function readingContract(makeFixture: () => Promise<RegistryFixture>, lacks: Lacks): void {
  describe('reading', () => {
    let fixture: RegistryFixture;
    let observed: ObservedDriver;
    beforeAll(async () => {
      fixture = await makeFixture();
      observed = observe(fixture.createDriver());
    });
    afterAll(async () => {
      await observed.stop();
      await fixture.close();
    });

    it('tells an empty view first, and that nothing may be concluded from it', async () => {
      const first = await observed.until(() => observed.changes[0]);
      expect(first.services).toEqual([]);
      expect(first.instances).toEqual([]);
      await observed.untilCondition('suspicious-loss');
      expect(observed.conditions[0]).toMatchObject({ state: 'unknown', reason: 'starting' });
    });

    it('trusts the registry once it has content and owners had their time', async () => {
      await fixture.native.registerService(sampleService());
      await observed.untilCondition('waiting-for-owners');
      await observed.untilCondition('answering');
    });

    it('trusts an empty registry only if nothing is known of it', async () => {
      const empty = await makeFixture();
      onTestFinished(() => empty.close());
      const fresh = observe(empty.createDriver(), { known: 0 });
      onTestFinished(() => fresh.stop());
      await fresh.untilCondition('answering');
      expect(fresh.changes[0]?.services).toEqual([]);
      const robbed = observe(empty.createDriver(), { known: 1 });
      onTestFinished(() => robbed.stop());
      await robbed.untilCondition('suspicious-loss');
      expect(robbed.conditions.some(({ state }) => state === 'answering')).toBe(false);
    });

    it('waits for owners of a registry that lacks most of what was known', async () => {
      const robbed = observe(fixture.createDriver(), { known: 1_000 });
      onTestFinished(() => robbed.stop());
      await robbed.untilCondition('waiting-for-owners');
      await robbed.untilCondition('answering');
    });

    it('sees every field of a service and of its instances', async () => {
      const service = sampleService();
      const instance = sampleInstance({ status: 'STARTING' });
      const ref = await fixture.native.registerService(service);
      const seen = await fixture.native.registerInstance(ref, instance);
      await observed.until(() => observed.instance(seen));
      expect(observed.instance(seen)).toEqual({ ...instance, serviceId: ref.serviceId });
      // Schemas are written after the service: the next look at its details shows them.
      await observed.until(() =>
        observed.service(ref)?.schemas[1]?.text === undefined ? undefined : true,
      );
      expect(observed.service(ref)).toEqual({
        ...service,
        serviceId: ref.serviceId,
        schemas: expect.arrayContaining([...service.schemas]),
      });
    });

    it('gives the whole view in the first call of a later driver', async () => {
      const ref = await fixture.native.registerService(sampleService());
      const instance = await fixture.native.registerInstance(ref, sampleInstance());
      const later = observe(fixture.createDriver());
      onTestFinished(() => later.stop());
      const first = await later.until(() => later.changes[0]);
      expect(first.services.some(({ serviceId }) => serviceId === ref.serviceId)).toBe(true);
      expect(first.instances.some(({ instanceId }) => instanceId === instance.instanceId)).toBe(
        true,
      );
      expect(first.removedInstances).toEqual([]);
      await later.untilCondition('answering');
    });

    it('sees a changed status, then changed properties', async () => {
      const ref = await fixture.native.registerService(sampleService());
      const instance = await fixture.native.registerInstance(ref, sampleInstance());
      await observed.until(() => observed.instance(instance));
      await fixture.native.setStatus(instance, 'OUTOFSERVICE');
      await observed.until(() =>
        observed.instance(instance)?.status === 'OUTOFSERVICE' ? true : undefined,
      );
      await fixture.native.setProperties(instance, { only: 'this' });
      await observed.until(() =>
        observed.instance(instance)?.properties.only === 'this' ? true : undefined,
      );
      expect(observed.instance(instance)?.properties).toEqual({ only: 'this' });
      expect(observed.instance(instance)?.status).toBe('OUTOFSERVICE');
    });

    it('sees changed properties, tags and schema texts of a service', async () => {
      const ref = await fixture.native.registerService(sampleService());
      await observed.until(() => observed.service(ref));
      await fixture.native.setServiceProperties(ref, { team: 'green' });
      await observed.until(() =>
        observed.service(ref)?.properties.team === 'green' ? true : undefined,
      );
      await fixture.native.setTags(ref, { zone: 'south' });
      await observed.until(() => (observed.service(ref)?.tags.zone === 'south' ? true : undefined));
      await fixture.native.setSchema(ref, 'order', 'another text', 'changed');
      await observed.until(() =>
        observed.service(ref)?.schemas.find(({ id }) => id === 'order')?.text === 'another text'
          ? true
          : undefined,
      );
    });

    it('sees a second version of a service with its instances', async () => {
      const one = sampleService({ alias: '' });
      const first = await fixture.native.registerService(one);
      await fixture.native.registerInstance(first, sampleInstance());
      await observed.until(() => observed.service(first));
      const second = await fixture.native.registerService({ ...one, version: '2.0.0' });
      const instance = await fixture.native.registerInstance(second, sampleInstance());
      const seen = await observed.until(() => observed.instance(instance));
      expect(seen.version).toBe('2.0.0');
      expect(observed.service(second)?.version).toBe('2.0.0');
    });

    it('tells copies like natives, with their stamp', async () => {
      const ref = await fixture.native.registerService(sampleService());
      const stamp = { originCluster: 'c', originService: 's', originInstance: 'i', epoch: 3 };
      const properties = stampInstance({ a: 'b' }, stamp, undefined);
      const copy = await fixture.native.registerInstance(ref, sampleInstance({ properties }));
      const seen = await observed.until(() => observed.instance(copy));
      expect(seen.properties).toEqual(properties);
    });

    it('proves a removal by a tombstone, and removes nothing beside it', async () => {
      const ref = await fixture.native.registerService(sampleService());
      // One id begins with the other.
      const gone = await fixture.native.registerInstance(ref, sampleInstance({ instanceId: 'n1' }));
      const stays = await fixture.native.registerInstance(
        ref,
        sampleInstance({ instanceId: 'n10' }),
      );
      await observed.until(() => observed.instance(stays) && observed.instance(gone));
      const before = observed.removed.length;
      await fixture.native.removeInstance(gone);
      const removal = await observed.until(() => observed.removal(gone));
      expect(removal).toEqual({ ...gone, proof: 'tombstone' });
      expect(observed.removed).toHaveLength(before + 1);
      expect(observed.instance(stays)).toBeDefined();
      expect(observed.condition).toBe('answering');
    });

    it.unless(lacks['native-leases'], 'proves the end of a lease by a tombstone', async () => {
      const ref = await fixture.native.registerService(sampleService());
      const healthCheck = { mode: 'push', port: 0, interval: 5, times: 3, url: '' } as const;
      const lease = await fixture.native.registerInstance(ref, sampleInstance({ healthCheck }));
      await observed.until(() => observed.instance(lease));
      const removal = await observed.until(() => observed.removal(lease), 60_000);
      expect(removal.proof).toBe('tombstone');
    });

    it('sees an instance that was removed and came back', async () => {
      const ref = await fixture.native.registerService(sampleService());
      const instance = sampleInstance();
      const first = await fixture.native.registerInstance(ref, instance);
      await observed.until(() => observed.instance(first));
      await fixture.native.removeInstance(first);
      await observed.until(() => observed.removal(first));
      await fixture.native.registerInstance(ref, { ...instance, endpoints: ['rest://10.9.9.9:1'] });
      const again = await observed.until(() => observed.instance(first));
      expect(again.endpoints).toEqual(['rest://10.9.9.9:1']);
    });

    it('sees a service go', async () => {
      const ref = await fixture.native.registerService(sampleService());
      await observed.until(() => observed.service(ref));
      await fixture.native.removeService(ref);
      const removal = await observed.until(() => observed.serviceRemoval(ref));
      expect(removal).toEqual({ ...ref, proof: 'tombstone' });
    });

    it('makes a round at once when woken', async () => {
      const slow = observe(fixture.createDriver({ pollMinMs: 3_600_000 }));
      onTestFinished(() => slow.stop());
      await slow.until(() => slow.changes[0]);
      const ref = await fixture.native.registerService(sampleService());
      const instance = await fixture.native.registerInstance(ref, sampleInstance());
      await slow.until(() => {
        slow.driver.wake();
        return slow.instance(instance);
      });
    });

    it('says what it found', () => {
      const facts = observed.driver.facts();
      expect(facts.kind).toBe(observed.driver.kind);
      expect(facts.address).not.toBe('');
      expect(facts.roundMs).toBeGreaterThan(0);
      expect(facts.intervalMs).toBeGreaterThan(0);
      expect(Object.keys(facts.findings).length).toBeGreaterThan(0);
    });
  });
}
