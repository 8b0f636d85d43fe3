// What the local registry holds, natives and copies, as the driver last said or as we last wrote;
// with the indexes that the plan needs.

import { serviceKeyText, type Instance, type Service } from '../model/service.ts';
import { readInstanceStamp, readServiceStamp, type InstanceStamp } from '../model/stamp.ts';
import type { RegistryChange } from '../registry/driver.ts';
import { copyHash } from './copy.ts';

/** A stamped instance of the local registry. */
export interface LocalCopy {
  readonly instance: Instance;
  readonly stamp: InstanceStamp;
  /** `copyHash` of the content. */
  readonly hash: number;
}

/** A service of the local registry and what is under it, by local instance id. */
export interface LocalService {
  readonly keyText: string;
  readonly service: Service;
  /** The cluster that it was made from; `undefined` for a native one. */
  readonly madeBy: string | undefined;
  readonly natives: ReadonlyMap<string, Instance>;
  readonly copies: ReadonlyMap<string, LocalCopy>;
}

interface Entry {
  keyText: string;
  service: Service;
  madeBy: string | undefined;
  readonly natives: Map<string, Instance>;
  readonly copies: Map<string, LocalCopy>;
}

/** The view; services are known by id (unique in one registry) and by key. */
export class LocalView {
  readonly #byId = new Map<string, Entry>();
  readonly #byKey = new Map<string, Entry>();
  /** Cluster → `keyText` → number of its copies there. */
  readonly #copies = new Map<string, Map<string, number>>();
  #natives = 0;
  #newestEpoch = 0;

  /** Names the instances that go with the services that `change` removes, where it did not. */
  complete(change: RegistryChange): RegistryChange {
    if (change.removedServices.length === 0) return change;
    const implied = change.removedServices.flatMap((ref) => {
      const entry = this.#byId.get(ref.serviceId);
      const ids = entry === undefined ? [] : [...entry.natives.keys(), ...entry.copies.keys()];
      return ids.map((instanceId) => ({ ...ref, instanceId }));
    });
    return { ...change, removedInstances: [...change.removedInstances, ...implied] };
  }

  /** Takes in what the driver saw; gives the keys of the services that were touched. */
  apply(change: RegistryChange): ReadonlySet<string> {
    const touched = new Set<string>();
    const touch = (keyText: string | undefined): void => {
      if (keyText !== undefined) touched.add(keyText);
    };
    for (const service of change.services) {
      touch(this.#byId.get(service.serviceId)?.keyText);
      touch(this.putService(service));
    }
    for (const instance of change.instances) touch(this.putInstance(instance));
    for (const ref of change.removedInstances) {
      touch(this.removeInstance(ref.serviceId, ref.instanceId));
    }
    for (const { serviceId } of change.removedServices) touch(this.removeService(serviceId));
    return touched;
  }

  byKey(keyText: string): LocalService | undefined {
    return this.#byKey.get(keyText);
  }
  byId(serviceId: string): LocalService | undefined {
    return this.#byId.get(serviceId);
  }
  services(): Iterable<LocalService> {
    return this.#byId.values();
  }

  /** `keyText` of the services that hold copies from `cluster`. */
  keysWithCopiesOf(cluster: string): Iterable<string> {
    return this.#copies.get(cluster)?.keys() ?? [];
  }
  copiesOf(cluster: string): number {
    let sum = 0;
    for (const count of this.#copies.get(cluster)?.values() ?? []) sum += count;
    return sum;
  }
  /** The clusters of which there are copies. */
  clusters(): Iterable<string> {
    return this.#copies.keys();
  }
  get nativeInstances(): number {
    return this.#natives;
  }
  /** The newest writer's epoch that a stamp carried. */
  get newestEpoch(): number {
    return this.#newestEpoch;
  }

  /** Puts a service; gives its key. */
  putService(service: Service): string {
    const keyText = serviceKeyText(service);
    const madeBy = readServiceStamp(service.properties);
    const entry = this.#byId.get(service.serviceId);
    if (entry === undefined) {
      const made = { keyText, service, madeBy, natives: new Map(), copies: new Map() };
      this.#byId.set(service.serviceId, made);
      this.#byKey.set(keyText, made);
      return keyText;
    }
    if (entry.keyText !== keyText) this.#rekey(entry, keyText);
    entry.service = service;
    entry.madeBy = madeBy;
    return keyText;
  }

  /**
   * Puts an instance; gives its service's key, `undefined` when that is not known. `hash`: its
   * `copyHash`, where that is known already.
   */
  putInstance(instance: Instance, hash?: number): string | undefined {
    const entry = this.#byId.get(instance.serviceId);
    if (entry === undefined) return undefined;
    this.#drop(entry, instance.instanceId);
    const stamp = readInstanceStamp(instance.properties);
    if (stamp === undefined) {
      entry.natives.set(instance.instanceId, instance);
      this.#natives++;
    } else {
      entry.copies.set(instance.instanceId, {
        instance,
        stamp,
        hash: hash ?? copyHash(instance),
      });
      this.#newestEpoch = Math.max(this.#newestEpoch, stamp.epoch);
      this.#count(stamp.originCluster, entry.keyText, 1);
    }
    return entry.keyText;
  }

  /** Forgets an instance; gives its service's key, `undefined` when it was not known. */
  removeInstance(serviceId: string, instanceId: string): string | undefined {
    const entry = this.#byId.get(serviceId);
    return entry !== undefined && this.#drop(entry, instanceId) ? entry.keyText : undefined;
  }

  removeService(serviceId: string): string | undefined {
    const entry = this.#byId.get(serviceId);
    if (entry === undefined) return undefined;
    for (const instanceId of [...entry.natives.keys(), ...entry.copies.keys()]) {
      this.#drop(entry, instanceId);
    }
    this.#byId.delete(serviceId);
    if (this.#byKey.get(entry.keyText) === entry) this.#byKey.delete(entry.keyText);
    return entry.keyText;
  }

  #drop(entry: Entry, instanceId: string): boolean {
    if (entry.natives.delete(instanceId)) {
      this.#natives--;
      return true;
    }
    const copy = entry.copies.get(instanceId);
    if (copy === undefined) return false;
    entry.copies.delete(instanceId);
    this.#count(copy.stamp.originCluster, entry.keyText, -1);
    return true;
  }

  #rekey(entry: Entry, keyText: string): void {
    if (this.#byKey.get(entry.keyText) === entry) this.#byKey.delete(entry.keyText);
    for (const { stamp } of entry.copies.values()) {
      this.#count(stamp.originCluster, entry.keyText, -1);
      this.#count(stamp.originCluster, keyText, 1);
    }
    entry.keyText = keyText;
    this.#byKey.set(keyText, entry);
  }

  #count(cluster: string, keyText: string, by: number): void {
    let perKey = this.#copies.get(cluster);
    if (perKey === undefined) this.#copies.set(cluster, (perKey = new Map<string, number>()));
    const count = (perKey.get(keyText) ?? 0) + by;
    if (count > 0) perKey.set(keyText, count);
    else perKey.delete(keyText);
    if (perKey.size === 0) this.#copies.delete(cluster);
  }
}
