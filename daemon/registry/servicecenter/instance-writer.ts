// Writes copies of instances, and never anything else: what carries no stamp, another origin's
// stamp, or a newer epoch stays as it is (servicecenter-api.md §5, §6, §12 rule 7).

import type { Instance, ServiceKey } from '../../model/service.ts';
import { readInstanceStamp } from '../../model/stamp.ts';
import type { InstanceRef, RegistryDriver, WriteResult } from '../driver.ts';
import type { Trouble } from '../common/trouble.ts';
import { codes, isRefusal, outcome, type ServiceCenterApi } from './api.ts';
import { compareInstances, normaliseInstance, type HealthFloor } from './content.ts';
import { eachLimited } from '../common/each-limited.ts';
import type { Answer } from './http-client.ts';
import { createKeyedLock } from '../common/keyed-lock.ts';
import type { Tenant } from './options.ts';
import { encodeInstance, listOf, objectOf } from './wire.ts';
import { done, notOurs, tooLarge, type Failed } from '../common/write-failure.ts';
import { failedBy } from './write-failure.ts';

/** Body limits of the server (§14), bytes. */
const limits = { instance: 5 * 1024, properties: 3 * 1024 };
/** Pairs in one heartbeat: 1,000 take 11 ms of the server, 20,000 are refused (§6). */
export const renewBatch = 1_000;
/** Lists read at a time to find which of a failed batch are missing. */
const listsParallel = 6;

export type InstanceWriter = Pick<
  RegistryDriver,
  'putInstance' | 'removeInstance' | 'renew' | 'readInstance'
>;

export interface InstanceWriterParts {
  readonly api: ServiceCenterApi;
  healthFloor(): HealthFloor | undefined;
  /** True when the feed's view is whole and does not know the instance: nothing to compare with. */
  isUnknown(tenant: Tenant, serviceId: string, instanceId: string): boolean;
}

