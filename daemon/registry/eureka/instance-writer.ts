// Writes copies of instances, and never anything else: what carries no stamp, another origin's stamp,
// or a newer epoch stays as it is.

import { leaseSecondsOf, type Instance, type ServiceKey } from '../../model/service.ts';
import { readInstanceStamp, type InstanceStamp } from '../../model/stamp.ts';
import type { InstanceRef, RegistryDriver, WriteResult } from '../driver.ts';
import { eachLimited } from '../common/each-limited.ts';
import type { KeyedLock } from '../common/keyed-lock.ts';
import { done, failedBy, notOurs, tooLarge, type Failed } from '../common/write-failure.ts';
import { isUnreachableId, type EurekaApi, type Read } from './api.ts';
import { decodeInstance, encodeInstance, normaliseInstance, sameInstance } from './codec.ts';
import type { Trouble } from '../common/trouble.ts';
import type { LeasePacer } from './lease-pacer.ts';
import { placeOfRef, serviceIdIn, type Mirror } from './mirror.ts';
import type { ServiceCatalogue } from '../common/service-catalogue.ts';
import { parseServiceId, type Identity } from './service-id.ts';
import { contentKeys } from './metadata-keys.ts';
import { encodeRegistration, type EurekaInstance } from './wire.ts';

/**
 * Largest registration, bytes. Eureka takes any; but each of its clients reads all of them every 30 s.
 * Raising it lets larger copies in, at the cost of every client.
 */
const longestRegistration = 16 * 1024;
/** Longest host name that DNS knows. */
const longestHostName = 253;
/** Instances renewed in one call of the caller: a second's work of a server. */
export const renewBatch = 200;
/** Renewals under way at once. One call each: it is passed on to the server's peers, a batch is not. */
const renewParallel = 8;
/** One epoch is worth this many numbers: more than the seconds of any clock until the year 2286. */
const epochStep = 10_000_000_000;

export type InstanceWriter = Pick<
  RegistryDriver,
  'putInstance' | 'removeInstance' | 'renew' | 'readInstance'
>;

export interface InstanceWriterParts {
  readonly api: EurekaApi;
  readonly mirror: Mirror;
  readonly catalogue: ServiceCatalogue;
  readonly lock: KeyedLock;
  readonly pacer: LeasePacer;
  nowMs(): number;
  /** The feed's view is whole: what it does not know is not there. */
  isWhole(): boolean;
  wrote(app: string, id: string, lastDirty: number): void;
}

