// Services in a registry that has none of their own: one exists while it has instances, and is ours
// while all of them are copies. What it holds beside its identity stands on its copies
// (service-content.ts); one that has no instance yet stands in the catalogue alone.

import { serviceKeyText, type Service, type ServiceKey } from '../../model/service.ts';
import type { RegistryDriver, ServiceRef, WriteResult } from '../driver.ts';
import type { KeyedLock } from './keyed-lock.ts';
import type { ServiceCatalogue } from './service-catalogue.ts';
import { conflict, done, notOurs, type Failed } from './write-failure.ts';

export type ServiceWriter = Pick<
  RegistryDriver,
  'ensureService' | 'updateService' | 'releaseService' | 'removeService'
>;

/** What a kind of registry knows of services; `Identity` is where one stands there, and its key. */
export interface ImpliedServices<Identity extends { readonly key: ServiceKey }, Instance> {
  readonly catalogue: ServiceCatalogue;
  readonly lock: KeyedLock;
  /** Why no service of this name can stand there. */
  refusal(service: Service): Failed | undefined;
  /** Where a service is, or goes. */
  placeOf(service: Service): Identity;
  idOf(identity: Identity): string;
  /** `undefined`: no id of ours. */
  parseId(serviceId: string): Identity | undefined;
  /** The instances that a service has now, past all caches. */
  instancesOf(identity: Identity, signal: AbortSignal): Promise<WriteResult<readonly Instance[]>>;
  isCopy(instance: Instance): boolean;
  /** Puts the content that the catalogue wants on every copy among `instances` with another. */
  rewrite(
    identity: Identity,
    instances: readonly Instance[],
    signal: AbortSignal,
  ): Promise<WriteResult<void>>;
}

/** Gives the writer of services. */
export function createImpliedServices<Identity extends { readonly key: ServiceKey }, Instance>(
  kind: ImpliedServices<Identity, Instance>,
): ServiceWriter {
  const { catalogue, lock } = kind;
  const areCopies = (instances: readonly Instance[]): boolean =>
    instances.every((each) => kind.isCopy(each));
  return {
    async ensureService(service, originCluster, signal) {
      signal.throwIfAborted();
      const refused = kind.refusal(service);
      if (refused !== undefined) return refused;
      const identity = kind.placeOf(service);
      const serviceId = kind.idOf(identity);
      return lock.run(serviceKeyText(service), async () => {
        const found = await kind.instancesOf(identity, signal);
        if (!found.ok) return found;
        const exists = found.value.length > 0 || catalogue.get(serviceId) !== undefined;
        if (!exists) catalogue.set(serviceId, { from: originCluster, service });
        return { ok: true, value: { serviceId, created: !exists, ours: areCopies(found.value) } };
      });
    },

    async updateService(service, originCluster, signal) {
      signal.throwIfAborted();
      const identity = kind.placeOf(service);
      const serviceId = kind.idOf(identity);
      return lock.run(serviceKeyText(service), async () => {
        const found = await kind.instancesOf(identity, signal);
        if (!found.ok) return found;
        if (found.value.length === 0 && catalogue.get(serviceId) === undefined) {
          return gone({ serviceId });
        }
        if (!areCopies(found.value)) return notOurs(`service ${service.name} is an application's`);
        catalogue.set(serviceId, { from: originCluster, service });
        return kind.rewrite(identity, found.value, signal);
      });
    },

    async releaseService(ref, signal) {
      signal.throwIfAborted();
      const identity = kind.parseId(ref.serviceId);
      if (identity === undefined) return gone(ref);
      return lock.run(serviceKeyText(identity.key), async () => {
        const found = await kind.instancesOf(identity, signal);
        if (!found.ok) return found;
        if (found.value.length === 0) return gone(ref);
        if (areCopies(found.value)) {
          return conflict(`service ${ref.serviceId} has no instance of an application`);
        }
        // The application's own instance has made it native; the copies need not carry it any more.
        catalogue.forget(ref.serviceId);
        return done;
      });
    },

    async removeService(ref, signal) {
      signal.throwIfAborted();
      const identity = kind.parseId(ref.serviceId);
      if (identity === undefined) return done;
      return lock.run(serviceKeyText(identity.key), async () => {
        const found = await kind.instancesOf(identity, signal);
        if (!found.ok) return found;
        if (found.value.length > 0) {
          return !areCopies(found.value) && catalogue.get(ref.serviceId) === undefined
            ? notOurs(`service ${ref.serviceId} is an application's`)
            : conflict(`service ${ref.serviceId} has ${found.value.length} instances`);
        }
        // It was nothing but its instances.
        catalogue.forget(ref.serviceId);
        return done;
      });
    },
  };
}

function gone({ serviceId }: Pick<ServiceRef, 'serviceId'>): Failed {
  const detail = `service ${serviceId} does not exist`;
  return { ok: false, failure: { code: 'service-gone', retry: true, detail } };
}
