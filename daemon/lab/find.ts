// Finding instances by service, with revisions: what has not changed is answered with nothing
// (servicecenter-api.md §7), and what a switched-off cache makes of it (§12).

import type { BatchFindBody } from './bodies.ts';
import type { Instance, ServiceKey, Tenant } from './content.ts';
import { keyOf, keyPath, nonEmptyList } from './content.ts';
import type { Context } from './context.ts';
import { addDependency } from './dependencies.ts';
import { ApiError, invalid, noService, type ErrorBody } from './errors.ts';
import {
  appIdRule,
  checkText,
  environmentRule,
  findNameRule,
  findVersionRule,
  instanceIdRule,
  serviceIdRule,
} from './fields.ts';
import type { Found, Frozen } from './frozen.ts';
import type { InstanceRecord, ServiceRecord } from './store.ts';
import { emptyRevision, findRevision, highestRevOf, nameKey } from './store.ts';
import { matchVersions, parseVersionRule } from './versions.ts';
import { isVisible } from './visibility.ts';

export interface FindOptions {
  readonly consumerId: string;
  /** The revision the caller has; empty: none. */
  readonly rev: string;
  readonly noCache: boolean;
}

/** Finds the instances of all versions that a rule takes. Throws 400001, 400012. */
export function findInstances(
  context: Context,
  frozen: Frozen,
  tenant: Tenant,
  key: ServiceKey,
  options: FindOptions,
): Found {
  const rule = context.dialect === '2.x' ? { ...key, version: '0.0.0+' } : key;
  checkFindKey(rule);
  const consumer = consumerOf(context, tenant, options.consumerId);
  const asked =
    consumer === undefined ? rule : { ...rule, environment: consumer.truth.environment ?? '' };
  const services = resolve(context, tenant, asked);
  if (services === undefined) throw noProvider(consumer, options.consumerId, asked);
  if (consumer !== undefined) addDependency(consumer, asked);
  const allowed = services.filter((service) => mayUse(consumer, service));
  return answer(
    context,
    frozen,
    `find|${tenantOf(tenant)}|${options.consumerId}|${keyPath(asked)}`,
    options,
    {
      all: () => allowed.flatMap((service) => [...service.instances.values()]),
      revision: () => revisionOfServices(allowed),
    },
  );
}

/** Gives the instances of one service by its id. Throws 400012. */
export function listInstances(
  context: Context,
  frozen: Frozen,
  tenant: Tenant,
  serviceId: string,
  options: FindOptions,
): Found {
  const service = providerOf(context, tenant, serviceId, options);
  return answer(context, frozen, `list|${tenantOf(tenant)}|${serviceId}`, options, {
    all: () => [...service.instances.values()],
    revision: () => revisionOfServices([service]),
  });
}

/** Gives **an** instance whose id begins with `instanceId` (§5). Throws 400012, 400017. */
export function getInstance(
  context: Context,
  frozen: Frozen,
  tenant: Tenant,
  serviceId: string,
  instanceId: string,
  options: FindOptions,
): Found {
  checkText('GetOneInstanceRequest.ProviderInstanceId', instanceId, instanceIdRule);
  const service = providerOf(context, tenant, serviceId, options);
  const all = (): InstanceRecord[] =>
    [...service.instances.values()].filter((record) => record.instanceId.startsWith(instanceId));
  const key = `get|${tenantOf(tenant)}|${serviceId}|${instanceId}`;
  const found = answer(context, frozen, key, options, {
    all,
    revision: () => revisionOf(all()),
  });
  if (found.instances?.length === 0) {
    throw new ApiError(
      400017,
      `Consumer[${options.consumerId}][///] find provider[${serviceId}][${keyPath(keyOf(service.truth))}] ` +
        `instance[${instanceId}] failed, provider instance does not exist`,
    );
  }
  return found.instances === undefined
    ? found
    : { ...found, instances: found.instances.slice(0, 1) };
}

interface BatchPart {
  updated?: readonly { index: number; rev: string; instances?: readonly Instance[] }[];
  notModified?: readonly number[];
  failed?: readonly { indexes: number[]; error: ErrorBody }[];
}