/** Gives the writer. */
export function createInstanceWriter(parts: InstanceWriterParts): InstanceWriter {
  const { api } = parts;
  const lock = createKeyedLock();
  const lockKey = (tenant: Tenant, serviceId: string, instanceId: string): string =>
    [tenant.domain, tenant.project, serviceId, instanceId].join(' ');
  const pathOf = (serviceId: string, instanceId?: string): string =>
    `/registry/microservices/${encodeURIComponent(serviceId)}/instances` +
    (instanceId === undefined ? '' : `/${encodeURIComponent(instanceId)}`);

  const register = async (
    tenant: Tenant,
    copy: Instance,
    signal: AbortSignal,
  ): Promise<WriteResult<void>> => {
    const body = encodeInstance(copy);
    const bytes = Buffer.byteLength(body);
    if (bytes > limits.instance) {
      return tooLarge(
        `instance ${copy.instanceId} takes ${bytes} bytes, the registry ${limits.instance}`,
      );
    }
    const answer = await api.raw(tenant, 'POST', pathOf(copy.serviceId), body, signal);
    return answer.kind === 'ok' ? done : failedBy(answer, `register ${copy.instanceId}`);
  };

  const unregister = async (
    tenant: Tenant,
    ref: Pick<InstanceRef, 'serviceId' | 'instanceId'>,
    signal: AbortSignal,
  ): Promise<WriteResult<void>> => {
    const path = pathOf(ref.serviceId, ref.instanceId);
    const answer = await api.raw(tenant, 'DELETE', path, undefined, signal);
    if (answer.kind === 'ok' || isGone(answer)) return done;
    return failedBy(answer, `remove ${ref.instanceId}`);
  };

  /** Properties first: the write repairs a cache that a console damaged (§10), then the status keeps them. */
  const change = async (
    tenant: Tenant,
    copy: Instance,
    what: { readonly status: boolean; readonly properties: boolean },
    signal: AbortSignal,
  ): Promise<WriteResult<void>> => {
    const path = pathOf(copy.serviceId, copy.instanceId);
    const body = JSON.stringify({ properties: copy.properties });
    if (Buffer.byteLength(body) > limits.properties) return replace(tenant, copy, signal);
    const properties = await api.raw(tenant, 'PUT', `${path}/properties`, body, signal);
    if (isGone(properties)) return register(tenant, copy, signal);
    if (properties.kind !== 'ok') return failedBy(properties, `change ${copy.instanceId}`);
    if (!what.status) return done;
    const status = await api.raw(
      tenant,
      'PUT',
      `${path}/status?value=${copy.status}`,
      undefined,
      signal,
    );
    if (isGone(status)) return register(tenant, copy, signal);
    return status.kind === 'ok' ? done : failedBy(status, `change ${copy.instanceId}`);
  };

  /** No call changes endpoints and the like: away with our own copy, and in again (§5). */
  const replace = async (
    tenant: Tenant,
    copy: Instance,
    signal: AbortSignal,
  ): Promise<WriteResult<void>> => {
    const bytes = Buffer.byteLength(encodeInstance(copy));
    if (bytes > limits.instance) {
      // Before the old one is taken away.
      return tooLarge(
        `instance ${copy.instanceId} takes ${bytes} bytes, the registry ${limits.instance}`,
      );
    }
    const removed = await unregister(tenant, copy, signal);
    return removed.ok ? register(tenant, copy, signal) : removed;
  };

  const put = async (
    tenant: Tenant,
    copy: Instance,
    signal: AbortSignal,
  ): Promise<WriteResult<void>> => {
    const stamp = readInstanceStamp(copy.properties);
    if (stamp === undefined) throw new TypeError(`copy ${copy.instanceId} carries no stamp`);
    if (parts.isUnknown(tenant, copy.serviceId, copy.instanceId)) {
      return register(tenant, copy, signal);
    }
    const found = await api.instance(tenant, copy.serviceId, copy.instanceId, signal);
    if (!found.ok) return failedBy(found.trouble, `read ${copy.instanceId}`);
    if (found.value === undefined) return register(tenant, copy, signal);

    const there = readInstanceStamp(found.value.properties);
    if (there === undefined) return notOurs(`${copy.instanceId} was registered by an application`);
    if (
      there.originCluster !== stamp.originCluster ||
      there.originInstance !== stamp.originInstance
    ) {
      const origin = `${there.originCluster}/${there.originInstance}`;
      return notOurs(`${copy.instanceId} is the copy of ${origin}`);
    }
    if (there.epoch > stamp.epoch) return fenced(copy.instanceId, there.epoch, stamp.epoch);

    const wanted = normaliseInstance(copy, parts.healthFloor());
    const difference = compareInstances(
      normaliseInstance(found.value, parts.healthFloor()),
      wanted,
    );
    if (difference.rest) return replace(tenant, copy, signal);
    if (difference.status || difference.properties) return change(tenant, copy, difference, signal);
    return done;
  };

  /** Which of a batch the registry knows no more, by fresh lists (§6: no bisecting). */
  const findMissing = async (
    tenant: Tenant,
    suspects: readonly InstanceRef[],
    signal: AbortSignal,
  ): Promise<WriteResult<readonly InstanceRef[]>> => {
    const missing: InstanceRef[] = [];
    let trouble: Trouble | undefined;
    const byService = Map.groupBy(suspects, ({ serviceId }) => serviceId);
    await eachLimited([...byService], listsParallel, async ([serviceId, refs]) => {
      const list = await api.instances(tenant, serviceId, signal);
      if (!list.ok) {
        trouble = list.trouble;
        return;
      }
      const there = new Set(list.value?.map(({ instanceId }) => instanceId));
      missing.push(...refs.filter(({ instanceId }) => !there.has(instanceId)));
    });
    if (trouble !== undefined) return failedBy(trouble, 'look for missing instances');
    return { ok: true, value: missing };
  };

  const renewChunk = async (
    tenant: Tenant,
    refs: readonly InstanceRef[],
    signal: AbortSignal,
  ): Promise<WriteResult<readonly InstanceRef[]>> => {
    const pairs = refs.map(({ serviceId, instanceId }) => ({ serviceId, instanceId }));
    const body = JSON.stringify({ instances: pairs });
    const answer = await api.raw(tenant, 'PUT', '/registry/heartbeats', body, signal);
    if (isGone(answer)) return findMissing(tenant, refs, signal);
    const suspects = outcome(answer, (renewed) => erroredOf(renewed, refs));
    if (!suspects.ok) return failedBy(suspects.trouble, `renew ${refs.length} leases`);
    if (suspects.value.length === 0) return { ok: true, value: [] };
    return findMissing(tenant, suspects.value, signal);
  };

  return {
    putInstance: (key: ServiceKey, copy, signal) => {
      const tenant = { domain: key.domain, project: key.project };
      return lock.run(lockKey(tenant, copy.serviceId, copy.instanceId), () =>
        put(tenant, copy, signal),
      );
    },

    removeInstance: (ref, originCluster, signal) =>
      lock.run(lockKey(ref, ref.serviceId, ref.instanceId), async () => {
        const found = await api.instance(ref, ref.serviceId, ref.instanceId, signal);
        if (!found.ok) return failedBy(found.trouble, `read ${ref.instanceId}`);
        if (found.value === undefined) return done;
        const stamp = readInstanceStamp(found.value.properties);
        if (stamp === undefined) {
          return notOurs(`${ref.instanceId} was registered by an application`);
        }
        if (stamp.originCluster !== originCluster) {
          return notOurs(`${ref.instanceId} is a copy from ${stamp.originCluster}`);
        }
        return unregister(ref, ref, signal);
      }),

    async renew(refs, signal) {
      const missing: InstanceRef[] = [];
      const byTenant = Map.groupBy(refs, ({ domain, project }) => `${domain}\n${project}`);
      for (const ofTenant of byTenant.values()) {
        for (let at = 0; at < ofTenant.length; at += renewBatch) {
          const chunk = ofTenant.slice(at, at + renewBatch);
          const [first] = chunk;
          if (first === undefined) continue;
          const result = await renewChunk(first, chunk, signal);
          if (!result.ok) return result;
          missing.push(...result.value);
        }
      }
      return { ok: true, value: { missing } };
    },

    async readInstance(ref, signal) {
      const found = await api.instance(ref, ref.serviceId, ref.instanceId, signal);
      return found.ok ? found : failedBy(found.trouble, `read ${ref.instanceId}`);
    },
  };
}

function isGone(answer: Answer): boolean {
  return isRefusal(answer, codes.instanceGone) || isRefusal(answer, codes.serviceGone);
}

function fenced(instanceId: string, theirs: number, ours: number): Failed {
  const detail = `${instanceId} was written in epoch ${theirs}, this writer is of ${ours}`;
  return { ok: false, failure: { code: 'fenced', retry: false, detail } };
}

/** Those that a 2.x server names with an error; 1.x answers an empty body (§6). */
function erroredOf(body: unknown, refs: readonly InstanceRef[]): readonly InstanceRef[] {
  if (body === undefined) return [];
  const errored = new Set<string>();
  for (const entry of listOf(objectOf(body, 'heartbeats').instances, 'heartbeats')) {
    const { serviceId, instanceId, errMessage } = objectOf(entry, 'heartbeat');
    if (typeof errMessage === 'string' && errMessage !== '') {
      errored.add(`${String(serviceId)}/${String(instanceId)}`);
    }
  }
  return refs.filter(({ serviceId, instanceId }) => errored.has(`${serviceId}/${instanceId}`));
}
