// Tags and schema texts: no list shows them, so they are read per service — when it is new or its
// list entry changed, when the dump shows other tags or summaries, and by a slow sweep over all.

import type { Service, StringMap } from '../../model/service.ts';
import type { Outcome } from '../common/trouble.ts';
import type { ServiceCenterApi } from './api.ts';
import type { Tenant } from './options.ts';
import type { TenantView } from './tenant-view.ts';
import { listOf, objectOf, type ListedService } from './wire.ts';

export type Details = Pick<Service, 'tags' | 'schemas'>;

/** Reads tags and schemas of one service. */
export async function readDetails(
  api: ServiceCenterApi,
  tenant: Tenant,
  service: Pick<ListedService, 'serviceId' | 'schemaIds'>,
  signal?: AbortSignal,
): Promise<Outcome<Details>> {
  const tags = await api.tags(tenant, service.serviceId, signal);
  if (!tags.ok) return tags;
  if (service.schemaIds.length === 0) return { ok: true, value: { tags: tags.value, schemas: [] } };
  const schemas = await api.schemas(tenant, service.serviceId, service.schemaIds, signal);
  if (!schemas.ok) return schemas;
  return { ok: true, value: { tags: tags.value, schemas: schemas.value } };
}

/** What the dump tells of one tenant (servicecenter-api.md §8). */
export interface DumpedTenant {
  readonly tags: ReadonlyMap<string, StringMap>;
  /** Per service: its summaries' keys and revs as one text. */
  readonly summaries: ReadonlyMap<string, string>;
  /** `serviceId/instanceId` of every instance. */
  readonly instances: ReadonlySet<string>;
}

/** Gives the part of a dump that belongs to `tenant`; throws `AnswerError` for another shape. */
export function readDump(cache: Readonly<Record<string, unknown>>, tenant: Tenant): DumpedTenant {
  const tags = new Map<string, StringMap>();
  const summaries = new Map<string, string>();
  const instances = new Set<string>();
  for (const { parts, value } of elements(cache.serviceTags, 'tags', tenant, 1)) {
    // The value is missing when the map is empty.
    tags.set(parts[0] ?? '', objectOf(value ?? {}, 'dumped tags') as StringMap);
  }
  const revs = new Map<string, string[]>();
  for (const { parts, rev } of elements(cache.summaries, 'schema-sum', tenant, 2)) {
    const list = revs.get(parts[0] ?? '') ?? [];
    list.push(`${parts[1] ?? ''}@${rev}`);
    revs.set(parts[0] ?? '', list);
  }
  for (const [serviceId, list] of revs) summaries.set(serviceId, list.sort().join(' '));
  for (const { parts } of elements(cache.instances, 'files', tenant, 2)) {
    instances.add(parts.join('/'));
  }
  return { tags, summaries, instances };
}

/** Keys are `/cse-sr/{inst|ms}/{kind}/{domain}/{project}/...`; a domain may contain `/`. */
function* elements(
  list: unknown,
  kind: string,
  tenant: Tenant,
  depth: number,
): Generator<{ parts: readonly string[]; rev: string; value: unknown }> {
  const head = `/${kind}/${tenant.domain}/${tenant.project}/`;
  for (const element of listOf(list, 'dump list')) {
    const { key, rev, value } = objectOf(element, 'dump element');
    if (typeof key !== 'string') continue;
    const start = key.indexOf(head);
    if (start < 0) continue;
    const parts = key.slice(start + head.length).split('/');
    if (parts.length === depth) yield { parts, rev: String(rev), value };
  }
}

/** Gives the services whose tags or summaries are not as the dump shows them. */
export function differingDetails(
  view: TenantView,
  dumped: DumpedTenant,
  before: ReadonlyMap<string, string> | undefined,
): readonly string[] {
  const differing: string[] = [];
  for (const [serviceId, { service }] of view.services) {
    const summaries = dumped.summaries.get(serviceId) ?? '';
    const moved = before !== undefined && (before.get(serviceId) ?? '') !== summaries;
    if (moved || !sameTags(service.tags, dumped.tags.get(serviceId) ?? {})) {
      differing.push(serviceId);
    }
  }
  return differing;
}

function sameTags(left: StringMap, right: StringMap): boolean {
  const keys = Object.keys(left);
  return keys.length === Object.keys(right).length && keys.every((key) => left[key] === right[key]);
}