/** Gives the writer. */
export function createInstanceWriter(parts: InstanceWriterParts): InstanceWriter {
  const { api, mirror, catalogue, pacer } = parts;

  /** As the registry has it now, past its cache; also one whose ended lease it still lists. */
  const find = async (
    app: string,
    id: string,
    signal: AbortSignal,
  ): Promise<Read<EurekaInstance | undefined>> => {
    const found = await api.instance(app, id, { signal });
    if (!found.ok || found.value !== undefined) return found;
    // 404 is also the answer for a lease that has ended and that a renewal would bring back.
    if (mirror.entry(app, id) === undefined) return found;
    const list = await api.application(app, { signal });
    return list.ok ? { ok: true, value: list.value.find((each) => each.id === id) } : list;
  };

  const write = async (
    copy: Instance,
    identity: Identity,
    there: EurekaInstance | undefined,
    signal: AbortSignal,
  ): Promise<WriteResult<void>> => {
    const stamp = stampOf(copy);
    const lastDirty = Math.max(
      stamp.epoch * epochStep + Math.floor(parts.nowMs() / 1_000),
      (there?.lastDirty ?? 0) + 1,
    );
    const content = catalogue.contentTextOf(copy.serviceId);
    const registration = encodeInstance(copy, identity, content, lastDirty);
    const invalid = invalidity(registration, copy);
    if (invalid !== undefined) return invalid;
    const written = await api.register(registration, signal);
    if (!written.ok) return failedBy(written.trouble, `register ${copy.instanceId}`);
    if (there !== undefined && keepsItsStatus(there, registration)) {
      const set = await api.setStatus(registration, signal);
      if (!set.ok) return failedBy(set.trouble, `set the status of ${copy.instanceId}`);
    }
    parts.wrote(registration.app, registration.id, lastDirty);
    return done;
  };

  const put = async (copy: Instance, identity: Identity, signal: AbortSignal) => {
    const stamp = stampOf(copy);
    const { instanceId: id } = copy;
    const { app } = identity;
    if (isUnreachableId(id)) return invalidId(id);
    if (parts.isWhole() && mirror.entry(app, id) === undefined && !parts.pacer.knows(refOf(copy))) {
      return write(copy, identity, undefined, signal);
    }
    const found = await find(app, id, signal);
    if (!found.ok) return failedBy(found.trouble, `read ${id}`);
    const there = found.value;
    if (there === undefined) return write(copy, identity, undefined, signal);
    const owner = ownerOf(there, stamp);
    if (owner !== undefined) return owner;
    const differs =
      serviceIdIn(there) !== copy.serviceId ||
      there.metadata[contentKeys.service] !== catalogue.contentTextOf(copy.serviceId) ||
      !sameInstance(decodeInstance(there), normaliseInstance(copy));
    return differs ? write(copy, identity, there, signal) : renewOne(app, id, copy, there, signal);
  };

  /** Equal content: the lease is all that a put has to renew. */
  const renewOne = async (
    app: string,
    id: string,
    copy: Instance,
    there: EurekaInstance,
    signal: AbortSignal,
  ): Promise<WriteResult<void>> => {
    const renewed = await api.renew(app, id, signal);
    if (!renewed.ok) return failedBy(renewed.trouble, `renew ${id}`);
    const identity = parseServiceId(copy.serviceId);
    return renewed.value || identity === undefined ? done : write(copy, identity, there, signal);
  };

  return {
    async putInstance(key, copy, signal) {
      stampOf(copy);
      signal.throwIfAborted();
      const identity = parseServiceId(copy.serviceId);
      if (identity === undefined || !sameKey(identity.key, key)) return serviceGone(copy);
      return parts.lock.run(`${identity.app}/${copy.instanceId}`, async () => {
        const wanted = { ...copy, version: identity.key.version };
        const result = await put(wanted, identity, signal);
        if (result.ok) pacer.kept(refOf(copy, key), leaseSecondsOf(copy) * 1_000);
        return result;
      });
    },

    async removeInstance(ref, originCluster, signal) {
      signal.throwIfAborted();
      const place = placeOfRef(ref);
      if (place === undefined || isUnreachableId(place.id)) return done;
      const { app, id } = place;
      return parts.lock.run(`${app}/${id}`, async () => {
        const found = await find(app, id, signal);
        if (!found.ok) return failedBy(found.trouble, `read ${id}`);
        if (found.value !== undefined) {
          const stamp = readInstanceStamp(found.value.metadata);
          if (stamp === undefined) return notOurs(`${id} was registered by an application`);
          if (stamp.originCluster !== originCluster) {
            return notOurs(`${id} is the copy of ${stamp.originCluster}/${stamp.originInstance}`);
          }
          const cancelled = await api.cancel(app, id, signal);
          if (!cancelled.ok) return failedBy(cancelled.trouble, `remove ${id}`);
        }
        pacer.forget(ref);
        return done;
      });
    },

    async renew(refs, signal) {
      signal.throwIfAborted();
      const renewed = await renewAll(api, refs, signal);
      if (!renewed.ok) return failedBy(renewed.trouble, 'renew');
      const missing = new Set(renewed.value);
      for (const ref of refs) {
        if (missing.has(ref)) pacer.forget(ref);
        else pacer.kept(ref, undefined);
      }
      return { ok: true, value: { missing: renewed.value } };
    },

    async readInstance(ref, signal) {
      signal.throwIfAborted();
      const place = placeOfRef(ref);
      if (place === undefined || isUnreachableId(place.id)) return { ok: true, value: undefined };
      const found = await api.instance(place.app, place.id, { signal });
      if (!found.ok) return failedBy(found.trouble, `read ${place.id}`);
      const there = found.value;
      const value =
        there === undefined || serviceIdIn(there) !== ref.serviceId
          ? undefined
          : decodeInstance(there);
      return { ok: true, value };
    },
  };
}

