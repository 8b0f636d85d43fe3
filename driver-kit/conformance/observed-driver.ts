// A started driver and everything that it has told, for the contract suite.

import type { Instance, Service } from '../../daemon/model/service.ts';
import type {
  InstanceRef,
  RegistryChange,
  RegistryCondition,
  RegistryDriver,
  RegistryMemory,
  RegistryObserver,
  ServiceRef,
} from '../../daemon/registry/driver.ts';
import { poll } from './poll.ts';

/** How long a change may take until it counts as never seen; machines are busy. */
const seenLimitMs = 60_000;

export interface ObservedDriver {
  readonly driver: RegistryDriver;
  readonly changes: readonly RegistryChange[];
  readonly conditions: readonly RegistryCondition[];
  /** The last condition's state, or its reason when unknown. */
  readonly condition: string;
  /** All removals of instances so far. */
  readonly removed: readonly RegistryChange['removedInstances'][number][];
  service(ref: ServiceRef): Service | undefined;
  instance(ref: InstanceRef): Instance | undefined;
  removal(ref: InstanceRef): RegistryChange['removedInstances'][number] | undefined;
  serviceRemoval(ref: ServiceRef): RegistryChange['removedServices'][number] | undefined;
  /** Waits until `look` gives something. */
  until<T>(look: () => T | undefined, limitMs?: number): Promise<T>;
  untilCondition(condition: string, limitMs?: number): Promise<void>;
  stop(): Promise<void>;
}

/** Starts `driver` and keeps what it tells. */
export function observe(driver: RegistryDriver, memory?: RegistryMemory): ObservedDriver {
  const changes: RegistryChange[] = [];
  const conditions: RegistryCondition[] = [];
  const services = new Map<string, Service>();
  const instances = new Map<string, Instance>();
  const key = (serviceId: string, instanceId: string): string => `${serviceId}/${instanceId}`;
  const observer: RegistryObserver = {
    changed(change) {
      changes.push(change);
      for (const service of change.services) services.set(service.serviceId, service);
      for (const instance of change.instances) {
        instances.set(key(instance.serviceId, instance.instanceId), instance);
      }
      for (const ref of change.removedInstances) {
        instances.delete(key(ref.serviceId, ref.instanceId));
      }
      for (const { serviceId } of change.removedServices) services.delete(serviceId);
    },
    condition(condition) {
      conditions.push(condition);
    },
  };
  driver.start(observer, memory);
  const observed: ObservedDriver = {
    driver,
    changes,
    conditions,
    get condition() {
      const last = conditions.at(-1);
      if (last === undefined) return '';
      return last.state === 'answering' ? last.state : last.reason;
    },
    get removed() {
      return changes.flatMap(({ removedInstances }) => removedInstances);
    },
    service: ({ serviceId }) => services.get(serviceId),
    instance: ({ serviceId, instanceId }) => instances.get(key(serviceId, instanceId)),
    removal: (ref) =>
      changes
        .flatMap(({ removedInstances }) => removedInstances)
        .find((gone) => gone.serviceId === ref.serviceId && gone.instanceId === ref.instanceId),
    serviceRemoval: (ref) =>
      changes
        .flatMap(({ removedServices }) => removedServices)
        .find(({ serviceId }) => serviceId === ref.serviceId),
    until: (look, limitMs = seenLimitMs) => poll(look, limitMs, 20),
    async untilCondition(condition, limitMs = seenLimitMs) {
      await poll(() => (observed.condition === condition ? true : undefined), limitMs, 20);
    },
    stop: () => driver.stop(),
  };
  return observed;
}
