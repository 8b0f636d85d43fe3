// The suite's fixture: a file in a folder of its own, and an application that writes it.

import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import {
  createKeyedLock,
  type Instance,
  type InstanceRef,
  type Service,
} from '@servicecenter-syncer/driver-kit';
import type {
  DriverFixture,
  Lacks,
  NativeApplication,
} from '@servicecenter-syncer/driver-kit/testing';
import { serviceIdOf } from './file-format.ts';

export const lacks: Lacks = {
  'native-leases': 'an endpoint in a file stays until somebody takes it out',
  pause: 'nothing can freeze a file',
};

/** Longer than the longest time between two readings (5 s): a busy machine shows it, too. */
const awayMs = 7_000;

/** Gives an empty file with an application at it. */
export async function makeFixture(): Promise<DriverFixture> {
  const folder = await mkdtemp(join(tmpdir(), 'file-driver-'));
  const file = join(folder, 'endpoints.json');
  const away = join(folder, 'endpoints.away');
  const services = new Map<string, Service>();
  const instances = new Map<string, Instance>();
  const lock = createKeyedLock();

  const write = (): Promise<void> =>
    lock.run('file', async () => {
      const content = {
        services: [...services.values()].map(({ serviceId: _, ...rest }) => rest),
        instances: [...instances.values()].map(({ serviceId, instanceId, ...rest }) => ({
          service: serviceId,
          id: instanceId,
          ...rest,
        })),
      };
      await writeFile(`${file}.new`, JSON.stringify(content));
      await rename(`${file}.new`, file);
    });
  const keyOf = ({
    serviceId,
    instanceId,
  }: Pick<InstanceRef, 'serviceId' | 'instanceId'>): string => `${serviceId}/${instanceId}`;
  const change = async (ref: InstanceRef, part: Partial<Instance>): Promise<void> => {
    const there = instances.get(keyOf(ref));
    if (there === undefined) throw new Error(`there is no ${ref.instanceId}`);
    instances.set(keyOf(ref), { ...there, ...part });
    await write();
  };
  const changeService = async (serviceId: string, part: Partial<Service>): Promise<void> => {
    const there = services.get(serviceId);
    if (there === undefined) throw new Error(`there is no ${serviceId}`);
    services.set(serviceId, { ...there, ...part });
    await write();
  };

  const native: NativeApplication = {
    async registerService(service) {
      const serviceId = serviceIdOf(service);
      services.set(serviceId, { ...service, serviceId });
      await write();
      return { domain: service.domain, project: service.project, serviceId };
    },
    async registerInstance(ref, instance) {
      const version = services.get(ref.serviceId)?.version ?? instance.version;
      const at = { ...ref, instanceId: instance.instanceId };
      instances.set(keyOf(at), { ...instance, serviceId: ref.serviceId, version });
      await write();
      return at;
    },
    renew: async () => undefined,
    async removeInstance(ref) {
      instances.delete(keyOf(ref));
      await write();
    },
    setStatus: (ref, status) => change(ref, { status }),
    setProperties: (ref, properties) => change(ref, { properties }),
    setServiceProperties: (ref, properties) => changeService(ref.serviceId, { properties }),
    setTags: (ref, tags) => changeService(ref.serviceId, { tags }),
    async setSchema(ref, id, text, summary) {
      const { schemas = [] } = services.get(ref.serviceId) ?? {};
      await changeService(ref.serviceId, {
        schemas: schemas.map((schema) => (schema.id === id ? { id, text, summary } : schema)),
      });
    },
    async removeService(ref) {
      services.delete(ref.serviceId);
      for (const [key, { serviceId }] of instances) {
        if (serviceId === ref.serviceId) instances.delete(key);
      }
      await write();
    },
    async instanceIds(ref) {
      const own = [...instances.values()].map(({ serviceId, instanceId }) => [
        serviceId,
        instanceId,
      ]);
      const text = await readFile(`${file}.copies.json`, 'utf8').catch(() => '{"instances":[]}');
      const copies = JSON.parse(text) as { instances: { service: string; id: string }[] };
      return [...own, ...copies.instances.map(({ service, id }) => [service, id])].flatMap(
        ([serviceId, id]) => (serviceId === ref.serviceId && id !== undefined ? [id] : []),
      );
    },
  };
  await write();

  return {
    native,
    refusedService: { name: '' },
    options: ({ pollMinMs }) => ({ file, everyMs: pollMinMs ?? 100, ownersWaitMs: awayMs }),
    async restart(data) {
      await rename(file, away);
      await wait(awayMs);
      if (data === 'keep') await rename(away, file);
      else {
        services.clear();
        instances.clear();
        await write();
      }
    },
    async outage(meanwhile) {
      await rename(file, away);
      try {
        await meanwhile();
      } finally {
        await rename(away, file);
      }
    },
    pause: () => Promise.reject(new Error('nothing can freeze a file')),
    close: () => rm(folder, { recursive: true, force: true }),
  };
}
