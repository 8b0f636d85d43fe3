// From "not in the last answer" to "gone": each absence is confirmed by a second, different reading,
// judged (trust.ts), and where it is not believed yet, held and judged again each round.

import type { InstanceRef, RegistryChange, ServiceRef, UnknownReason } from '../driver.ts';
import type { Held } from '../common/condition.ts';
import { eachLimited } from '../common/each-limited.ts';
import type { Trouble } from '../common/trouble.ts';
import type { ServiceCenterApi } from './api.ts';
import { instanceKey, type NameEntry, type TenantView } from './tenant-view.ts';
import {
  isSuspiciousLoss,
  judge,
  lossWindowMs,
  type Circumstances,
  type Missing,
} from '../common/trust.ts';

/** Lease of a service whose instances are not known: the longest usual one. */
const defaultLeaseMs = 120_000;
/** Readings at a time. */
const parallel = 6;

type Removed = Pick<RegistryChange, 'removedInstances' | 'removedServices'>;

export interface Removals {
  /** All that a reading of this name left out; what it named again is held no more. */
  missingInstances(entry: NameEntry, refs: readonly InstanceRef[]): void;
  /** All that a list left out; what it named again is held no more. */
  missingServices(refs: readonly ServiceRef[]): void;
  /** Absences that are noticed and not confirmed yet. */
  readonly noticed: { readonly instances: number; readonly services: number };
  /** Instances that are missing and still in the view. */
  readonly heldInstances: number;
  /** True while a loss is held as suspicious: the totals are to be asked for. */
  readonly suspicious: boolean;
  /** Confirms, judges, removes from the view; gives what is gone, or what kept it from knowing. */
  decide(around: Circumstances): Promise<{ removed: Removed; troubles: readonly Trouble[] }>;
  held(): Held | undefined;
}

interface HeldItem<R> {
  readonly ref: R;
  readonly missing: Missing;
  /** How many had left together with it by then. */
  readonly lost: number;
  hold: { readonly reason: UnknownReason; readonly untilMs: number } | undefined;
}

