// What a driver from outside may remove from the view, and when. The driver proves its removals; this
// guard knows what the driver has said before, and does not take its word where that does not fit:
// half a view after a restart of the driver, or most of it gone at once.

import { leaseSecondsOf, type Instance } from '../../model/service.ts';
import type { Held } from '../common/condition.ts';
import { isSuspiciousLoss, lossWindowMs } from '../common/trust.ts';
import type { InstanceRef, RegistryChange, ServiceRef, UnknownReason } from '../driver.ts';

/** A lease ends a little after its time. */
const leaseSlackMs = 2_000;
/** Lease of a service whose instances are not known. */
const serviceLeaseMs = 120_000;

type RemovedInstance = RegistryChange['removedInstances'][number];
type RemovedService = RegistryChange['removedServices'][number];

interface Known {
  readonly ref: InstanceRef;
  readonly leaseMs: number;
}

interface Hold {
  readonly reason: UnknownReason;
  readonly untilMs: number;
}

/** What surrounds a change. */
export interface ChangeCircumstances {
  readonly nowMs: number;
  /** It carries the whole view: the driver has just been started. */
  readonly whole: boolean;
  /** Since when the driver says that nothing may be concluded; `undefined`: it says "answering". */
  readonly unknownSinceMs: number | undefined;
}

export interface ViewGuard {
  /** Gives what of a change is to be told; the rest is held. Throws for a change that cannot be. */
  take(change: RegistryChange, around: ChangeCircumstances): RegistryChange;
  /** Held instances whose time is over: to be read once more, past all caches. */
  due(nowMs: number): readonly InstanceRef[];
  /** Read once more and not there: gives the removals to tell, services that are empty now included. */
  confirmed(
    refs: readonly InstanceRef[],
    nowMs: number,
  ): Pick<RegistryChange, 'removedInstances' | 'removedServices'>;
  /** Read once more and there: it is held no longer. */
  refuted(ref: InstanceRef): void;
  held(): Held | undefined;
  /** Services and instances. */
  readonly size: number;
}

