// Writing: copies and the services that they need, into the file of copies alone. The site's own file is
// read afresh before each write, so that nothing of it is ever shadowed.

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
  type Instance,
  type PluginDriver,
  type ReadingTrouble,
  type Service,
  type ServiceRef,
  type Snapshot,
  type WriteFailure,
  type WriteResult,
} from '@servicecenter-syncer/driver-kit';
import { keyOf, type Copies } from './copies.ts';
import { serviceIdOf } from './file-format.ts';

/** Longest copy, bytes: one that is longer is a mistake somewhere. */
const longestCopy = 16_384;
const longestHostName = 255;

export interface Registry {
  readonly copies: Copies;
  /** The site's own file, read now; the copies are as in their file afterwards. */
  natives(): Promise<
    | { readonly ok: true; readonly snapshot: Snapshot }
    | { readonly ok: false; readonly trouble: ReadingTrouble }
  >;
  /** Something was written. */
  changed(): void;
}

type Writer = Omit<PluginDriver, 'facts' | 'start' | 'stop' | 'wake'>;

/** Gives the writing half of the driver. */
export function createWriter(registry: Registry): Writer {
  const { copies } = registry;
  const lock = createKeyedLock();

  /** Does one write after the other, with the site's own file at hand. */
  const write = <T>(
    signal: AbortSignal,
    work: (natives: Snapshot) => WriteResult<T>,
  ): Promise<WriteResult<T>> =>
    lock
      .run('file', async (): Promise<WriteResult<T>> => {
        signal.throwIfAborted();
        const natives = await registry.natives();
        return natives.ok
          ? work(natives.snapshot)
          : { ok: false, failure: failureOf(natives.trouble) };
      })
      .then(async (result) => {
        if (result.ok) {
          await copies.flush();
          registry.changed();
        }
        return result;
      });

  const findInstance = (natives: Snapshot, ref: Pick<Instance, 'serviceId' | 'instanceId'>) =>
    natives.instances.find((each) => keyOf(each) === keyOf(ref)) ??
    copies.instances.get(keyOf(ref));
  const isNative = (natives: Snapshot, serviceId: string): boolean =>
    natives.services.some((service) => service.serviceId === serviceId);

  return {
    ensureService: (service, originCluster, signal) =>
      write(signal, (natives) => {
        const serviceId = serviceIdOf(service);
        const there = copies.services.get(serviceId);
        if (service.name === '') return invalid('a service needs a name');
        if (isNative(natives, serviceId)) return ensured(serviceId, false, false);
        if (there !== undefined) {
          return ensured(serviceId, false, readServiceStamp(there.properties) !== undefined);
        }
        const properties = stampService(service.properties, originCluster);
        copies.services.set(serviceId, { ...service, serviceId, properties });
        return ensured(serviceId, true, true);
      }),

    updateService: (service, originCluster, signal) =>
      write(signal, (natives) => {
        const serviceId = serviceIdOf(service);
        const there = copies.services.get(serviceId);
        const refusal = refusalToWrite(natives, serviceId, there);
        if (refusal !== undefined) return refusal;
        const properties = stampService(service.properties, originCluster);
        copies.services.set(serviceId, { ...service, serviceId, properties });
        return done;
      }),

    releaseService: ({ serviceId }, signal) =>
      write(signal, () => {
        const there = copies.services.get(serviceId);
        if (there !== undefined) {
          copies.services.set(serviceId, { ...there, properties: withoutStamp(there.properties) });
        }
        return done;
      }),

    removeService: ({ serviceId }: ServiceRef, signal) =>
      write(signal, (natives) => {
        const there = copies.services.get(serviceId);
        if (there === undefined && !isNative(natives, serviceId)) return done;
        const refusal = refusalToWrite(natives, serviceId, there);
        if (refusal !== undefined) return refusal;
        const inside = [...natives.instances, ...copies.instances.values()];
        if (inside.some((instance) => instance.serviceId === serviceId)) {
          return conflict(`${serviceId} has instances`);
        }
        copies.services.delete(serviceId);
        return done;
      }),

    putInstance: (_key, copy, signal) =>
      write(signal, (natives) => {
        if (!isNative(natives, copy.serviceId) && !copies.services.has(copy.serviceId)) {
          const detail = `there is no service ${copy.serviceId}`;
          return { ok: false, failure: { code: 'service-gone', retry: true, detail } };
        }
        const refusal = refusalToReplace(findInstance(natives, copy), copy);
        if (refusal !== undefined) return refusal;
        if (copy.hostName.length > longestHostName) {
          return invalid(
            `the host name of ${copy.instanceId} has more than ${longestHostName} letters`,
          );
        }
        if (JSON.stringify(copy).length > longestCopy) {
          return tooLarge(`${copy.instanceId} takes more than ${longestCopy} bytes`);
        }
        copies.put(copy);
        return done;
      }),

    removeInstance: (ref, originCluster, signal) =>
      write(signal, (natives) => {
        const refusal = refusalToRemove(findInstance(natives, ref), originCluster);
        if (refusal !== undefined) return refusal;
        copies.remove(keyOf(ref));
        return done;
      }),

    renew: (refs, signal) =>
      write(signal, () => ({
        ok: true,
        value: { missing: refs.filter((ref) => !copies.renew(keyOf(ref))) },
      })),

    async readInstance(ref, signal) {
      signal.throwIfAborted();
      const natives = await registry.natives();
      return natives.ok
        ? { ok: true, value: findInstance(natives.snapshot, ref) }
        : { ok: false, failure: failureOf(natives.trouble) };
    },
  };

  function refusalToWrite(natives: Snapshot, serviceId: string, there: Service | undefined) {
    if (isNative(natives, serviceId)) return notOurs(`${serviceId} is the site's own`);
    if (there === undefined) {
      const detail = `there is no service ${serviceId}`;
      return { ok: false, failure: { code: 'service-gone', retry: true, detail } } as const;
    }
    return readServiceStamp(there.properties) === undefined
      ? notOurs(`${serviceId} is the site's own`)
      : undefined;
  }
}

function ensured(serviceId: string, created: boolean, ours: boolean) {
  return { ok: true, value: { serviceId, created, ours } } as const;
}

function invalid(detail: string) {
  return { ok: false, failure: { code: 'invalid', retry: false, detail } } as const;
}

function failureOf({ reason, detail }: ReadingTrouble): WriteFailure {
  return { code: reason === 'bad-answer' ? 'server-error' : 'unreachable', retry: true, detail };
}