/** Gives the removals of one view. */
export function createRemovals(view: TenantView, api: ServiceCenterApi): Removals {
  const instances = new Map<string, HeldItem<InstanceRef>>();
  const services = new Map<string, HeldItem<ServiceRef>>();
  let newInstances = new Map<string, InstanceRef>();
  let newServices = new Map<string, ServiceRef>();
  const instanceLosses = lossWindow();
  const serviceLosses = lossWindow();

  /** Leaves of `refs` those that a reading past the cache does not name either. */
  const confirmed = async (
    refs: readonly InstanceRef[],
    troubles: Trouble[],
  ): Promise<InstanceRef[]> => {
    const absent: InstanceRef[] = [];
    const byService = Map.groupBy(refs, ({ serviceId }) => serviceId);
    await eachLimited([...byService], parallel, async ([serviceId, wanted]) => {
      const list = await api.instances(view.tenant, serviceId);
      if (!list.ok) {
        troubles.push(list.trouble);
        reread(view, serviceId);
        return;
      }
      const there = new Set(list.value?.map(({ instanceId }) => instanceId));
      for (const ref of wanted) {
        if (there.has(ref.instanceId)) reread(view, serviceId);
        else absent.push(ref);
      }
    });
    return absent;
  };

  const confirmedServices = async (
    refs: readonly ServiceRef[],
    troubles: Trouble[],
  ): Promise<ServiceRef[]> => {
    const absent: ServiceRef[] = [];
    await eachLimited(refs, parallel, async (ref) => {
      const read = await api.service(view.tenant, ref.serviceId, true);
      if (!read.ok) troubles.push(read.trouble);
      else if (read.value === undefined) absent.push(ref);
    });
    return absent;
  };

  const noteInstances = (refs: readonly InstanceRef[], nowMs: number): void => {
    const lost = instanceLosses.add(nowMs, refs.length);
    const present = view.size - instances.size - refs.length;
    const suspicious = isSuspiciousLoss(lost, present + lost);
    for (const ref of refs) {
      const key = instanceKey(ref.serviceId, ref.instanceId);
      const entry = view.entryOf(ref.serviceId);
      const seen = entry?.instances.get(key);
      if (entry === undefined || seen === undefined) continue;
      const { leaseMs } = seen;
      const missing = { leaseMs, lastPresentMs: entry.lastReadMs, sinceMs: nowMs, suspicious };
      instances.set(key, { ref, missing, lost, hold: undefined });
    }
  };

  const noteServices = (refs: readonly ServiceRef[], nowMs: number): void => {
    const lost = serviceLosses.add(nowMs, refs.length);
    const present = view.services.size - services.size - refs.length;
    const suspicious = isSuspiciousLoss(lost, present + lost);
    for (const ref of refs) {
      const known = view.services.get(ref.serviceId);
      if (known === undefined) continue;
      const { lastPresentMs } = known;
      const missing = { leaseMs: defaultLeaseMs, lastPresentMs, sinceMs: nowMs, suspicious };
      services.set(ref.serviceId, { ref, missing, lost, hold: undefined });
    }
  };

  return {
    missingInstances(entry, refs) {
      const missing = new Map(
        refs.map((ref) => [instanceKey(ref.serviceId, ref.instanceId), ref] as const),
      );
      if (instances.size > 0) {
        for (const key of entry.instances.keys()) if (!missing.has(key)) instances.delete(key);
      }
      for (const [key, ref] of missing) if (!instances.has(key)) newInstances.set(key, ref);
    },
    missingServices(refs) {
      const missing = new Map(refs.map((ref) => [ref.serviceId, ref] as const));
      for (const serviceId of services.keys()) {
        if (!missing.has(serviceId)) services.delete(serviceId);
      }
      newServices = new Map();
      for (const [serviceId, ref] of missing) {
        if (!services.has(serviceId)) newServices.set(serviceId, ref);
      }
    },
    get noticed() {
      return { instances: newInstances.size, services: newServices.size };
    },
    get heldInstances() {
      return instances.size;
    },
    get suspicious() {
      return [...instances.values(), ...services.values()].some(
        ({ missing }) => missing.suspicious,
      );
    },

    async decide(around) {
      const troubles: Trouble[] = [];
      const freshInstances = await confirmed([...newInstances.values()], troubles);
      const freshServices = await confirmedServices([...newServices.values()], troubles);
      newInstances = new Map();
      newServices = new Map();
      if (freshInstances.length > 0) noteInstances(freshInstances, around.nowMs);
      if (freshServices.length > 0) noteServices(freshServices, around.nowMs);

      // Waited for: read once more before it is said. Just confirmed ones were read just now.
      const refilled = around.totalsAgree ? view.size - instances.size : 0;
      const judged = judgeAll(instances, around, refilled);
      const waited = judged.filter(({ proof }) => proof === 'absence').map(({ ref }) => ref);
      const stillAbsent = new Set(
        (await confirmed(waited, troubles)).map((ref) =>
          instanceKey(ref.serviceId, ref.instanceId),
        ),
      );
      const removedInstances = judged.filter(({ ref, proof }) => {
        const key = instanceKey(ref.serviceId, ref.instanceId);
        if (proof === 'absence' && !stillAbsent.has(key)) return false;
        instances.delete(key);
        view.removeInstance(ref);
        return true;
      });

      const emptied = judgeAll(services, around).filter(({ ref }) =>
        isEmptied(view, ref.serviceId),
      );
      const removedServices = emptied.map(({ ref, proof }) => {
        services.delete(ref.serviceId);
        view.removeService(ref);
        return { ...ref, proof };
      });
      return {
        removed: {
          removedInstances: removedInstances.map(({ ref, proof }) => ({ ...ref, proof })),
          removedServices,
        },
        troubles,
      };
    },

    held() {
      const holds = [...instances.values(), ...services.values()].flatMap(({ hold }) =>
        hold === undefined ? [] : [hold],
      );
      const [first] = holds;
      if (first === undefined) return undefined;
      const worst = holds.reduce((left, right) => (right.untilMs > left.untilMs ? right : left));
      return {
        reason: worst.reason,
        instances: instances.size,
        services: services.size,
        untilMs: worst.untilMs,
      };
    },
  };
}

/**
 * Judges all. `present`: how many are there now. Where as many are there as had left together, it was a
 * restart of applications: a registry that fills again while it answers has not lost its data.
 */
function judgeAll<R>(
  items: ReadonlyMap<string, HeldItem<R>>,
  around: Circumstances,
  present = 0,
): { readonly ref: R; readonly proof: 'tombstone' | 'absence' }[] {
  const gone: { ref: R; proof: 'tombstone' | 'absence' }[] = [];
  for (const item of items.values()) {
    const { missing, hold, lost } = item;
    const refilled = missing.suspicious && present >= lost;
    const verdict = judge(refilled ? { ...missing, suspicious: false } : missing, around);
    // What was held for another reason than its number was not seen leaving.
    const cleared = hold === undefined || (refilled && hold.reason === 'suspicious-loss');
    switch (verdict.kind) {
      case 'gone':
        gone.push({ ref: item.ref, proof: cleared ? verdict.proof : 'absence' });
        break;
      case 'hold':
        item.hold = { reason: verdict.reason, untilMs: verdict.untilMs };
        break;
    }
  }
  return gone;
}

function isEmptied(view: TenantView, serviceId: string): boolean {
  const prefix = `${serviceId}/`;
  for (const key of view.entryOf(serviceId)?.instances.keys() ?? []) {
    if (key.startsWith(prefix)) return false;
  }
  return true;
}

/** The two readings disagree, or the second failed: the name is read in full in the next round. */
function reread(view: TenantView, serviceId: string): void {
  const entry = view.entryOf(serviceId);
  if (entry !== undefined) entry.rev = '0';
}

function lossWindow(): { add(nowMs: number, count: number): number } {
  let losses: { readonly atMs: number; readonly count: number }[] = [];
  return {
    add(nowMs, count) {
      losses = losses.filter(({ atMs }) => atMs > nowMs - lossWindowMs);
      losses.push({ atMs: nowMs, count });
      return losses.reduce((sum, loss) => sum + loss.count, 0);
    },
  };
}
