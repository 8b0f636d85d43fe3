// What a driver must do to services: make them whole, change only its own, and give them up.

import { afterAll, beforeAll, describe, expect, it } from './harness.ts';
import { stampInstance, stampKeys, stampService } from '../../daemon/model/stamp.ts';
import type { Service } from '../../daemon/model/service.ts';
import { failureCode, sampleInstance, sampleService, value } from './native-application.ts';
import { observe, type ObservedDriver } from './observed-driver.ts';
import type { RegistryFixture } from './fixture.ts';

const never = new AbortController().signal;

export function serviceWritingContract(makeFixture: () => Promise<RegistryFixture>): void {
  describe('writing services', () => {
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
    const ensure = async (
      service: Service,
    ): Promise<{ serviceId: string; created: boolean; ours: boolean }> =>
      value(await observed.driver.ensureService(service, 'south', never));
    const refOf = (service: Service, serviceId: string) => ({
      domain: service.domain,
      project: service.project,
      serviceId,
    });

    /** Puts a copy under a service of ours, where a registry shows none without an instance. */
    const occupy = async (service: Service, serviceId: string): Promise<void> => {
      if (fixture.servicesNeedInstances !== true) return;
      const base = sampleInstance();
      const origin = { originCluster: 'south', originService: 's', originInstance: 'i', epoch: 1 };
      const properties = stampInstance(base.properties, origin, undefined);
      const copy = { ...base, serviceId, properties };
      value(await observed.driver.putInstance(service, copy, never));
    };

    it('finds a native service and leaves it as it is', async () => {
      const service = sampleService();
      const ref = await fixture.native.registerService(service);
      const found = await ensure({ ...service, description: 'another', properties: { a: 'b' } });
      expect(found).toEqual({ serviceId: ref.serviceId, created: false, ours: false });
      const seen = await observed.until(() => observed.service(ref));
      expect(seen.properties).toEqual(service.properties);
      expect(seen.description).toBe(service.description);
    });

    it.each(['development', 'production', ''])(
      'makes a service with all its fields in environment "%s", once',
      async (environment) => {
        const service = sampleService({ environment });
        const made = await ensure(service);
        expect(made).toMatchObject({ created: true, ours: true });
        expect(await ensure(service)).toEqual({ ...made, created: false });
        await occupy(service, made.serviceId);
        const ref = refOf(service, made.serviceId);
        const seen = await observed.until(() => observed.service(ref));
        expect(seen).toEqual({
          ...service,
          serviceId: made.serviceId,
          properties: stampService(service.properties, 'south'),
          schemas: expect.arrayContaining([...service.schemas]),
        });
        expect(seen.schemas).toHaveLength(service.schemas.length);
      },
    );

    it('makes one service out of many calls at once', async () => {
      const service = sampleService();
      const results = await Promise.all(Array.from({ length: 8 }, () => ensure(service)));
      expect(new Set(results.map(({ serviceId }) => serviceId)).size).toBe(1);
      expect(results.filter(({ created }) => created)).toHaveLength(1);
    });

    it('makes its own service where the alias is taken by another', async () => {
      const taken = sampleService();
      const other = await fixture.native.registerService(taken);
      const service = sampleService({ alias: taken.alias });
      const made = await ensure(service);
      expect(made).toMatchObject({ created: true, ours: true });
      expect(made.serviceId).not.toBe(other.serviceId);
      await occupy(service, made.serviceId);
      const seen = await observed.until(() => observed.service(refOf(service, made.serviceId)));
      expect(seen.name).toBe(service.name);
    });

    it('makes its own service where its name is the alias of another', async () => {
      const service = sampleService();
      const other = await fixture.native.registerService(sampleService({ alias: service.name }));
      const made = await ensure(service);
      expect(made).toMatchObject({ created: true, ours: true });
      expect(made.serviceId).not.toBe(other.serviceId);
    });

    it.each(['development', 'production'])(
      'brings a service of ours to other properties, tags and texts in "%s"',
      async (environment) => {
        const service = sampleService({ environment });
        const { serviceId } = await ensure(service);
        await occupy(service, serviceId);
        const wanted: Service = {
          ...service,
          properties: { team: 'green' },
          tags: { zone: 'south', more: 'yes' },
          schemas: service.schemas.map((schema) => ({ ...schema, text: `${schema.id} again` })),
        };
        value(await observed.driver.updateService(wanted, 'south', never));
        const later = observe(fixture.createDriver());
        await later.until(() => later.changes[0]);
        const seen = later.service(refOf(service, serviceId));
        await later.stop();
        expect(seen?.properties).toEqual(stampService({ team: 'green' }, 'south'));
        expect(seen?.tags).toEqual(wanted.tags);
        expect(seen?.schemas).toEqual(expect.arrayContaining([...wanted.schemas]));
      },
    );

    it('does not change a native service', async () => {
      const service = sampleService();
      await fixture.native.registerService(service);
      const result = await observed.driver.updateService(
        { ...service, properties: { a: 'b' } },
        'south',
        never,
      );
      expect(failureCode(result)).toBe('not-ours');
    });

    it('takes its stamp off, and then the service is native', async () => {
      const service = sampleService();
      const { serviceId } = await ensure(service);
      const ref = refOf(service, serviceId);
      if (fixture.servicesNeedInstances === true) await fixture.native.registerService(service);
      value(await observed.driver.releaseService(ref, never));
      value(await observed.driver.releaseService(ref, never));
      expect(await ensure(service)).toEqual({ serviceId, created: false, ours: false });
      await observed.until(() => {
        const properties = observed.service(ref)?.properties;
        return properties?.team === 'blue' && properties[stampKeys.originCluster] === undefined
          ? true
          : undefined;
      });
      expect(failureCode(await observed.driver.removeService(ref, never))).toBe('not-ours');
    });

    it('removes a service of ours only when it is empty; a missing one is no failure', async () => {
      const service = sampleService();
      const { serviceId } = await ensure(service);
      const ref = refOf(service, serviceId);
      const instance = await fixture.native.registerInstance(ref, sampleInstance());
      expect(failureCode(await observed.driver.removeService(ref, never))).toBe('conflict');
      await fixture.native.removeInstance(instance);
      value(await observed.driver.removeService(ref, never));
      value(await observed.driver.removeService(ref, never));
      expect((await ensure(service)).created).toBe(true);
    });

    it('tells a service that the registry refuses from one that may work later', async () => {
      const bad = sampleService(fixture.refusedService ?? { version: 'not.a.version' });
      const result = await observed.driver.ensureService(bad, 'south', never);
      expect(failureCode(result)).toBe('invalid');
      expect(!result.ok && result.failure.retry).toBe(false);
    });

    it('works in every domain and project', async () => {
      const service = sampleService({ domain: 'second', project: 'other' });
      const made = await ensure(service);
      const ref = refOf(service, made.serviceId);
      const instance = await fixture.native.registerInstance(ref, sampleInstance());
      await observed.until(() => observed.instance(instance));
      expect(observed.service(ref)).toMatchObject({ domain: 'second', project: 'other' });
    });
  });
}
