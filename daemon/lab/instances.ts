// Registration, renewal, change and removal of instances (servicecenter-api.md §5, §6).

import { randomUUID } from 'node:crypto';
import type { InstanceBody } from './bodies.ts';
import type { DataCenter, HealthCheck, Instance, Tenant } from './content.ts';
import { nonEmptyList, nonEmptyMap, textOr, withoutEmpty } from './content.ts';
import type { Context } from './context.ts';
import { ApiError, invalid } from './errors.ts';
import {
  checkFields,
  checkModeRule,
  checkNumber,
  checkText,
  checkUrlRule,
  dataCenterRules,
  instanceIdRule,
  instanceRules,
  serviceIdRule,
  statusRule,
} from './fields.ts';
import type { HistoryCause } from './history.ts';
import type { InstanceRecord, ServiceRecord } from './store.ts';

const noInstance = (detail: string): ApiError => new ApiError(400017, detail);
/** A lease is never shorter than this (§5). */
const shortestTtlMs = 2_000;
const largestNumber = 2 ** 31 - 1;

/** One answer of a batch heartbeat in the 2.x dialect. */
export interface HeartbeatResult {
  readonly serviceId: string;
  readonly instanceId: string;
  readonly errMessage?: string;
}

/**
 * Registers an instance and gives its id. A live instance under the same id is renewed and its
 * content left as it is. Throws 400001, 400012 (no such service), 400100 (quota).
 */
export function registerInstance(
  context: Context,
  tenant: Tenant,
  serviceId: string,
  body: InstanceBody,
  who: string,
): string {
  checkInstance(serviceId, body);
  const ownId = body.instanceId ?? '';
  const live = ownId === '' ? undefined : context.store.instance(tenant, serviceId, ownId);
  if (live !== undefined) {
    renew(context, live, who);
    return ownId;
  }
  const service = context.store.service(tenant, serviceId);
  if (service === undefined) throw new ApiError(400012, "Invalid 'serviceID' in request body.");
  const healthCheck = readHealthCheck(context, body.healthCheck);
  context.quotas.applyInstances(service.tenant, 1);

  const nowSeconds = String(Math.floor(context.clock.nowMs() / 1000));
  const instanceId = ownId === '' ? randomUUID().replaceAll('-', '') : ownId;
  const instance: Instance = withoutEmpty<Instance>({
    instanceId,
    serviceId,
    endpoints: nonEmptyList(body.endpoints),
    hostName: body.hostName ?? '',
    status: textOr(body.status, 'UP'),
    properties: nonEmptyMap(body.properties),
    healthCheck,
    timestamp: nowSeconds,
    modTimestamp: nowSeconds,
    dataCenterInfo: body.dataCenterInfo
      ? withoutEmpty<DataCenter>({
          name: body.dataCenterInfo.name,
          region: body.dataCenterInfo.region,
          availableZone: body.dataCenterInfo.availableZone,
        })
      : undefined,
    version: service.version,
  });
  addInstance(context, service, instance, who);
  return instanceId;
}

function addInstance(
  context: Context,
  service: ServiceRecord,
  instance: Instance,
  who: string,
): void {
  const { interval, times = 0 } = instance.healthCheck;
  const ttlMs = Math.max(shortestTtlMs, interval * (times + 1) * 1000);
  const record = {
    service,
    instanceId: instance.instanceId,
    truth: instance,
    cached: instance,
    rev: context.store.nextRevision(),
    renewals: 0,
    lastRenewedBy: who,
  } as InstanceRecord;
  record.lease = context.leases.grant(record, ttlMs);
  context.store.addInstance(record);
  tell(context, record, 'CREATE', 'call', who, 'POST instance');
}

/** Takes the instance out: by a call, the end of its lease, or with its service. */
export function removeInstance(
  context: Context,
  record: InstanceRecord,
  cause: HistoryCause,
  who: string,
): void {
  context.leases.revoke(record.lease);
  if (!context.store.removeInstance(record)) return;
  tell(context, record, 'DELETE', cause, who, cause === 'call' ? 'DELETE instance' : cause);
}

/** Removes by id; throws 400017 if there is none of exactly that id. */
export function unregisterInstance(
  context: Context,
  tenant: Tenant,
  serviceId: string,
  instanceId: string,
  who: string,
): void {
  checkIds(serviceId, instanceId);
  const record = context.store.instance(tenant, serviceId, instanceId);
  if (record === undefined) throw noInstance("Instance's leaseId not exist.");
  removeInstance(context, record, 'call', who);
}

function renew(context: Context, record: InstanceRecord, who: string): void {
  context.leases.renew(record.lease);
  record.renewals += 1;
  record.lastRenewedBy = who;
}

/** Renews one lease; throws 400017. */
export function heartbeat(
  context: Context,
  tenant: Tenant,
  serviceId: string,
  instanceId: string,
  who: string,
): void {
  checkIds(serviceId, instanceId);
  const record = context.store.instance(tenant, serviceId, instanceId);
  if (record === undefined) throw noInstance('leaseId not exist, instance not exist');
  renew(context, record, who);
}

