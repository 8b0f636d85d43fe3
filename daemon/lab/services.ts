// Creation, reading, change and removal of services (servicecenter-api.md §4).

import { hash } from 'node:crypto';
import type { ServiceBody, createServiceBody } from './bodies.ts';
import type { Framework, Service, ServiceKey, Tenant } from './content.ts';
import { keyPath, nonEmptyList, nonEmptyMap, textOr, withoutEmpty } from './content.ts';
import type { Context } from './context.ts';
import { consumersOf, forgetDependencies } from './dependencies.ts';
import { ApiError, invalid } from './errors.ts';
import { checkFields, checkText, frameworkRules, pathRule, serviceRules } from './fields.ts';
import { registerInstance, removeInstance } from './instances.ts';
import { editService, note, requireService } from './service-access.ts';
import type { ServiceRecord } from './store.ts';
import { indexKey, nameKey } from './store.ts';
import { setTags } from './tags.ts';
import type { z } from 'zod';

/**
 * Creates a service and gives its id; of a known key, its present id and nothing changes; of a taken
 * alias, the id of **the other** service. Tags and instances of the body come after it, so that a
 * refusal of them leaves the service behind. Throws 400001, 400010, 400100, 500003.
 */
export function createService(
  context: Context,
  tenant: Tenant,
  body: z.infer<typeof createServiceBody>,
  who: string,
): string {
  if (body.service === undefined || body.service === null) throw invalid('Request body is empty');
  const serviceId = createAlone(context, tenant, body.service, who);
  const problems: string[] = [];
  const attempt = (run: () => void): void => {
    try {
      run();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      problems.push(error.detail);
    }
  };
  if (nonEmptyMap(body.tags) !== undefined) {
    attempt(() => setTags(context, tenant, serviceId, body.tags ?? {}, who));
  }
  for (const instance of body.instances ?? []) {
    attempt(() => void registerInstance(context, tenant, serviceId, instance, who));
  }
  if (problems.length > 0) throw invalid(`errMessages: [${problems.join(' ')}]`);
  return serviceId;
}

/** etcd takes no more than this in one request (§14). */
const largestValueBytes = 1.5 * 1024 * 1024;

function createAlone(context: Context, tenant: Tenant, body: ServiceBody, who: string): string {
  const filled = {
    ...body,
    appId: textOr(body.appId, 'default'),
    version: textOr(body.version, '0.0.1'),
    level: textOr(body.level, 'BACK'),
    status: textOr(body.status, 'UP'),
  };
  checkFields('MicroService', filled, serviceRules);
  for (const path of body.paths ?? []) checkText('ServicePath.Path', path.path, pathRule);
  if (body.framework) checkFields('FrameWorkProperty', body.framework, frameworkRules);

  const home = context.store.tenant(tenant);
  context.quotas.applyServices(home, 1);
  const key: ServiceKey = {
    environment: body.environment ?? '',
    appId: filled.appId,
    serviceName: body.serviceName ?? '',
    version: filled.version,
  };
  const ownId = body.serviceId ?? '';
  const alias = body.alias ?? '';
  const known =
    findKey(home?.names, key, key.serviceName) ?? aliasHolder(home?.aliases, key, alias);
  const taken = ownId === '' ? undefined : home?.services.get(ownId);
  if (known !== undefined || taken !== undefined) {
    if (ownId !== '' && known?.serviceId !== ownId) {
      throw new ApiError(400010, 'ServiceID conflict or found the same service with different id.');
    }
    if (known !== undefined) return known.serviceId;
  }

  const nowSeconds = String(Math.floor(context.clock.nowMs() / 1000));
  const service: Service = withoutEmpty({
    serviceId: ownId === '' ? hash('sha1', indexKey(tenant, keyPath(key)), 'hex') : ownId,
    appId: key.appId,
    serviceName: key.serviceName,
    version: key.version,
    description: body.description,
    level: filled.level,
    schemas: nonEmptyList(body.schemas),
    paths: nonEmptyList(
      body.paths?.map(({ path, property }) =>
        withoutEmpty({ path, property: nonEmptyMap(property) }),
      ),
    ),
    status: filled.status,
    properties: nonEmptyMap(body.properties),
    timestamp: nowSeconds,
    modTimestamp: nowSeconds,
    alias,
    environment: key.environment,
    registerBy: body.registerBy,
    framework: body.framework
      ? withoutEmpty<Framework>({ name: body.framework.name, version: body.framework.version })
      : undefined,
  });
  if (JSON.stringify(service).length > largestValueBytes) {
    throw new ApiError(500003, 'etcdserver: request is too large');
  }
  const record = context.store.addService(tenant, service);
  note(context, record, 'service-created', who, 'POST service');
  return record.serviceId;
}

function findKey(
  index: ReadonlyMap<string, readonly ServiceRecord[]> | undefined,
  key: ServiceKey,
  name: string,
): ServiceRecord | undefined {
  const versions = index?.get(nameKey(key.environment, key.appId, name));
  return versions?.find(({ version }) => version === key.version);
}

function aliasHolder(
  index: ReadonlyMap<string, readonly ServiceRecord[]> | undefined,
  key: ServiceKey,
  alias: string,
): ServiceRecord | undefined {
  return alias === '' ? undefined : findKey(index, key, alias);
}

/** Replaces the properties of a service, read from the cache as the real one does (§10). */
export function setServiceProperties(
  context: Context,
  tenant: Tenant,
  serviceId: string,
  properties: Readonly<Record<string, string>> | null | undefined,
  who: string,
): void {
  const record = requireService(context, tenant, serviceId);
  editService(context, record, who, 'PUT properties', (old) =>
    withoutEmpty<Service>({ ...old, properties: nonEmptyMap(properties) }),
  );
}

/** Removes a service. Without `force` throws 400013 (has instances) and 400023 (has consumers). */
export function deleteService(
  context: Context,
  tenant: Tenant,
  serviceId: string,
  force: boolean,
  who: string,
): void {
  const record = requireService(context, tenant, serviceId);
  if (!force) {
    if (consumersOf(record).some((consumer) => consumer !== record)) {
      throw new ApiError(400023, 'Can not delete this service, other service rely it.');
    }
    if (record.instances.size > 0) {
      throw new ApiError(400013, 'Can not delete the service deployed instance(s).');
    }
  }
  for (const instance of [...record.instances.values()]) {
    removeInstance(context, instance, 'service-removed', who);
  }
  forgetDependencies(record);
  context.store.removeService(record);
  note(context, record, 'service-removed', who, force ? 'DELETE service, force' : 'DELETE service');
}

/** Removes several; the good ones go even if the call throws 400001 because of a bad one. */
export function deleteServices(
  context: Context,
  tenant: Tenant,
  serviceIds: readonly string[],
  force: boolean,
  who: string,
): { services: { serviceId: string }[] } {
  if (serviceIds.length === 0) throw invalid('The service id list is empty.');
  let failed = false;
  for (const serviceId of new Set(serviceIds)) {
    try {
      deleteService(context, tenant, serviceId, force, who);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      failed = true;
    }
  }
  if (failed) throw invalid('Delete services failed.');
  return { services: serviceIds.map((serviceId) => ({ serviceId })) };
}

/** Gives the services of one tenant, as the cache or, with `truth`, as the data holds them. */
export function listServices(context: Context, tenant: Tenant, truth: boolean): readonly Service[] {
  const records = context.store.tenant(tenant)?.services.values() ?? [];
  return Array.from(records, (record) => (truth ? record.truth : record.cached));
}
