// The one write to a service's properties. ServiceCenter makes it from its cache: where a console has
// damaged that (servicecenter-api.md §10), the write would drop the service's schema ids for good.

import type { StringMap } from '../../model/service.ts';
import type { WriteResult } from '../driver.ts';
import type { ServiceCenterApi } from './api.ts';
import type { ListedService } from './wire.ts';
import { done, tooLarge } from '../common/write-failure.ts';
import { failedBy } from './write-failure.ts';

/** Body limit of the server (§14), bytes. */
const limit = 3 * 1024;

/** Replaces the properties of `there` (as read past the cache), unless that would lose its schemas. */
export async function putServiceProperties(
  api: ServiceCenterApi,
  there: ListedService,
  properties: StringMap,
  signal: AbortSignal,
): Promise<WriteResult<void>> {
  const what = `change properties of service ${there.name}`;
  const body = JSON.stringify({ properties });
  const bytes = Buffer.byteLength(body);
  if (bytes > limit) return tooLarge(`${what}: ${bytes} bytes, the registry takes ${limit}`);
  const cached = await api.service(there, there.serviceId, false, signal);
  if (!cached.ok) return failedBy(cached.trouble, what);
  if (cached.value !== undefined && cached.value.schemaIds.length < there.schemaIds.length) {
    const detail =
      `${what}: a console has emptied the registry's cache of it, and this write would make it ` +
      'lose its schemas; restart the ServiceCenter';
    return { ok: false, failure: { code: 'server-error', retry: true, detail } };
  }
  const path = `/registry/microservices/${encodeURIComponent(there.serviceId)}/properties`;
  const answer = await api.raw(there, 'PUT', path, body, signal);
  return answer.kind === 'ok' ? done : failedBy(answer, what);
}