/** Renews what exists of the pairs, and gives one result for each. Throws 400001 on an empty list. */
export function heartbeatBatch(
  context: Context,
  tenant: Tenant,
  pairs: readonly {
    serviceId?: string | null | undefined;
    instanceId?: string | null | undefined;
  }[],
  who: string,
): readonly HeartbeatResult[] {
  if (pairs.length === 0) throw invalid('Request format invalid.');
  return pairs.map((pair) => {
    const serviceId = pair.serviceId ?? '';
    const instanceId = pair.instanceId ?? '';
    const record = context.store.instance(tenant, serviceId, instanceId);
    if (record === undefined) {
      return { serviceId, instanceId, errMessage: 'leaseId not exist, instance not exist' };
    }
    renew(context, record, who);
    return { serviceId, instanceId };
  });
}

/** Sets the status; does not renew the lease; moves the revision even for an equal value. */
export function setStatus(
  context: Context,
  tenant: Tenant,
  serviceId: string,
  instanceId: string,
  status: string,
  who: string,
): void {
  checkIds(serviceId, instanceId);
  checkText('UpdateInstanceStatusRequest.Status', status, statusRule);
  change(context, tenant, serviceId, instanceId, who, 'PUT status', (old) => ({ ...old, status }));
}

/** Replaces the properties; does not renew the lease. */
export function setInstanceProperties(
  context: Context,
  tenant: Tenant,
  serviceId: string,
  instanceId: string,
  properties: Readonly<Record<string, string>> | null | undefined,
  who: string,
): void {
  checkIds(serviceId, instanceId);
  const map = nonEmptyMap(properties);
  change(context, tenant, serviceId, instanceId, who, 'PUT properties', (old) =>
    withoutEmpty<Instance>({ ...old, properties: map }),
  );
}

/** Read from the cache, changed, written: what the cache has lost is thereby lost for good (§10). */
function change(
  context: Context,
  tenant: Tenant,
  serviceId: string,
  instanceId: string,
  who: string,
  what: string,
  edit: (old: Instance) => Instance,
): void {
  const record = context.store.instance(tenant, serviceId, instanceId);
  if (record === undefined) throw noInstance('Service instance does not exist.');
  const modTimestamp = String(Math.floor(context.clock.nowMs() / 1000));
  const base = context.cacheEnabled ? record.cached : record.truth;
  context.store.writeInstance(record, { ...edit(base), modTimestamp });
  tell(context, record, 'UPDATE', 'call', who, what);
}

function tell(
  context: Context,
  record: InstanceRecord,
  action: 'CREATE' | 'UPDATE' | 'DELETE',
  cause: HistoryCause,
  who: string,
  what: string,
): void {
  const { tenant } = record.service;
  const kinds = { CREATE: 'registered', UPDATE: 'updated', DELETE: 'removed' } as const;
  context.history.record({
    kind: `instance-${kinds[action]}`,
    cause,
    who,
    what,
    domain: tenant.domain,
    project: tenant.project,
    serviceId: record.service.serviceId,
    instanceId: record.instanceId,
    instance: record.truth,
  });
  context.events.instance({ action, record, instance: record.truth });
}

function checkIds(serviceId: string, instanceId: string): void {
  checkText('HeartbeatRequest.ServiceId', serviceId, serviceIdRule);
  checkText('HeartbeatRequest.InstanceId', instanceId, instanceIdRule);
}

function checkInstance(serviceId: string, body: InstanceBody): void {
  checkText('MicroServiceInstance.ServiceId', serviceId, serviceIdRule);
  checkFields('MicroServiceInstance', body, instanceRules);
  const check = body.healthCheck;
  if (check !== undefined && check !== null) {
    checkText('HealthCheck.Mode', check.mode, checkModeRule);
    checkNumber('HealthCheck.Port', check.port ?? 0, 0, 65_535);
    checkNumber('HealthCheck.Interval', check.interval ?? 0, 1, largestNumber);
    checkNumber('HealthCheck.Times', check.times ?? 0, -largestNumber, largestNumber);
    checkText('HealthCheck.Url', check.url, checkUrlRule);
  }
  if (body.dataCenterInfo !== undefined && body.dataCenterInfo !== null) {
    checkFields('DataCenterInfo', body.dataCenterInfo, dataCenterRules);
  }
}

/** None is push 30/3; pull becomes 30/3; 2.x raises a push to at least 5 s and 3 times (§5, §15). */
function readHealthCheck(context: Context, body: InstanceBody['healthCheck']): HealthCheck {
  if (body === undefined || body === null) return { mode: 'push', interval: 30, times: 3 };
  let interval = body.interval ?? 0;
  let times = body.times ?? 0;
  if (body.mode === 'pull') [interval, times] = [30, 3];
  if (interval * (times + 1) <= 0 || interval * (times + 1) > largestNumber) {
    throw invalid("Invalid 'healthCheck' settings in request body.");
  }
  if (context.dialect === '2.x' && body.mode !== 'pull') {
    interval = Math.max(5, interval);
    times = Math.max(3, times);
  }
  const port = body.port ?? 0;
  const check: HealthCheck = { mode: body.mode ?? '', interval };
  return {
    ...check,
    ...(times === 0 ? {} : { times }),
    ...(port === 0 ? {} : { port }),
    ...(body.url ? { url: body.url } : {}),
  };
}
