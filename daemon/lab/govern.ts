// What a console reads. In 1.x most of these calls damage the server's cache: contents vanish from it
// under an unchanged revision, and the next write stores the loss (servicecenter-api.md §10).

import type { Instance, Service, Tenant } from './content.ts';
import { nonEmptyList, withoutEmpty } from './content.ts';
import type { Context } from './context.ts';
import { requireService } from './service-access.ts';
import type { ServiceRecord } from './store.ts';
import { nameKey } from './store.ts';

export interface Statistics {
  readonly services: { readonly count?: number; readonly onlineCount?: number };
  readonly instances: { readonly count?: number; readonly countByDomain?: number };
  readonly apps: { readonly count?: number };
}

interface Detail {
  readonly microService: Service;
  readonly instances?: readonly Instance[];
  readonly microServiceVersions?: readonly string[];
}

/** The name under which a server registers itself. */
export const ownServiceName = 'SERVICECENTER';

function isOwn(service: Service): boolean {
  return service.appId === 'default' && service.serviceName === ownServiceName;
}

/** Counts of one tenant, harmless. Services are counted by name, without their versions. */
export function statistics(context: Context, tenant: Tenant, withShared: boolean): Statistics {
  const names = new Set<string>();
  const online = new Set<string>();
  const apps = new Set<string>();
  let instances = 0;
  let byDomain = 0;
  for (const home of context.store.tenants.values()) {
    if (home.domain !== tenant.domain) continue;
    for (const { truth, instances: held } of home.services.values()) {
      if (!withShared && isOwn(truth)) continue;
      byDomain += held.size;
      if (home.project !== tenant.project) continue;
      const name = nameKey(truth.environment ?? '', truth.appId, truth.serviceName);
      names.add(name);
      apps.add(truth.appId);
      instances += held.size;
      if (held.size > 0) online.add(name);
    }
  }
  const counts = (value: Record<string, number>): Record<string, number> =>
    Object.fromEntries(Object.entries(value).filter(([, count]) => count > 0));
  return {
    services: counts({ count: names.size, onlineCount: online.size }),
    instances: counts({ count: instances, countByDomain: byDomain }),
    apps: counts({ count: apps.size }),
  };
}

/** All services of a tenant as a console lists them; `options` as `instances`, `all`. */
export function governAll(
  context: Context,
  tenant: Tenant,
  options: readonly string[],
): readonly Detail[] | undefined {
  const records = context.store.tenant(tenant)?.services.values() ?? [];
  const details = Array.from(records)
    .filter((record) => !isOwn(record.truth))
    .map((record) => detailOf(context, record, options));
  return nonEmptyList(details);
}

/** One service as a console shows it, with the versions of its name. Throws 400012. */
export function governOne(
  context: Context,
  tenant: Tenant,
  serviceId: string,
  options: readonly string[],
): Detail {
  const record = requireService(context, tenant, serviceId);
  const { environment = '', appId, serviceName } = record.truth;
  const versions = record.tenant.names.get(nameKey(environment, appId, serviceName)) ?? [];
  return {
    ...detailOf(context, record, options.length === 0 ? ['all'] : options),
    microServiceVersions: versions.map(({ version }) => version),
  };
}

/** The application ids of a tenant that have services outside the server's own; harmless. */
export function governApps(
  context: Context,
  tenant: Tenant,
  environment: string,
): readonly string[] {
  const apps = new Set<string>();
  for (const { truth } of context.store.tenant(tenant)?.services.values() ?? []) {
    if ((truth.environment ?? '') === environment && !isOwn(truth)) apps.add(truth.appId);
  }
  return [...apps];
}

function detailOf(context: Context, record: ServiceRecord, options: readonly string[]): Detail {
  const damages = context.dialect === '1.x' && context.cacheEnabled;
  const service = withoutEmpty<Service>({
    ...record.cached,
    properties: undefined,
    schemas: undefined,
  });
  if (damages) record.cached = service;
  const shown = damages ? service : record.truth;
  if (!options.includes('instances') && !options.includes('all')) return { microService: shown };
  const instances = Array.from(record.instances.values(), (instance) => {
    if (!damages) return instance.truth;
    const bare = withoutEmpty<Instance>({ ...instance.cached, properties: undefined });
    instance.cached = bare;
    return bare;
  });
  const list = nonEmptyList(instances);
  return list === undefined ? { microService: shown } : { microService: shown, instances: list };
}
