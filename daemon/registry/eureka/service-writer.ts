// Services in a registry that has none: one exists while it has instances, and is ours while all of
// them are copies. What it holds beside its identity stands on its copies (service-content.ts).

import { serviceKeyText, type Service } from '../../model/service.ts';
import type { RegistryDriver, ServiceRef, WriteResult } from '../driver.ts';
import { eachLimited } from '../common/each-limited.ts';
import type { KeyedLock } from '../common/keyed-lock.ts';
import { conflict, done, failedBy, notOurs, type Failed } from '../common/write-failure.ts';
import { isUnreachableId, type EurekaApi, type Read } from './api.ts';
import { isCopy } from './codec.ts';
import type { Trouble } from '../common/trouble.ts';
import { contentKeys } from './metadata-keys.ts';
import { serviceIdIn, type Mirror } from './mirror.ts';
import type { ServiceCatalogue } from '../common/service-catalogue.ts';
import { identityFor, parseServiceId, serviceIdOf, type Identity } from './service-id.ts';
import type { EurekaInstance } from './wire.ts';

/** Copies written at a time when the content of their service changes. */
const parallel = 6;
const longestName = 255;

export type ServiceWriter = Pick<
  RegistryDriver,
  'ensureService' | 'updateService' | 'releaseService' | 'removeService'
>;

export interface ServiceWriterParts {
  readonly api: EurekaApi;
  readonly mirror: Mirror;
  readonly catalogue: ServiceCatalogue;
  readonly lock: KeyedLock;
}

/** Gives the writer. */
export function createServiceWriter(parts: ServiceWriterParts): ServiceWriter {
  const { api, mirror, catalogue, lock } = parts;

  /** Instances of the service that its application lists now. */
  const instancesOf = async (
    { app, key }: Identity,
    signal: AbortSignal,
  ): Promise<Read<readonly EurekaInstance[]>> => {
    const serviceId = serviceIdOf({ app, key });
    const list = await api.application(app, { signal });
    if (!list.ok) return list;
    return { ok: true, value: list.value.filter((each) => serviceIdIn(each) === serviceId) };
  };

  /** Puts the content that the catalogue wants on every copy that carries another. */
  const rewrite = async (
    instances: readonly EurekaInstance[],
    serviceId: string,
    signal: AbortSignal,
  ): Promise<WriteResult<void>> => {
    const text = catalogue.contentTextOf(serviceId);
    let trouble: Trouble | undefined;
    await eachLimited(instances, parallel, ({ app, id }) =>
      lock.run(`${app}/${id}`, async () => {
        if (trouble !== undefined || isUnreachableId(id)) return;
        const found = await api.instance(app, id, { signal });
        if (!found.ok) {
          trouble = found.trouble;
          return;
        }
        const there = found.value;
        if (there === undefined || !isCopy(there)) return;
        if (there.metadata[contentKeys.service] === text) return;
        const { [contentKeys.service]: _old, ...rest } = there.metadata;
        const metadata = text === undefined ? rest : { ...rest, [contentKeys.service]: text };
        const next = { ...there, metadata, lastDirty: there.lastDirty + 1 };
        const written = await api.register(next, signal);
        if (!written.ok) trouble = written.trouble;
      }),
    );
    return trouble === undefined ? done : failedBy(trouble, `change service ${serviceId}`);
  };

  return {
    async ensureService(service, originCluster, signal) {
      signal.throwIfAborted();
      const refused = refusal(service);
      if (refused !== undefined) return refused;
      const identity = mirror.identityOf(service) ?? identityFor(service);
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
      const identity = mirror.identityOf(service) ?? identityFor(service);
      const serviceId = serviceIdOf(identity);
      return lock.run(serviceKeyText(service), async () => {
        const found = await instancesOf(identity, signal);
        if (!found.ok) return failedBy(found.trouble, `look for service ${service.name}`);
        if (found.value.length === 0 && catalogue.get(serviceId) === undefined) {
          const detail = `service ${service.name} ${service.version} has no instance`;
          return { ok: false, failure: { code: 'service-gone', retry: true, detail } };
        }
        if (!found.value.every(isCopy)) {
          return notOurs(`service ${service.name} is an application's`);
        }
        catalogue.set(serviceId, { from: originCluster, service });
        return rewrite(found.value, serviceId, signal);
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
        // It was nothing but its instances.
        catalogue.forget(ref.serviceId);
        return done;
      });
    },
  };
}

function gone({ serviceId }: ServiceRef): Failed {
  const detail = `service ${serviceId} does not exist`;
  return { ok: false, failure: { code: 'service-gone', retry: true, detail } };
}

/** A name that would make an application which nobody can ask for. */
function refusal({ name }: Service): Failed | undefined {
  const bad = name === '' || name.length > longestName || isUnreachableId(name);
  if (!bad) return undefined;
  const detail =
    `the service name '${name.slice(0, 100)}' makes no application of a Eureka: it takes 1 to ` +
    `${longestName} characters, no '/' or '\\', and not dots alone; rename it by an import rule`;
  return { ok: false, failure: { code: 'invalid', retry: false, detail } };
}
