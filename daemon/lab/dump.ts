// The dump: all keys of all tenants with their revisions, as the cache shows them (servicecenter-api.md §8).

import { keyOf, keyPath, nonEmptyMap } from './content.ts';
import type { Context } from './context.ts';
import type { ServiceRecord } from './store.ts';
import { indexKey } from './store.ts';
import { isVisible } from './visibility.ts';

/** One key; `value` is missing where it is an empty map. */
interface DumpElement {
  readonly key: string;
  readonly rev: number;
  readonly cluster: string;
  readonly value?: unknown;
}

export type DumpCache = Readonly<Record<string, readonly DumpElement[]>>;

/** Gives the content of the cache; nothing where the cache is switched off. */
export function dumpCache(context: Context): DumpCache {
  if (!context.cacheEnabled) return {};
  const cluster = context.name;
  const parts: Record<string, DumpElement[]> = {};
  const put = (part: string, key: string, rev: number, value: unknown): void => {
    const element = value === undefined ? { key, rev, cluster } : { key, rev, cluster, value };
    (parts[part] ??= []).push(element);
  };
  for (const tenant of context.store.tenants.values()) {
    for (const service of tenant.services.values()) {
      if (isVisible(context, service.serviceId)) putService(service, put);
      for (const instance of service.instances.values()) {
        if (!isVisible(context, instance.instanceId)) continue;
        const key = `/cse-sr/inst/files/${tenant.path}/${service.serviceId}/${instance.instanceId}`;
        put('instances', key, instance.rev, instance.cached);
      }
    }
  }
  putDependencies(context, put);
  return parts;
}

type Put = (part: string, key: string, rev: number, value: unknown) => void;

function putService(service: ServiceRecord, put: Put): void {
  const { tenant, serviceId, createdRev, truth } = service;
  const key = keyOf(truth);
  put('services', `/cse-sr/ms/files/${tenant.path}/${serviceId}`, service.rev, service.cached);
  put('serviceIndexes', indexKey(tenant, keyPath(key)), createdRev, serviceId);
  if (truth.alias !== undefined) {
    const path = keyPath({ ...key, serviceName: truth.alias });
    put('serviceAliases', `/cse-sr/ms/alias/${tenant.path}/${path}`, createdRev, serviceId);
  }
  if (service.tagsRev !== undefined) {
    const tagsKey = `/cse-sr/ms/tags/${tenant.path}/${serviceId}`;
    put('serviceTags', tagsKey, service.tagsRev, nonEmptyMap(service.tags));
  }
  for (const [schemaId, { summary, summaryRev }] of service.schemas) {
    if (summary === '') continue;
    const summaryKey = `/cse-sr/ms/schema-sum/${tenant.path}/${serviceId}/${schemaId}`;
    put('summaries', summaryKey, summaryRev, summary);
  }
}

function putDependencies(context: Context, put: Put): void {
  for (const tenant of context.store.tenants.values()) {
    for (const [consumer, providers] of tenant.dependencies) {
      if (providers.length === 0) continue;
      put('dependencyRules', `/cse-sr/ms/dep-rules/${tenant.path}/c/${consumer}`, 0, {
        Dependency: providers.map((provider) => ({ tenant: tenant.path, ...provider })),
      });
    }
  }
}
