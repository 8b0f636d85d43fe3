// Finds, makes, changes and removes services of ours; a native one is only looked at
// (servicecenter-api.md §4; design.md §6 "Services").

import { serviceKeyText, type Service, type ServiceKey } from '../../model/service.ts';
import { readServiceStamp, stampService, withoutStamp } from '../../model/stamp.ts';
import type { Logger } from '../../support/logger.ts';
import type { EnsuredService, RegistryDriver, ServiceRef, WriteResult } from '../driver.ts';
import type { Outcome } from '../common/trouble.ts';
import { codes, isRefusal, outcome, type ServiceCenterApi } from './api.ts';
import { equalMaps } from './content.ts';
import { createKeyedLock } from '../common/keyed-lock.ts';
import type { MadeServices } from './made-services.ts';
import type { Tenant } from './options.ts';
import { writeSchemas, writeTags } from './service-details.ts';
import { putServiceProperties } from './service-properties.ts';
import { defaultServiceId } from './service-id.ts';
import { encodeService, objectOf, type ListedService } from './wire.ts';
import { conflict, done, notOurs } from '../common/write-failure.ts';
import { failedBy } from './write-failure.ts';

export type ServiceWriter = Pick<
  RegistryDriver,
  'ensureService' | 'updateService' | 'releaseService' | 'removeService'
>;

