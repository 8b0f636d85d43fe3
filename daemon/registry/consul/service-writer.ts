// Services in a registry that has none of their own: one exists while it has instances, and is ours
// while all of them are copies. What it holds beside its identity stands on its copies.

import { serviceKeyText, type Service } from '../../model/service.ts';
import type { KeyedLock } from '../common/keyed-lock.ts';
import type { ServiceCatalogue } from '../common/service-catalogue.ts';
import type { Outcome } from '../common/trouble.ts';
import { conflict, done, notOurs, type Failed } from '../common/write-failure.ts';
import type { RegistryDriver, ServiceRef, WriteResult } from '../driver.ts';
import type { ConsulApi } from './api.ts';
import { ownService } from './change-finder.ts';
import { decodeInstance, stampIn } from './codec.ts';
import type { InstanceWriter } from './instance-writer.ts';
import { contentKeys, textIn } from './metadata.ts';
import { serviceIdIn, type Mirror } from './mirror.ts';
import type { OwnNode } from './own-node.ts';
import { consulFailure } from './refusal.ts';
import { identityFor, parseServiceId, serviceIdOf, type Identity } from './service-id.ts';
import type { ConsulInstance } from './wire.ts';

/** Longest part of an identity: it stands in one pair of metadata, and DNS knows no longer names. */
const longestPart = 255;

export type ServiceWriter = Pick<
  RegistryDriver,
  'ensureService' | 'updateService' | 'releaseService' | 'removeService'
>;

export interface ServiceWriterParts {
  readonly api: Pick<ConsulApi, 'service'>;
  readonly mirror: Mirror;
  readonly catalogue: ServiceCatalogue;
  readonly lock: KeyedLock;
  readonly node: OwnNode;
  readonly putInstance: InstanceWriter['putInstance'];
}

/** Gives the writer. */
export function createServiceWriter(parts: ServiceWriterParts): ServiceWriter {
  const { api, mirror, catalogue, lock, node } = parts;

  /** Instances of the service that the leader has now. */
  const instancesOf = async (
    identity: Identity,
    signal: AbortSignal,
  ): Promise<Outcome<readonly ConsulInstance[]>> => {
    const serviceId = serviceIdOf(identity);
    const list = await api.service(identity.name, { consistent: true, signal });
    if (!list.ok) return list;
    return {
      ok: true,
      value: list.value.value.filter((each) => serviceIdIn(each) === serviceId),
    };
  };

  /** Puts the content that the catalogue wants on every copy of ours that carries another. */
  const rewrite = async (
    instances: readonly ConsulInstance[],
    identity: Identity,
    signal: AbortSignal,
  ): Promise<WriteResult<void>> => {
    const text = catalogue.contentTextOf(serviceIdOf(identity));
    const old = instances.filter(
      (each) =>
        each.node === node.name && isCopy(each) && textIn(each.meta, contentKeys.service) !== text,
    );
    const results = await Promise.all(
      old.map((each) => parts.putInstance(identity.key, decodeInstance(each), signal)),
    );
    return results.find(({ ok }) => !ok) ?? done;
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
        if (!found.ok) return consulFailure(found.trouble, `look for service ${service.name}`);
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
        if (!found.ok) return consulFailure(found.trouble, `look for service ${service.name}`);
        if (found.value.length === 0 && catalogue.get(serviceId) === undefined) {
          return gone({ serviceId });
        }
        if (!found.value.every(isCopy)) {
          return notOurs(`service ${service.name} is an application's`);
        }
        catalogue.set(serviceId, { from: originCluster, service });
        return rewrite(found.value, identity, signal);
      });
    },

    async releaseService(ref, signal) {
      signal.throwIfAborted();
      const identity = parseServiceId(ref.serviceId);
      if (identity === undefined) return gone(ref);
      return lock.run(serviceKeyText(identity.key), async () => {
        const found = await instancesOf(identity, signal);
        if (!found.ok) return consulFailure(found.trouble, `look for service ${ref.serviceId}`);
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
        if (!found.ok) return consulFailure(found.trouble, `look for service ${ref.serviceId}`);
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

function isCopy(from: ConsulInstance): boolean {
  return stampIn(from) !== undefined;
}

function gone({ serviceId }: Pick<ServiceRef, 'serviceId'>): Failed {
  const detail = `service ${serviceId} does not exist`;
  return { ok: false, failure: { code: 'service-gone', retry: true, detail } };
}

/** An identity that no entry of Consul can carry, or a name that is Consul's own. */
function refusal(service: Service): Failed | undefined {
  const { name } = service;
  const parts = ['name', 'app', 'version', 'environment', 'domain', 'project'] as const;
  const long = parts.find((part) => Buffer.byteLength(service[part]) > longestPart);
  const why =
    name === ''
      ? 'the service name is empty'
      : name === ownService
        ? `'${name}' is what Consul calls its own servers`
        : long === undefined
          ? undefined
          : `${long} has more than ${longestPart} bytes`;
  if (why === undefined) return undefined;
  const detail = `service '${name.slice(0, 100)}': ${why}; rename it by an import rule`;
  return { ok: false, failure: { code: 'invalid', retry: false, detail } };
}
