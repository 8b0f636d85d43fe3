// The calls of ServiceCenter's v4 API that the driver makes, each with what it gives
// (servicecenter-api.md §3 to §8). No decisions here.

import type { Instance, Schema, StringMap } from '../../model/service.ts';
import { badAnswer, type Outcome, type Trouble } from '../common/trouble.ts';
import type { Answer, Call, HttpClient } from './http-client.ts';
import type { Tenant } from './options.ts';
import {
  AnswerError,
  decodeInstance,
  decodeInstances,
  decodeSchemas,
  decodeService,
  decodeServices,
  decodeTags,
  listOf,
  objectOf,
  type ListedService,
} from './wire.ts';

/** One (environment, app, name): all versions of a service name, the unit of the change feed. */
export interface NameKey {
  readonly environment: string;
  readonly app: string;
  readonly name: string;
}

/** What a batch find says of one of its items. */
type FoundItem =
  | { readonly kind: 'same' }
  | { readonly kind: 'updated'; readonly rev: string; readonly instances: readonly unknown[] }
  | { readonly kind: 'unknown-name' }
  | { readonly kind: 'trouble'; readonly detail: string };

/** The error codes that decisions hang on (servicecenter-api.md §2). */
export const codes = {
  invalid: '400001',
  serviceConflict: '400010',
  serviceGone: '400012',
  hasInstances: '400013',
  schemaFixed: '400015',
  schemaMissing: '400016',
  instanceGone: '400017',
  hasConsumers: '400023',
  versionGone: '400026',
  quota: '400100',
} as const;

export interface ServiceCenterApi {
  version(address?: string): Promise<Outcome<unknown>>;
  /** Past the cache: properties and schema ids there may be damaged (§10). */
  listServices(tenant: Tenant, address?: string): Promise<Outcome<ListedService[]>>;
  service(
    tenant: Tenant,
    serviceId: string,
    noCache: boolean,
    signal?: AbortSignal,
  ): Promise<Outcome<ListedService | undefined>>;
  /** Items in the order of `names`; `rev: '0'` gives everything, read past the cache (§7). */
  batchFind(
    tenant: Tenant,
    names: readonly (NameKey & { readonly rev: string })[],
    noCache: boolean,
  ): Promise<Outcome<readonly FoundItem[]>>;
  /** Instances of one service past the cache; `undefined`: the service does not exist. */
  instances(
    tenant: Tenant,
    serviceId: string,
    signal?: AbortSignal,
  ): Promise<Outcome<Instance[] | undefined>>;
  /** One instance past the cache, by its exact id. */
  instance(
    tenant: Tenant,
    serviceId: string,
    instanceId: string,
    signal?: AbortSignal,
  ): Promise<Outcome<Instance | undefined>>;
  tags(tenant: Tenant, serviceId: string, signal?: AbortSignal): Promise<Outcome<StringMap>>;
  schemas(
    tenant: Tenant,
    serviceId: string,
    ids: readonly string[],
    signal?: AbortSignal,
  ): Promise<Outcome<Schema[]>>;
  /** The registry's own totals of this tenant; harmless and cheap (§10). */
  statistics(
    tenant: Tenant,
    address?: string,
  ): Promise<Outcome<{ readonly services: number; readonly instances: number }>>;
  /** The `cache` part of the dump: every domain and project. */
  dump(): Promise<Outcome<Readonly<Record<string, unknown>>>>;
  /** Any call below `/v4/{project}`; `path` begins with `/`. */
  raw(
    tenant: Tenant,
    method: Call['method'],
    path: string,
    body?: string,
    signal?: AbortSignal,
  ): Promise<Answer>;
}

