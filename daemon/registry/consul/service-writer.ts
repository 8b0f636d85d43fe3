// The services of a Consul: instances of one name that say the same identity
// (common/implied-services.ts). What else a service holds stands in the metadata of its copies.

import type { Service } from '../../model/service.ts';
import { createImpliedServices, type ServiceWriter } from '../common/implied-services.ts';
import type { KeyedLock } from '../common/keyed-lock.ts';
import type { ServiceCatalogue } from '../common/service-catalogue.ts';
import { done, type Failed } from '../common/write-failure.ts';
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
  return createImpliedServices<Identity, ConsulInstance>({
    catalogue,
    lock,
    refusal,
    isCopy,
    placeOf: (service) => mirror.identityOf(service) ?? identityFor(service),
    idOf: serviceIdOf,
    parseId: parseServiceId,

    async instancesOf(identity, signal) {
      const serviceId = serviceIdOf(identity);
      const list = await api.service(identity.name, { consistent: true, signal });
      if (!list.ok) return consulFailure(list.trouble, `look for service ${serviceId}`);
      const found = list.value.value.filter((each) => serviceIdIn(each) === serviceId);
      return { ok: true, value: found };
    },

    async rewrite(identity, instances, signal) {
      const text = catalogue.contentTextOf(serviceIdOf(identity));
      const old = instances.filter(
        (each) =>
          each.node === node.name &&
          isCopy(each) &&
          textIn(each.meta, contentKeys.service) !== text,
      );
      const results = await Promise.all(
        old.map((each) => parts.putInstance(identity.key, decodeInstance(each), signal)),
      );
      return results.find(({ ok }) => !ok) ?? done;
    },
  });
}

function isCopy(from: ConsulInstance): boolean {
  return stampIn(from) !== undefined;
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
