// The suite's fixture: a registry of its own for each group of promises, and an application at it that
// speaks to the registry without the driver.

import { setTimeout as wait } from 'node:timers/promises';
import type { Instance, InstanceRef, Service } from '@servicecenter-syncer/driver-kit';
import type { DriverFixture, NativeApplication } from '@servicecenter-syncer/driver-kit/testing';
import { FakeRegistry } from './fake-registry.ts';
import { serviceIdOf } from './writer.ts';

/** Longer than the longest time between two readings (5 s): a busy machine shows it, too. */
const downMs = 7_000;

/** Gives an empty registry with an application at it. */
export async function makeFixture(): Promise<DriverFixture> {
  const registry = new FakeRegistry();
  await registry.open();
  return {
    native: applicationAt(registry),
    refusedService: { name: '' },
    options: ({ pollMinMs }) => ({
      address: registry.address,
      everyMs: pollMinMs ?? 100,
      ownersWaitMs: downMs,
    }),
    async restart(data) {
      await registry.shut();
      if (data === 'lose') registry.lose();
      await wait(downMs);
      await registry.open();
    },
    async outage(meanwhile) {
      await registry.shut();
      try {
        await meanwhile();
      } finally {
        await registry.open();
      }
    },
    async pause(forMs) {
      registry.freeze();
      await wait(forMs);
      registry.thaw();
    },
    close: () => registry.close(),
  };
}

function applicationAt(registry: FakeRegistry): NativeApplication {
  const { services, instances } = registry;
  const keyOf = ({ serviceId, instanceId }: InstanceRef): string => `${serviceId}/${instanceId}`;
  const change = (ref: InstanceRef, part: Partial<Instance>): void => {
    const there = instances.get(keyOf(ref));
    if (there === undefined) throw new Error(`there is no ${ref.instanceId}`);
    registry.put({ ...there.instance, ...part });
  };
  const changeService = (serviceId: string, part: Partial<Service>): void => {
    const there = services.get(serviceId);
    if (there === undefined) throw new Error(`there is no ${serviceId}`);
    services.set(serviceId, { ...there, ...part });
  };
  return {
    async registerService(service) {
      const serviceId = serviceIdOf(service);
      services.set(serviceId, { ...service, serviceId });
      return { domain: service.domain, project: service.project, serviceId };
    },
    async registerInstance(ref, instance) {
      const version = services.get(ref.serviceId)?.version ?? instance.version;
      registry.put({ ...instance, serviceId: ref.serviceId, version });
      return { ...ref, instanceId: instance.instanceId };
    },
    async renew(ref) {
      if (!registry.renew(keyOf(ref))) throw new Error(`there is no ${ref.instanceId}`);
    },
    async removeInstance(ref) {
      instances.delete(keyOf(ref));
    },
    setStatus: async (ref, status) => change(ref, { status }),
    setProperties: async (ref, properties) => change(ref, { properties }),
    setServiceProperties: async (ref, properties) => changeService(ref.serviceId, { properties }),
    setTags: async (ref, tags) => changeService(ref.serviceId, { tags }),
    async setSchema(ref, id, text, summary) {
      const { schemas = [] } = services.get(ref.serviceId) ?? {};
      changeService(ref.serviceId, {
        schemas: schemas.map((schema) => (schema.id === id ? { id, text, summary } : schema)),
      });
    },
    async removeService(ref) {
      services.delete(ref.serviceId);
      for (const [key, { instance }] of instances) {
        if (instance.serviceId === ref.serviceId) instances.delete(key);
      }
    },
    instanceIds: async (ref) =>
      [...instances.values()]
        .filter(({ instance }) => instance.serviceId === ref.serviceId)
        .map(({ instance }) => instance.instanceId),
  };
}