/** Many finds in one call; a refusal of one is an entry of `failed`. Throws 400001. */
export function batchFind(
  context: Context,
  frozen: Frozen,
  tenant: Tenant,
  body: BatchFindBody,
  consumerId: string,
  noCache: boolean,
): { services?: BatchPart; instances?: BatchPart } {
  const services = body.services ?? [];
  const instances = body.instances ?? [];
  if (services.length === 0 && instances.length === 0) {
    throw invalid('Required services or instances');
  }
  const keys = services.map(({ service }): ServiceKey => {
    if (!service)
      throw invalid(
        "field 'FindService.Service' invalid value '<nil>' does not match rule: {Min: 1}",
      );
    const { environment, appId, serviceName, version } = service;
    const key = {
      environment: environment ?? '',
      appId: appId ?? '',
      serviceName: serviceName ?? '',
      version: context.dialect === '2.x' ? '0.0.0+' : (version ?? ''),
    };
    checkFindKey(key, 'MicroServiceKey', 'Version');
    return key;
  });
  for (const { instance } of instances) {
    checkText('HeartbeatSetElement.ServiceId', instance?.serviceId, serviceIdRule);
    checkText('HeartbeatSetElement.InstanceId', instance?.instanceId, instanceIdRule);
  }
  const byService = collect(keys, (key, index) => {
    const rev = services[index]?.rev ?? '';
    return findInstances(context, frozen, tenant, key, { consumerId, rev, noCache });
  });
  const byInstance = collect(instances, ({ instance, rev }) => {
    const options = { consumerId, rev: rev ?? '', noCache };
    const { serviceId, instanceId } = instance ?? {};
    return getInstance(context, frozen, tenant, serviceId ?? '', instanceId ?? '', options);
  });
  return {
    ...(byService === undefined ? {} : { services: byService }),
    ...(byInstance === undefined ? {} : { instances: byInstance }),
  };
}

function collect<T>(
  items: readonly T[],
  find: (item: T, index: number) => Found,
): BatchPart | undefined {
  const updated: { index: number; rev: string; instances?: readonly Instance[] }[] = [];
  const notModified: number[] = [];
  const failed = new Map<string, { indexes: number[]; error: ErrorBody }>();
  for (const [index, item] of items.entries()) {
    try {
      const { rev, instances } = find(item, index);
      const list = nonEmptyList(instances);
      if (instances === undefined) notModified.push(index);
      else updated.push({ index, rev, ...(list === undefined ? {} : { instances: list }) });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const known = failed.get(error.body.errorCode);
      if (known === undefined) {
        failed.set(error.body.errorCode, { indexes: [index], error: error.body });
      } else known.indexes.push(index);
    }
  }
  if (items.length === 0) return undefined;
  return {
    ...(updated.length > 0 ? { updated } : {}),
    ...(notModified.length > 0 ? { notModified } : {}),
    ...(failed.size > 0 ? { failed: [...failed.values()] } : {}),
  };
}

/** Gives the id of the newest service that a rule takes; an alias works too. Throws 400012, 400026. */
export function findServiceId(context: Context, tenant: Tenant, key: ServiceKey): string {
  checkFindKey(key, 'GetExistenceRequest', 'Version');
  const services = resolve(context, tenant, key);
  const serviceId = services?.[0]?.serviceId;
  if (serviceId !== undefined) return serviceId;
  const detail = `${keyPath(key)} does not exist.`;
  // A name whose versions the rule does not take; 2.x says so of an exact version as well.
  const isKnown =
    services !== undefined || (context.dialect === '2.x' && hasName(context, tenant, key));
  if (isKnown) throw new ApiError(400026, detail);
  throw noService(detail);
}

function hasName(context: Context, tenant: Tenant, key: ServiceKey): boolean {
  const name = nameKey(key.environment, key.appId, key.serviceName);
  const home = context.store.tenant(tenant);
  return home?.names.has(name) === true || home?.aliases.has(name) === true;
}

/** Gives the services that a rule takes, newest first; undefined if the provider does not exist. */
function resolve(
  context: Context,
  tenant: Tenant,
  key: ServiceKey,
): readonly ServiceRecord[] | undefined {
  const home = context.store.tenant(tenant);
  if (home === undefined) return undefined;
  const name = nameKey(key.environment, key.appId, key.serviceName);
  const rule = parseVersionRule(key.version);
  for (const index of [home.names, home.aliases]) {
    const versions = index.get(name);
    if (versions === undefined) continue;
    const matching = matchVersions(versions, rule);
    if (rule.kind !== 'exact' || matching.length > 0) return matching;
  }
  return undefined;
}

