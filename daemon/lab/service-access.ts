// Reaching and changing a stored service: what services, tags and schemas have in common.

import type { Service, Tenant } from './content.ts';
import type { Context } from './context.ts';
import { noService } from './errors.ts';
import { checkText, serviceIdRule } from './fields.ts';
import type { ServiceRecord } from './store.ts';

/** Gives the service, or throws 400012 with `detail`. */
export function requireService(
  context: Context,
  tenant: Tenant,
  serviceId: string,
  detail?: string,
): ServiceRecord {
  checkText('GetServiceRequest.ServiceId', serviceId, serviceIdRule);
  const record = context.store.service(tenant, serviceId);
  if (record === undefined) throw noService(detail);
  return record;
}

/** Writes a changed service, with its time of change, and notes who did it. */
export function editService(
  context: Context,
  record: ServiceRecord,
  who: string,
  what: string,
  edit: (old: Service) => Service,
): void {
  const base = context.cacheEnabled ? record.cached : record.truth;
  const modTimestamp = String(Math.floor(context.clock.nowMs() / 1000));
  context.store.writeService(record, { ...edit(base), modTimestamp });
  note(context, record, 'service-updated', who, what);
}

/** Notes a change of a service or of what hangs on it (tags, schemas). */
export function note(
  context: Context,
  record: ServiceRecord,
  kind: 'service-created' | 'service-updated' | 'service-removed',
  who: string,
  what: string,
): void {
  const { domain, project } = record.tenant;
  const { serviceId, truth: service } = record;
  context.history.record({ kind, cause: 'call', who, what, domain, project, serviceId, service });
}
