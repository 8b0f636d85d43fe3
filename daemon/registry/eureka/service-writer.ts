// The services of a Eureka: an application's instances that say the same identity
// (common/implied-services.ts). What else a service holds stands in the metadata of its copies.

import type { Service } from '../../model/service.ts';
import { eachLimited } from '../common/each-limited.ts';
import { createImpliedServices, type ServiceWriter } from '../common/implied-services.ts';
import type { KeyedLock } from '../common/keyed-lock.ts';
import type { ServiceCatalogue } from '../common/service-catalogue.ts';
import type { Trouble } from '../common/trouble.ts';
import { done, failedBy, type Failed } from '../common/write-failure.ts';
import { isUnreachableId, type EurekaApi } from './api.ts';
import { isCopy } from './codec.ts';
import { contentKeys } from './metadata-keys.ts';
import { serviceIdIn, type Mirror } from './mirror.ts';
import { identityFor, parseServiceId, serviceIdOf, type Identity } from './service-id.ts';
import type { EurekaInstance } from './wire.ts';

/** Copies written at a time when the content of their service changes. */
const parallel = 6;
const longestName = 255;

export interface ServiceWriterParts {
  readonly api: EurekaApi;
  readonly mirror: Mirror;
  readonly catalogue: ServiceCatalogue;
  readonly lock: KeyedLock;
}

/** Gives the writer. */
export function createServiceWriter(parts: ServiceWriterParts): ServiceWriter {
  const { api, mirror, catalogue, lock } = parts;
  return createImpliedServices<Identity, EurekaInstance>({
    catalogue,
    lock,
    refusal,
    isCopy,
    placeOf: (service) => mirror.identityOf(service) ?? identityFor(service),
    idOf: serviceIdOf,
    parseId: parseServiceId,

    async instancesOf(identity, signal) {
      const serviceId = serviceIdOf(identity);
      const list = await api.application(identity.app, { signal });
      if (!list.ok) return failedBy(list.trouble, `look for service ${serviceId}`);
      return { ok: true, value: list.value.filter((each) => serviceIdIn(each) === serviceId) };
    },

    async rewrite(identity, instances, signal) {
      const serviceId = serviceIdOf(identity);
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
    },
  });
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
