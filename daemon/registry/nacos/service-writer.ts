// The services of a Nacos: instances at one place that say the same identity
// (common/implied-services.ts). What else a service holds stands in the metadata of its copies.

import type { Service } from '../../model/service.ts';
import { eachLimited } from '../common/each-limited.ts';
import { createImpliedServices, type ServiceWriter } from '../common/implied-services.ts';
import type { KeyedLock } from '../common/keyed-lock.ts';
import type { ServiceCatalogue } from '../common/service-catalogue.ts';
import { done, failedBy, type Failed } from '../common/write-failure.ts';
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
  const { book, mirror, catalogue, lock, projects } = parts;
  return createImpliedServices<Identity, NacosInstance>({
    catalogue,
    lock,
    refusal,
    isCopy,
    placeOf: (service) => mirror.identityOf(service) ?? identityFor(service, projects),
    idOf: serviceIdOf,
    parseId: parseServiceId,

    async instancesOf(identity, signal) {
      const serviceId = serviceIdOf(identity);
      const list = await book.list(identity.place, signal);
      if (!list.ok) return failedBy(list.trouble, `look for service ${serviceId}`);
      return { ok: true, value: list.value.filter((each) => serviceIdIn(each) === serviceId) };
    },

    async rewrite(identity, instances, signal) {
      const serviceId = serviceIdOf(identity);
      const content = catalogue.contentOf(serviceId);
      let failed: Failed | undefined;
      await eachLimited(instances, parallel, (each) =>
        lock.run(JSON.stringify([identity.place, idOf(each)]), async () => {
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
      if (failed !== undefined) return failed;
      // Whoever reads now is to see it.
      const shown = await book.shown(identity.place, signal);
      return shown.ok ? done : failedBy(shown.trouble, `read service ${serviceId}`);
    },
  });
}

function serviceIdIn(instance: NacosInstance): string {
  return serviceIdOf(identityOf(instance, instance.metadata));
}

function refusal({ name }: Service): Failed | undefined {
  const problem = nameProblem(name);
  if (problem === undefined) return undefined;
  const detail = `the service name '${name.slice(0, 100)}' is none for a Nacos: ${problem}; rename it by an import rule`;
  return { ok: false, failure: { code: 'invalid', retry: false, detail } };
}