/** Renews each; gives those that the registry does not know. Fails with the first trouble. */
export async function renewAll(
  api: EurekaApi,
  refs: readonly InstanceRef[],
  signal: AbortSignal,
): Promise<Read<readonly InstanceRef[]>> {
  const missing: InstanceRef[] = [];
  let trouble: Trouble | undefined;
  await eachLimited(refs, renewParallel, async (ref) => {
    if (trouble !== undefined) return;
    const place = placeOfRef(ref);
    if (place === undefined || isUnreachableId(place.id)) {
      missing.push(ref);
      return;
    }
    const renewed = await api.renew(place.app, place.id, signal);
    if (!renewed.ok) trouble = renewed.trouble;
    else if (!renewed.value) missing.push(ref);
  });
  return trouble === undefined ? { ok: true, value: missing } : { ok: false, trouble };
}

function stampOf(copy: Instance): InstanceStamp {
  const stamp = readInstanceStamp(copy.properties);
  if (stamp === undefined) throw new TypeError(`copy ${copy.instanceId} carries no stamp`);
  return stamp;
}

/** Why what is there must not be replaced by a copy with this stamp; `undefined`: it may. */
function ownerOf(there: EurekaInstance, stamp: InstanceStamp): Failed | undefined {
  const found = readInstanceStamp(there.metadata);
  if (found === undefined) return notOurs(`${there.id} was registered by an application`);
  if (
    found.originCluster !== stamp.originCluster ||
    found.originInstance !== stamp.originInstance
  ) {
    return notOurs(`${there.id} is the copy of ${found.originCluster}/${found.originInstance}`);
  }
  if (found.epoch <= stamp.epoch) return undefined;
  const detail = `${there.id} was written in epoch ${found.epoch}, ours is ${stamp.epoch}`;
  return { ok: false, failure: { code: 'fenced', retry: false, detail } };
}

/**
 * A registration does not end an operator's override, and does not lead from UP to OUT_OF_SERVICE or
 * back either: the server keeps the status of the lease that is there (README.md, "Status").
 */
function keepsItsStatus(there: EurekaInstance, wanted: EurekaInstance): boolean {
  const kept = new Set(['UP', 'OUT_OF_SERVICE']);
  const stuck = there.status !== wanted.status && kept.has(there.status) && kept.has(wanted.status);
  return stuck || there.overridden !== 'UNKNOWN';
}

function invalidity(registration: EurekaInstance, copy: Instance): Failed | undefined {
  const { instanceId, hostName } = copy;
  if (hostName.length > longestHostName) {
    const detail = `${instanceId}: the host name has ${hostName.length} characters, at most ${longestHostName} make a name`;
    return { ok: false, failure: { code: 'invalid', retry: false, detail } };
  }
  const bytes = Buffer.byteLength(encodeRegistration(registration));
  if (bytes > longestRegistration) {
    return tooLarge(
      `instance ${instanceId} takes ${bytes} bytes, at most ${longestRegistration} are put on every client of the registry`,
    );
  }
  return undefined;
}

function invalidId(id: string): Failed {
  const detail = `the id '${id}' has a '/': Eureka would list it and never answer for it again`;
  return { ok: false, failure: { code: 'invalid', retry: false, detail } };
}

function serviceGone({ serviceId }: Instance): Failed {
  const detail = `'${serviceId}' is no service of this registry`;
  return { ok: false, failure: { code: 'service-gone', retry: true, detail } };
}

function sameKey(left: ServiceKey, right: ServiceKey): boolean {
  return (
    left.domain === right.domain &&
    left.project === right.project &&
    left.environment === right.environment &&
    left.app === right.app &&
    left.name === right.name &&
    left.version === right.version
  );
}

function refOf(
  { serviceId, instanceId }: Pick<Instance, 'serviceId' | 'instanceId'>,
  key?: Pick<ServiceKey, 'domain' | 'project'>,
): InstanceRef {
  return {
    domain: key?.domain ?? 'default',
    project: key?.project ?? 'default',
    serviceId,
    instanceId,
  };
}