/** Gives the calls over one client. */
export function createApi(http: HttpClient): ServiceCenterApi {
  const get = (
    tenant: Tenant,
    path: string,
    more: { large?: boolean; signal?: AbortSignal | undefined; address?: string | undefined } = {},
  ): Promise<Answer> =>
    http.call({
      method: 'GET',
      path: `/v4/${encodeURIComponent(tenant.project)}${path}`,
      domain: tenant.domain,
      use: 'read',
      ...(more.large === undefined ? {} : { large: more.large }),
      ...(more.signal === undefined ? {} : { signal: more.signal }),
      ...(more.address === undefined ? {} : { address: more.address }),
    });
  const serviceAt = (serviceId: string): string =>
    `/registry/microservices/${encodeURIComponent(serviceId)}`;
  const home: Tenant = { domain: 'default', project: 'default' };

  const instances: ServiceCenterApi['instances'] = async (tenant, serviceId, signal) => {
    const answer = await get(tenant, `${serviceAt(serviceId)}/instances?noCache=1`, {
      large: true,
      signal,
    });
    if (isRefusal(answer, codes.serviceGone)) return { ok: true, value: undefined };
    return outcome(answer, (body) => decodeInstances(objectOf(body ?? {}, 'instances').instances));
  };

  return {
    version: async (address) =>
      outcome(await get(home, '/registry/version', { address }), (body) =>
        objectOf(body, 'version'),
      ),
    listServices: async (tenant, address) =>
      outcome(
        await get(tenant, '/registry/microservices?noCache=1', { large: true, address }),
        (body) => decodeServices(body, tenant),
      ),
    async service(tenant, serviceId, noCache, signal) {
      const path = `${serviceAt(serviceId)}${noCache ? '?noCache=1' : ''}`;
      const answer = await get(tenant, path, { signal });
      if (isRefusal(answer, codes.serviceGone)) return { ok: true, value: undefined };
      return outcome(answer, (body) =>
        decodeService(objectOf(body, 'service answer').service, tenant),
      );
    },
    async batchFind(tenant, names, noCache) {
      const services = names.map(({ environment, app, name, rev }) => ({
        service: { environment, appId: app, serviceName: name, version: '0.0.0+' },
        rev,
      }));
      const answer = await http.call({
        method: 'POST',
        path: `/v4/${encodeURIComponent(tenant.project)}/registry/instances/action?type=query${noCache ? '&noCache=1' : ''}`,
        domain: tenant.domain,
        body: JSON.stringify({ services }),
        use: 'read',
        large: true,
      });
      return outcome(answer, (body) => decodeFound(body, names.length));
    },
    instances,
    async instance(tenant, serviceId, instanceId, signal) {
      const path = `${serviceAt(serviceId)}/instances/${encodeURIComponent(instanceId)}?noCache=1`;
      const answer = await get(tenant, path, { signal });
      if (isRefusal(answer, codes.instanceGone) || isRefusal(answer, codes.serviceGone)) {
        return { ok: true, value: undefined };
      }
      const one = outcome(answer, (body) =>
        decodeInstance(objectOf(body, 'instance answer').instance),
      );
      if (!one.ok || one.value.instanceId === instanceId) return one;
      // Another one whose id begins with this one's (§5): the list tells.
      const all = await instances(tenant, serviceId, signal);
      if (!all.ok) return all;
      return { ok: true, value: all.value?.find((found) => found.instanceId === instanceId) };
    },
    tags: async (tenant, serviceId, signal) =>
      outcome(await get(tenant, `${serviceAt(serviceId)}/tags?noCache=1`, { signal }), decodeTags),
    schemas: async (tenant, serviceId, ids, signal) =>
      outcome(
        await get(tenant, `${serviceAt(serviceId)}/schemas?withSchema=1&noCache=1`, {
          large: true,
          signal,
        }),
        (body) => decodeSchemas(body, ids),
      ),
    statistics: async (tenant, address) =>
      outcome(
        await get(tenant, '/govern/microservices?options=statistics', { address }),
        decodeStatistics,
      ),
    dump: async () =>
      outcome(await get(home, '/admin/dump', { large: true }), (body) =>
        objectOf(objectOf(body, 'dump').cache, 'dump.cache'),
      ),
    raw: (tenant, method, path, body, signal) =>
      http.call({
        method,
        path: `/v4/${encodeURIComponent(tenant.project)}${path}`,
        domain: tenant.domain,
        use: 'write',
        ...(body === undefined ? {} : { body }),
        ...(signal === undefined ? {} : { signal }),
      }),
  };
}

/** True when the registry refused with this code. */
export function isRefusal(answer: Answer | Trouble, code: string): boolean {
  return answer.kind === 'refused' && answer.code === code;
}

/** Gives what `decode` reads in a good answer; a wrong shape becomes a `bad-answer`. */
export function outcome<T>(answer: Answer, decode: (body: unknown) => T): Outcome<T> {
  if (answer.kind !== 'ok') return { ok: false, trouble: answer };
  try {
    return { ok: true, value: decode(answer.body) };
  } catch (error) {
    if (!(error instanceof AnswerError)) throw error;
    return { ok: false, trouble: badAnswer(error.message) };
  }
}

function decodeFound(body: unknown, count: number): readonly FoundItem[] {
  const services = objectOf(objectOf(body, 'batch find').services, 'batch find services');
  const items = new Array<FoundItem | undefined>(count);
  const place = (index: unknown, item: FoundItem): void => {
    if (typeof index !== 'number' || !Number.isInteger(index) || index < 0 || index >= count) {
      throw new AnswerError(`batch find names item ${String(index)} of ${count}`);
    }
    items[index] = item;
  };
  for (const index of listOf(services.notModified, 'notModified')) place(index, { kind: 'same' });
  for (const entry of listOf(services.updated, 'updated')) {
    const { index, rev, instances } = objectOf(entry, 'updated');
    if (typeof rev !== 'string' || rev === '') throw new AnswerError('batch find without rev');
    place(index, { kind: 'updated', rev, instances: listOf(instances, 'instances') });
  }
  for (const entry of listOf(services.failed, 'failed')) {
    const { indexes, error } = objectOf(entry, 'failed');
    const { errorCode, errorMessage } = objectOf(error, 'failed.error');
    const gone = errorCode === codes.serviceGone || errorCode === codes.versionGone;
    const item: FoundItem = gone
      ? { kind: 'unknown-name' }
      : { kind: 'trouble', detail: `${String(errorCode)} ${String(errorMessage)}` };
    for (const index of listOf(indexes, 'indexes')) place(index, item);
  }
  return Array.from(
    items,
    (item) => item ?? { kind: 'trouble', detail: 'left out of a batch find' },
  );
}

function decodeStatistics(body: unknown): { services: number; instances: number } {
  const statistics = objectOf(objectOf(body, 'statistics answer').statistics, 'statistics');
  const count = (part: string): number => {
    const value = objectOf(statistics[part] ?? {}, part).count ?? 0;
    if (typeof value !== 'number') throw new AnswerError(`statistics.${part}.count is no number`);
    return value;
  };
  return { services: count('services'), instances: count('instances') };
}
