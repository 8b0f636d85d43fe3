// Writing: copies, and the services that they need. Before each write the registry is read afresh, so
// that nothing is ever written over what an application has registered.

import { createHash } from 'node:crypto';
import {
  conflict,
  createKeyedLock,
  done,
  notOurs,
  readServiceStamp,
  refusalToRemove,
  refusalToReplace,
  stampService,
  tooLarge,
  withoutStamp,
  type EnsuredService,
  type Instance,
  type InstanceRef,
  type PluginDriver,
  type ReadingTrouble,
  type Service,
  type ServiceKey,
  type Snapshot,
  type WriteResult,
} from '@servicecenter-syncer/driver-kit';
import { failureOf, type Outcome, type Registry } from './registry.ts';

/** Longest copy, bytes. */
const longestCopy = 16_384;
const longestHostName = 255;

type Writer = Omit<PluginDriver, 'facts' | 'start' | 'stop' | 'wake'>;

/** Gives the id of a service: the same for the same key. */
export function serviceIdOf(key: ServiceKey): string {
  const { domain, project, environment, app, name, version } = key;
  const whole = JSON.stringify([domain, project, environment, app, name, version]);
  return `${name}-${createHash('sha256').update(whole).digest('hex').slice(0, 12)}`;
}

/** Gives the writing half of the driver; `changed` is called after each write. */
export function createWriter(registry: Registry, changed: () => void): Writer {
  const lock = createKeyedLock();

  /** One write at a time for each service, with a fresh reading at hand. */
  const write = <T>(
    serviceId: string,
    signal: AbortSignal,
    work: (found: Snapshot) => Promise<WriteResult<T>>,
  ): Promise<WriteResult<T>> =>
    lock.run(serviceId, async () => {
      signal.throwIfAborted();
      const all = await registry.all();
      if (!all.ok) return failed(all.trouble);
      const result = await work(all.value);
      if (result.ok) changed();
      return result;
    });
  const serviceIn = ({ services }: Snapshot, serviceId: string): Service | undefined =>
    services.find((service) => service.serviceId === serviceId);
  const instanceIn = (
    { instances }: Snapshot,
    ref: Pick<InstanceRef, 'serviceId' | 'instanceId'>,
  ) =>
    instances.find(
      ({ serviceId, instanceId }) => serviceId === ref.serviceId && instanceId === ref.instanceId,
    );

  return {
    ensureService(service, originCluster, signal) {
      const serviceId = serviceIdOf(service);
      return write<EnsuredService>(serviceId, signal, async (found) => {
        if (service.name === '') return invalid('a service needs a name');
        const there = serviceIn(found, serviceId);
        if (there !== undefined) {
          const ours = readServiceStamp(there.properties) !== undefined;
          return { ok: true, value: { serviceId, created: false, ours } };
        }
        const properties = stampService(service.properties, originCluster);
        const made = await registry.putService({ ...service, serviceId, properties });
        return made.ok
          ? { ok: true, value: { serviceId, created: true, ours: true } }
          : failed(made.trouble);
      });
    },

    updateService(service, originCluster, signal) {
      const serviceId = serviceIdOf(service);
      return write(serviceId, signal, async (found) => {
        const there = serviceIn(found, serviceId);
        if (there === undefined) return gone(serviceId);
        if (!isOurs(there)) return notOurs(`${serviceId} was registered by an application`);
        const properties = stampService(service.properties, originCluster);
        return resultOf(await registry.putService({ ...service, serviceId, properties }));
      });
    },

    releaseService: ({ serviceId }, signal) =>
      write(serviceId, signal, async (found) => {
        const there = serviceIn(found, serviceId);
        if (there === undefined || !isOurs(there)) return done;
        const properties = withoutStamp(there.properties);
        return resultOf(await registry.putService({ ...there, properties }));
      }),

    removeService: ({ serviceId }, signal) =>
      write(serviceId, signal, async (found) => {
        const there = serviceIn(found, serviceId);
        if (there === undefined) return done;
        if (!isOurs(there)) return notOurs(`${serviceId} was registered by an application`);
        if (found.instances.some((instance) => instance.serviceId === serviceId)) {
          return conflict(`${serviceId} has instances`);
        }
        return resultOf(await registry.removeService(serviceId));
      }),

    putInstance: (_key, copy, signal) =>
      write(copy.serviceId, signal, async (found) => {
        if (serviceIn(found, copy.serviceId) === undefined) return gone(copy.serviceId);
        const refusal = refusalToReplace(instanceIn(found, copy), copy) ?? refusalOf(copy);
        return refusal ?? resultOf(await registry.putInstance(copy));
      }),

    removeInstance: (ref, originCluster, signal) =>
      write(ref.serviceId, signal, async (found) => {
        const there = instanceIn(found, ref);
        const refusal = refusalToRemove(there, originCluster);
        if (refusal !== undefined) return refusal;
        return there === undefined ? done : resultOf(await registry.removeInstance(ref));
      }),

    async renew(refs, signal) {
      signal.throwIfAborted();
      const answer = await registry.renew(refs);
      if (!answer.ok) return failed(answer.trouble);
      const missing = new Set(answer.value);
      return { ok: true, value: { missing: refs.filter((_, index) => missing.has(index)) } };
    },

    async readInstance(ref, signal) {
      signal.throwIfAborted();
      const all = await registry.all();
      return all.ok ? { ok: true, value: instanceIn(all.value, ref) } : failed(all.trouble);
    },
  };
}

function isOurs(service: Service): boolean {
  return readServiceStamp(service.properties) !== undefined;
}

function refusalOf(copy: Instance) {
  if (copy.hostName.length > longestHostName) {
    return invalid(`the host name of ${copy.instanceId} has more than ${longestHostName} letters`);
  }
  const bytes = Buffer.byteLength(JSON.stringify(copy));
  return bytes > longestCopy ? tooLarge(`${copy.instanceId} takes ${bytes} bytes`) : undefined;
}

function resultOf(outcome: Outcome<undefined>): WriteResult<void> {
  return outcome.ok ? done : failed(outcome.trouble);
}

function failed(trouble: ReadingTrouble) {
  return { ok: false, failure: failureOf(trouble) } as const;
}

function invalid(detail: string) {
  return { ok: false, failure: { code: 'invalid', retry: false, detail } } as const;
}

function gone(serviceId: string) {
  const detail = `there is no service ${serviceId}`;
  return { ok: false, failure: { code: 'service-gone', retry: true, detail } } as const;
}