/** Gives the writer. */
export function createServiceWriter(
  api: ServiceCenterApi,
  logger: Logger,
  madeServices: Pick<MadeServices, 'made'>,
): ServiceWriter {
  const lock = createKeyedLock();
  const lockOf = ({ domain, project, serviceId }: ServiceRef): string =>
    `${domain} ${project} ${serviceId}`;

  /** The service with exactly this key, past the cache. */
  const find = async (
    key: ServiceKey,
    signal: AbortSignal,
  ): Promise<Outcome<ListedService | undefined>> => {
    // The usual id first: one call, and no alias can answer it.
    const usual = await api.service(key, defaultServiceId(key), true, signal);
    if (!usual.ok || (usual.value !== undefined && sameKey(usual.value, key))) return usual;
    const query = new URLSearchParams({
      type: 'microservice',
      env: key.environment,
      appId: key.app,
      serviceName: key.name,
      version: key.version,
    });
    const answer = await api.raw(
      key,
      'GET',
      `/registry/existence?${query.toString()}`,
      undefined,
      signal,
    );
    if (isRefusal(answer, codes.serviceGone) || isRefusal(answer, codes.versionGone)) {
      return { ok: true, value: undefined };
    }
    const id = outcome(answer, (body) => String(objectOf(body, 'existence').serviceId));
    if (!id.ok) return id;
    const own = await api.service(key, id.value, true, signal);
    if (!own.ok) return own;
    // The name may be another service's alias: that one was found, ours does not exist.
    const found = own.value !== undefined && sameKey(own.value, key) ? own.value : undefined;
    return { ok: true, value: found };
  };

  const create = async (
    service: Service,
    originCluster: string,
    alias: string,
    signal: AbortSignal,
  ): Promise<WriteResult<EnsuredService>> => {
    const what = `create service ${service.name}`;
    const body = encodeService(service, alias, stampService(service.properties, originCluster));
    const answer = await api.raw(service, 'POST', '/registry/microservices', body, signal);
    const id = outcome(answer, (value) => String(objectOf(value, 'created').serviceId));
    if (!id.ok) return failedBy(id.trouble, what);
    const made = await api.service(service, id.value, true, signal);
    if (!made.ok) return failedBy(made.trouble, what);
    if (made.value === undefined || !sameKey(made.value, service)) {
      // 200 with the id of the service that has this alias; nothing was created (§4).
      if (alias === '') return conflict(`${what}: the registry answered another service's id`);
      const taken = `alias '${alias}' of ${service.name} belongs to ${made.value?.name ?? 'another'}`;
      logger.warn({ service: service.name, alias }, `${taken}; the copy goes without it`);
      return create(service, originCluster, '', signal);
    }
    const ours = readServiceStamp(made.value.properties) === originCluster;
    if (!ours) {
      // An application was faster.
      const madeByUs = readServiceStamp(made.value.properties) !== undefined;
      return { ok: true, value: { serviceId: id.value, created: false, ours: madeByUs } };
    }
    madeServices.made(service, id.value);
    const details = await putDetails(made.value, service, signal);
    if (!details.ok) return details;
    return { ok: true, value: { serviceId: id.value, created: true, ours: true } };
  };

  const putDetails = async (
    there: ListedService,
    wanted: Service,
    signal: AbortSignal,
  ): Promise<WriteResult<void>> => {
    const tags = await writeTags(api, there, wanted.tags, signal);
    const schemas = await writeSchemas(api, there, wanted.schemas, signal);
    return tags.ok ? schemas : tags;
  };

  /** Reads a service that is to be written; `undefined`: it is gone. */
  const readOurs = async (
    tenant: Tenant,
    serviceId: string,
    signal: AbortSignal,
  ): Promise<WriteResult<ListedService | undefined>> => {
    const read = await api.service(tenant, serviceId, true, signal);
    if (!read.ok) return failedBy(read.trouble, `read service ${serviceId}`);
    if (read.value === undefined) return { ok: true, value: undefined };
    if (read.value.serviceId !== serviceId) {
      return notOurs(`asked for service ${serviceId}, ${read.value.serviceId} came`);
    }
    return read;
  };

  return {
    ensureService: (service, originCluster, signal) =>
      lock.run(serviceKeyText(service), async () => {
        const found = await find(service, signal);
        if (!found.ok) return failedBy(found.trouble, `look for service ${service.name}`);
        if (found.value === undefined) {
          return create(service, originCluster, service.alias, signal);
        }
        const { serviceId, properties } = found.value;
        const ours = readServiceStamp(properties) !== undefined;
        return { ok: true, value: { serviceId, created: false, ours } };
      }),

    updateService: (service, originCluster, signal) =>
      lock.run(serviceKeyText(service), async () => {
        const found = await find(service, signal);
        if (!found.ok) return failedBy(found.trouble, `look for service ${service.name}`);
        const there = found.value;
        if (there === undefined) {
          const detail = `service ${service.name} ${service.version} does not exist`;
          return { ok: false, failure: { code: 'service-gone', retry: true, detail } };
        }
        const stamp = readServiceStamp(there.properties);
        if (stamp === undefined) return notOurs(`service ${service.name} is an application's`);
        const wanted = stampService(service.properties, originCluster);
        if (!equalMaps(there.properties, wanted)) {
          const put = await putServiceProperties(api, there, wanted, signal);
          if (!put.ok) return put;
        }
        return putDetails(there, service, signal);
      }),

    releaseService: (ref, signal) =>
      lock.run(lockOf(ref), async () => {
        const read = await readOurs(ref, ref.serviceId, signal);
        if (!read.ok) return read;
        if (read.value === undefined) {
          const detail = `service ${ref.serviceId} does not exist`;
          return { ok: false, failure: { code: 'service-gone', retry: true, detail } };
        }
        if (readServiceStamp(read.value.properties) === undefined) return done;
        return putServiceProperties(api, read.value, withoutStamp(read.value.properties), signal);
      }),

    removeService: (ref, signal) =>
      lock.run(lockOf(ref), async () => {
        const read = await readOurs(ref, ref.serviceId, signal);
        if (!read.ok) return read;
        if (read.value === undefined) return done;
        if (readServiceStamp(read.value.properties) === undefined) {
          return notOurs(`service ${read.value.name} is an application's`);
        }
        const path = `/registry/microservices/${encodeURIComponent(ref.serviceId)}`;
        const answer = await api.raw(ref, 'DELETE', path, undefined, signal);
        if (answer.kind === 'ok' || isRefusal(answer, codes.serviceGone)) return done;
        return failedBy(answer, `remove service ${read.value.name}`);
      }),
  };
}

function sameKey(service: ListedService, key: ServiceKey): boolean {
  return serviceKeyText(service) === serviceKeyText(key);
}