/** Gives the guard of one registry's view. */
export function createViewGuard(): ViewGuard {
  const services = new Map<string, ServiceRef>();
  const instances = new Map<string, Known>();
  const counts = new Map<string, number>();
  const heldInstances = new Map<string, Hold>();
  const heldServices = new Map<string, Hold>();
  let losses: { readonly atMs: number; readonly count: number }[] = [];

  const count = (serviceId: string, step: number): void => {
    const next = (counts.get(serviceId) ?? 0) + step;
    if (next === 0) counts.delete(serviceId);
    else counts.set(serviceId, next);
  };
  const put = (instance: Instance): void => {
    const service = services.get(instance.serviceId);
    if (service === undefined) {
      throw new Error(`instance ${instance.instanceId} belongs to no service that was told`);
    }
    const ref = { ...service, instanceId: instance.instanceId };
    const key = keyOf(ref);
    if (!instances.has(key)) count(ref.serviceId, 1);
    instances.set(key, { ref, leaseMs: leaseSecondsOf(instance) * 1_000 });
    heldInstances.delete(key);
  };
  const drop = (key: string): void => {
    const known = instances.get(key);
    if (known === undefined) return;
    instances.delete(key);
    heldInstances.delete(key);
    count(known.ref.serviceId, -1);
  };
  const hold = (key: string, reason: UnknownReason, nowMs: number): void => {
    const leaseMs = instances.get(key)?.leaseMs ?? 0;
    if (!heldInstances.has(key)) {
      heldInstances.set(key, { reason, untilMs: nowMs + leaseMs + leaseSlackMs });
    }
  };
  const lossOf = (gone: number, nowMs: number): number => {
    losses = losses.filter(({ atMs }) => atMs > nowMs - lossWindowMs);
    losses.push({ atMs: nowMs, count: gone });
    return losses.reduce((sum, loss) => sum + loss.count, 0);
  };
  /** What an earlier run of the driver named and this one does not: owners may still come back. */
  const holdUnnamed = (change: RegistryChange, nowMs: number): void => {
    const named = new Set(change.instances.map(keyOf));
    for (const key of instances.keys()) if (!named.has(key)) hold(key, 'waiting-for-owners', nowMs);
    const namedServices = new Set(change.services.map(({ serviceId }) => serviceId));
    for (const serviceId of services.keys()) {
      if (namedServices.has(serviceId) || heldServices.has(serviceId)) continue;
      const untilMs = nowMs + serviceLeaseMs + leaseSlackMs;
      heldServices.set(serviceId, { reason: 'waiting-for-owners', untilMs });
    }
  };
  /** A service goes after its last instance. */
  const emptiedServices = (nowMs: number): RemovedService[] => {
    const gone: RemovedService[] = [];
    for (const [serviceId, { untilMs }] of heldServices) {
      const ref = services.get(serviceId);
      if (ref !== undefined && (counts.has(serviceId) || nowMs < untilMs)) continue;
      heldServices.delete(serviceId);
      services.delete(serviceId);
      if (ref !== undefined) gone.push({ ...ref, proof: 'absence' });
    }
    return gone;
  };

  const passes = (removed: RemovedInstance, around: ChangeCircumstances): boolean => {
    const { unknownSinceMs, nowMs } = around;
    const known = instances.get(keyOf(removed));
    if (removed.proof === 'tombstone' || unknownSinceMs === undefined) return false;
    return known === undefined || nowMs - unknownSinceMs >= known.leaseMs - leaseSlackMs;
  };

  return {
    take(change, around) {
      const { nowMs } = around;
      const before = instances.size;
      for (const { domain, project, serviceId } of change.services) {
        services.set(serviceId, { domain, project, serviceId });
        heldServices.delete(serviceId);
      }
      for (const instance of change.instances) put(instance);
      if (around.whole && before > 0) holdUnnamed(change, nowMs);

      const removals = change.removedInstances.filter((ref) => instances.has(keyOf(ref)));
      const lost = removals.length === 0 ? 0 : lossOf(removals.length, nowMs);
      const present = instances.size - heldInstances.size - removals.length;
      const suspicious = isSuspiciousLoss(lost, present + lost);
      const told = removals.filter((removed) => {
        const key = keyOf(removed);
        if (suspicious && !passes(removed, around)) {
          hold(key, 'suspicious-loss', nowMs);
          return false;
        }
        drop(key);
        return true;
      });
      const toldServices = change.removedServices.filter(({ serviceId }) => {
        if (!services.has(serviceId)) return false;
        if (counts.has(serviceId)) {
          heldServices.set(serviceId, { reason: 'suspicious-loss', untilMs: nowMs });
          return false;
        }
        services.delete(serviceId);
        heldServices.delete(serviceId);
        return true;
      });
      return { ...change, removedInstances: told, removedServices: toldServices };
    },

    due: (nowMs) =>
      [...heldInstances].flatMap(([key, { untilMs }]) => {
        const ref = instances.get(key)?.ref;
        return ref !== undefined && nowMs >= untilMs ? [ref] : [];
      }),

    confirmed(refs, nowMs) {
      const removedInstances: RemovedInstance[] = [];
      for (const ref of refs) {
        if (!heldInstances.has(keyOf(ref))) continue;
        drop(keyOf(ref));
        removedInstances.push({ ...ref, proof: 'absence' });
      }
      return { removedInstances, removedServices: emptiedServices(nowMs) };
    },

    refuted(ref) {
      heldInstances.delete(keyOf(ref));
    },

    held() {
      const holds = [...heldInstances.values(), ...heldServices.values()];
      const [first] = holds;
      if (first === undefined) return undefined;
      const worst = holds.reduce((left, right) => (right.untilMs > left.untilMs ? right : left));
      return { ...worst, instances: heldInstances.size, services: heldServices.size };
    },

    get size() {
      return services.size + instances.size;
    },
  };
}

function keyOf({ serviceId, instanceId }: Pick<InstanceRef, 'serviceId' | 'instanceId'>): string {
  return `${serviceId}/${instanceId}`;
}