/** Whether a consumer may see a provider: same application, or the provider allows all. */
function mayUse(consumer: ServiceRecord | undefined, provider: ServiceRecord): boolean {
  if (consumer === undefined || consumer.truth.appId === provider.truth.appId) return true;
  return provider.truth.properties?.allowCrossApp?.toLowerCase() === 'true';
}

interface Source {
  all(): readonly InstanceRecord[];
  /** The revision of all of them, cheaply. */
  revision(): string;
}

/**
 * An equal revision is "not modified"; a differing one makes the server read past its cache, so that
 * answer is true even where the cache is damaged (§7).
 */
function answer(
  context: Context,
  frozen: Frozen,
  key: string,
  options: FindOptions,
  source: Source,
): Found {
  if (!context.cacheEnabled && !options.noCache) {
    return frozen.answer(key, options.rev, () => ({
      rev: source.revision(),
      instances: source.all().map(({ truth }) => truth),
    }));
  }
  if (options.noCache) {
    const rev = source.revision();
    if (options.rev === rev) return { rev, instances: undefined };
    return { rev, instances: source.all().map(({ truth }) => truth) };
  }
  if (context.cache.visibleShare < 1) return coldAnswer(context, options, source);
  const rev = source.revision();
  if (options.rev === rev) return { rev, instances: undefined };
  const instances =
    options.rev === ''
      ? source.all().map(({ cached }) => cached)
      : source.all().map(({ truth }) => truth);
  return { rev, instances };
}

function coldAnswer(context: Context, options: FindOptions, source: Source): Found {
  const visible = source.all().filter(({ instanceId }) => isVisible(context, instanceId));
  const rev = revisionOf(visible);
  if (options.rev === rev) return { rev, instances: undefined };
  if (options.rev === '') return { rev, instances: visible.map(({ cached }) => cached) };
  return { rev: source.revision(), instances: source.all().map(({ truth }) => truth) };
}

function revisionOf(records: readonly InstanceRecord[]): string {
  return findRevision(
    records.reduce((highest, { rev }) => Math.max(highest, rev), 0),
    records.length,
  );
}

function revisionOfServices(services: readonly ServiceRecord[]): string {
  let highest = 0;
  let count = 0;
  for (const service of services) {
    highest = Math.max(highest, highestRevOf(service));
    count += service.instances.size;
  }
  return count === 0 ? emptyRevision : findRevision(highest, count);
}

function checkFindKey(
  key: ServiceKey,
  type = 'FindInstancesRequest',
  versionField = 'VersionRule',
): void {
  checkText(`${type}.Environment`, key.environment, environmentRule);
  checkText(`${type}.AppId`, key.appId, appIdRule);
  checkText(`${type}.ServiceName`, key.serviceName, findNameRule);
  checkText(`${type}.${versionField}`, key.version, findVersionRule);
}

function consumerOf(
  context: Context,
  tenant: Tenant,
  consumerId: string,
): ServiceRecord | undefined {
  if (consumerId === '') return undefined;
  const consumer = context.store.service(tenant, consumerId);
  if (consumer === undefined) throw noService(`Consumer[${consumerId}] does not exist.`);
  return consumer;
}

function providerOf(
  context: Context,
  tenant: Tenant,
  serviceId: string,
  options: FindOptions,
): ServiceRecord {
  checkText('GetInstancesRequest.ProviderServiceId', serviceId, serviceIdRule);
  consumerOf(context, tenant, options.consumerId);
  const service = context.store.service(tenant, serviceId);
  if (service === undefined) throw noService(`Provider[${serviceId}] does not exist.`);
  return service;
}

function noProvider(
  consumer: ServiceRecord | undefined,
  consumerId: string,
  key: ServiceKey,
): ApiError {
  const who = consumer === undefined ? `${key.environment}///` : keyPath(keyOf(consumer.truth));
  return noService(
    `Consumer[${consumerId}][${who}] find provider[${keyPath(key)}] failed, provider does not exist`,
  );
}

function tenantOf(tenant: Tenant): string {
  return `${tenant.domain}/${tenant.project}`;
}
