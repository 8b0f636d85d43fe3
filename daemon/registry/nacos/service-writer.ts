// Services in a registry that keeps none for us: one exists while it has instances, and is ours while
// all of them are copies. What it holds beside its identity stands on its copies.

import { serviceKeyText, type Service } from '../../model/service.ts';
import { eachLimited } from '../common/each-limited.ts';
import type { KeyedLock } from '../common/keyed-lock.ts';
import type { ServiceCatalogue } from '../common/service-catalogue.ts';
import type { Outcome } from '../common/trouble.ts';
import { conflict, done, failedBy, notOurs, type Failed } from '../common/write-failure.ts';
import type { RegistryDriver, ServiceRef, WriteResult } from '../driver.ts';
import type { AddressBook } from './address-book.ts';
import { idOf, isCopy, withContent } from './codec.ts';
import type { Mirror } from './mirror.ts';
import {
  identityFor,
  identityOf,
  nameProblem,
  parseServiceId,
  serviceIdOf,
  type Identity,
} from './service-id.ts';
import type { NacosInstance } from './wire.ts';

/** Copies written at a time when the content of their service changes. */
const parallel = 6;

type ServiceWriter = Pick<
  RegistryDriver,
  'ensureService' | 'updateService' | 'releaseService' | 'removeService'
>;

export interface ServiceWriterParts {
  readonly book: AddressBook;
  readonly mirror: Mirror;
  readonly catalogue: ServiceCatalogue;
  readonly lock: KeyedLock;
  /** Projects that have a namespace. */
  readonly projects: readonly string[];
}

/** Gives the writer. */
export function createServiceWriter(parts: ServiceWriterParts): ServiceWriter {
  const { book, mirror, catalogue, lock } = parts;
  const placeFor = (service: Service): Identity =>
    mirror.identityOf(service) ?? identityFor(service, parts.projects);

  const instancesOf = async (
    identity: Identity,
    signal: AbortSignal,
  ): Promise<Outcome<readonly NacosInstance[]>> => {
    const serviceId = serviceIdOf(identity);
    const list = await book.list(identity.place, signal);
    if (!list.ok) return list;
    return { ok: true, value: list.value.filter((each) => serviceIdIn(each) === serviceId) };
  };

  /** Puts the content that the catalogue wants on every copy that carries another. */
  const rewrite = async (
    instances: readonly NacosInstance[],
    serviceId: string,
    signal: AbortSignal,
  ): Promise<WriteResult<void>> => {
    const content = catalogue.contentOf(serviceId);
    let failed: Failed | undefined;
    await eachLimited(instances, parallel, (each) =>
      lock.run(JSON.stringify([parseServiceId(serviceId)?.place, idOf(each)]), async () => {
        if (failed !== undefined) return;
        // A put may have come first.
        const list = await book.list(each, signal);
        if (!list.ok) {
          failed = failedBy(list.trouble, `read service ${serviceId}`);
          return;
        }
        const there = list.value.find((other) => idOf(other) === idOf(each));
        if (there === undefined || !isCopy(there)) return;
        const wanted = { ...there, metadata: withContent(there.metadata, content) };
        const result = await book.settle({ wanted, aside: wanted, there }, signal);
        if (!result.ok) failed = result;
      }),
    );
    return failed ?? done;
  };

  return {
    async ensureService(service, originCluster, signal) {
      signal.throwIfAborted();
      const refused = refusal(service);
      if (refused !== undefined) return refused;
      const identity = placeFor(service);
      const serviceId = serviceIdOf(identity);
      return lock.run(serviceKeyText(service), async () => {
        const found = await instancesOf(identity, signal);
        if (!found.ok) return failedBy(found.trouble, `look for service ${service.name}`);
        const ours = found.value.every(isCopy);
        const exists = found.value.length > 0 || catalogue.get(serviceId) !== undefined;
        if (!exists) catalogue.set(serviceId, { from: originCluster, service });
        return { ok: true, value: { serviceId, created: !exists, ours } };
      });
    },

    async updateService(service, originCluster, signal) {
      signal.throwIfAborted();
      const identity = placeFor(service);
      const serviceId = serviceIdOf(identity);
      return lock.run(serviceKeyText(service), async () => {
        const found = await instancesOf(identity, signal);
        if (!found.ok) return failedBy(found.trouble, `look for service ${service.name}`);
        if (found.value.length === 0 && catalogue.get(serviceId) === undefined) {
          return gone({ ...service, serviceId });
        }
        if (!found.value.every(isCopy)) {
          return notOurs(`service ${service.name} is an application's`);
        }
        catalogue.set(serviceId, { from: originCluster, service });
        const rewritten = await rewrite(found.value, serviceId, signal);
        if (!rewritten.ok) return rewritten;
        // Whoever reads now is to see it.
        const shown = await book.shown(identity.place, signal);
        return shown.ok ? done : failedBy(shown.trouble, `read service ${service.name}`);
      });
    },

    async releaseService(ref, signal) {
      signal.throwIfAborted();
      const identity = parseServiceId(ref.serviceId);
      if (identity === undefined) return gone(ref);
      return lock.run(serviceKeyText(identity.key), async () => {
        const found = await instancesOf(identity, signal);
        if (!found.ok) return failedBy(found.trouble, `look for service ${ref.serviceId}`);
        if (found.value.every(isCopy)) {
          return found.value.length === 0
            ? gone(ref)
            : conflict(`service ${ref.serviceId} has no instance of an application`);
        }
        // The application's own instance has made it native; the copies need not carry it any more.
        catalogue.forget(ref.serviceId);
        return done;
      });
    },

    async removeService(ref, signal) {
      signal.throwIfAborted();
      const identity = parseServiceId(ref.serviceId);
      if (identity === undefined) return done;
      return lock.run(serviceKeyText(identity.key), async () => {
        const found = await instancesOf(identity, signal);
        if (!found.ok) return failedBy(found.trouble, `look for service ${ref.serviceId}`);
        if (found.value.length > 0) {
          const native = !found.value.every(isCopy);
          return native && catalogue.get(ref.serviceId) === undefined
            ? notOurs(`service ${ref.serviceId} is an application's`)
            : conflict(`service ${ref.serviceId} has ${found.value.length} instances`);
        }
        // It was nothing but its instances; the server forgets its name by itself.
        catalogue.forget(ref.serviceId);
        return done;
      });
    },
  };
}

function serviceIdIn(instance: NacosInstance): string {
  return serviceIdOf(identityOf(instance, instance.metadata));
}

function gone({ serviceId }: Pick<ServiceRef, 'serviceId'>): Failed {
  const detail = `service ${serviceId} does not exist`;
  return { ok: false, failure: { code: 'service-gone', retry: true, detail } };
}

function refusal({ name }: Service): Failed | undefined {
  const problem = nameProblem(name);
  if (problem === undefined) return undefined;
  const detail = `the service name '${name.slice(0, 100)}' is none for a Nacos: ${problem}; rename it by an import rule`;
  return { ok: false, failure: { code: 'invalid', retry: false, detail } };
}
