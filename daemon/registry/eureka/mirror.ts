// What the servers list, and the view that was told of it: an instance that is no longer listed stays
// in the view until its removal is proven. Of instances only hashes are kept (50,000 of them count);
// services are made from what their instances say.

import {
  leaseSecondsOf,
  serviceKeyText,
  type Instance,
  type Service,
  type ServiceKey,
} from '../../model/service.ts';
import { readInstanceStamp } from '../../model/stamp.ts';
import { hash52 } from '../../support/hash.ts';
import type { InstanceRef, ServiceRef } from '../driver.ts';
import { contentText, decodeInstance } from './codec.ts';
import { contentKeys } from './metadata-keys.ts';
import { serviceFrom } from '../common/service-content.ts';
import { identityOf, parseServiceId, serviceIdOf, type Identity } from './service-id.ts';
import { hashOf, type DeltaEntry, type EurekaInstance, type EurekaStatus } from './wire.ts';

/** One instance as it was last listed. */
export interface Entry {
  readonly app: string;
  readonly id: string;
  readonly serviceId: string;
  readonly hash: number;
  readonly status: EurekaStatus;
  /** Twice what it registered with: a renewal doubles it (peers.md §3, "Lease"). */
  readonly leaseMs: number;
  /** The cluster that it is a copy from; `undefined`: native. */
  readonly from: string | undefined;
  readonly content: string | undefined;
  readonly lastDirty: number;
  /** False: no longer listed, and not proven gone. */
  listed: boolean;
}

/** What a reading brought. */
export interface Applied {
  readonly instances: readonly Instance[];
  /** Left their service for another one before our eyes. */
  readonly moved: readonly InstanceRef[];
  /** Services whose instances changed. */
  readonly touched: ReadonlySet<string>;
}

interface Known {
  readonly identity: Identity;
  readonly members: Set<string>;
  told: string | undefined;
  service: Service | undefined;
}

export class Mirror {
  readonly #entries = new Map<string, Entry>();
  readonly #services = new Map<string, Known>();
  /** The id of the service that has this key. */
  readonly #byKey = new Map<string, string>();
  readonly #counts = new Map<EurekaStatus, number>();
  #listed = 0;

  /** Number of instances in the view, those that are no longer listed included. */
  get size(): number {
    return this.#entries.size;
  }
  /** Number of instances that the server lists. */
  get listed(): number {
    return this.#listed;
  }
  /** What the server's hash must be if the mirror is right. */
  get hash(): string {
    return hashOf(this.#counts);
  }
  entry(app: string, id: string): Entry | undefined {
    return this.#entries.get(entryKey(app, id));
  }
  /** The service as it was last told. */
  service(serviceId: string): Service | undefined {
    return this.#services.get(serviceId)?.service;
  }
  /** Where the service of this key is, if it is there. */
  identityOf(key: ServiceKey): Identity | undefined {
    const serviceId = this.#byKey.get(serviceKeyText(key));
    return serviceId === undefined ? undefined : this.#services.get(serviceId)?.identity;
  }
  /** Entries that are not listed any more. */
  missing(): readonly Entry[] {
    return this.#listed === this.#entries.size
      ? []
      : [...this.#entries.values()].filter(({ listed }) => !listed);
  }

  /** Takes in everything that the server lists; what it leaves out is missing from now on. */
  applyAll(instances: readonly EurekaInstance[]): Applied {
    const before = new Set(this.#entries.keys());
    const applied = this.#take(instances, true);
    for (const { app, id } of instances) before.delete(entryKey(app, id));
    for (const key of before) this.#unlist(key);
    return applied;
  }

  /** Takes in a delta. */
  applyDelta(entries: readonly DeltaEntry[]): Applied {
    const there = entries.filter(({ action }) => action !== 'DELETED');
    const applied = this.#take(
      there.map(({ instance }) => instance),
      true,
    );
    for (const { action, instance } of entries) {
      if (action === 'DELETED') this.#unlist(entryKey(instance.app, instance.id));
    }
    return applied;
  }

  /** Takes in what answered for itself while the list does not name it (yet, or any more). */
  applyUnlisted(instances: readonly EurekaInstance[]): Applied {
    return this.#take(instances, false);
  }

  /** Proven gone. */
  remove({ app, id }: Entry): void {
    const key = entryKey(app, id);
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#unlist(key);
    this.#entries.delete(key);
    this.#services.get(entry.serviceId)?.members.delete(key);
  }

  /** Gives, of the named services, those whose content is new, and those that nothing is left of. */
  settle(touched: Iterable<string>): {
    readonly changed: readonly Service[];
    readonly emptied: readonly ServiceRef[];
  } {
    const changed: Service[] = [];
    const emptied: ServiceRef[] = [];
    for (const serviceId of touched) {
      const known = this.#services.get(serviceId);
      if (known === undefined) continue;
      if (known.members.size === 0) {
        this.#services.delete(serviceId);
        const keyText = serviceKeyText(known.identity.key);
        if (this.#byKey.get(keyText) === serviceId) this.#byKey.delete(keyText);
        if (known.told !== undefined) emptied.push(refOf(serviceId));
        continue;
      }
      const service = this.#serviceFrom(known);
      const told = JSON.stringify(service);
      if (told === known.told) continue;
      known.told = told;
      known.service = service;
      changed.push(service);
    }
    return { changed, emptied };
  }

  #take(instances: readonly EurekaInstance[], listed: boolean): Applied {
    const changed: Instance[] = [];
    const moved: InstanceRef[] = [];
    const touched = new Set<string>();
    for (const from of instances) {
      const key = entryKey(from.app, from.id);
      const before = this.#entries.get(key);
      const instance = decodeInstance(from);
      const { serviceId } = instance;
      const hash = hash52(contentText(instance));
      const content = from.metadata[contentKeys.service];
      const origin = readInstanceStamp(from.metadata)?.originCluster;
      if (before?.serviceId !== undefined && before.serviceId !== serviceId) {
        moved.push({ ...refOf(before.serviceId), instanceId: from.id });
        this.#services.get(before.serviceId)?.members.delete(key);
        touched.add(before.serviceId);
      }
      const same = before?.serviceId === serviceId && before.hash === hash;
      if (before !== undefined) this.#unlist(key);
      this.#entries.set(key, {
        app: from.app,
        id: from.id,
        serviceId,
        hash,
        status: from.status,
        leaseMs: Math.max(leaseSecondsOf(instance), from.durationSeconds) * 2_000,
        from: origin,
        content,
        lastDirty: from.lastDirty,
        listed,
      });
      if (listed) this.#count(from.status, 1);
      if (!same) changed.push(instance);
      const serviceSame = same && before.from === origin && before.content === content;
      if (!serviceSame) touched.add(serviceId);
      this.#serviceOf(serviceId, from).members.add(key);
    }
    return { instances: changed, moved, touched };
  }

  #serviceOf(serviceId: string, from: EurekaInstance): Known {
    let known = this.#services.get(serviceId);
    if (known === undefined) {
      const identity = identityOf(from.app, from.metadata);
      known = { identity, members: new Set(), told: undefined, service: undefined };
      this.#services.set(serviceId, known);
      this.#byKey.set(serviceKeyText(identity.key), serviceId);
    }
    return known;
  }

  #unlist(key: string): void {
    const entry = this.#entries.get(key);
    if (entry?.listed !== true) return;
    entry.listed = false;
    this.#count(entry.status, -1);
  }

  #count(status: EurekaStatus, by: 1 | -1): void {
    this.#counts.set(status, (this.#counts.get(status) ?? 0) + by);
    this.#listed += by;
  }

  /**
   * What the service says of itself: an application's instances before copies, for they make it
   * native; of each kind the one that says something and was registered last.
   */
  #serviceFrom({ identity, members }: Known): Service {
    const entries = [...members].flatMap((key) => this.#entries.get(key) ?? []);
    const natives = entries.filter(({ from }) => from === undefined);
    const speaking = (natives.length > 0 ? natives : entries).sort(
      (left, right) =>
        Number(right.content !== undefined) - Number(left.content !== undefined) ||
        right.lastDirty - left.lastDirty ||
        (left.id < right.id ? -1 : 1),
    );
    const [speaker] = speaking;
    return serviceFrom(identity.key, serviceIdOf(identity), speaker?.content, speaker?.from);
  }
}

function entryKey(app: string, id: string): string {
  return `${app}/${id}`;
}

function refOf(serviceId: string): ServiceRef {
  const key = parseServiceId(serviceId)?.key;
  return { domain: key?.domain ?? 'default', project: key?.project ?? 'default', serviceId };
}

/** Gives the reference of an entry. */
export function instanceRefOf({ serviceId, id }: Entry): InstanceRef {
  return { ...refOf(serviceId), instanceId: id };
}

/** Gives an instance's place from its reference; `undefined`: no id of ours. */
export function placeOfRef(
  ref: Pick<InstanceRef, 'serviceId' | 'instanceId'>,
): { readonly app: string; readonly id: string } | undefined {
  const identity = parseServiceId(ref.serviceId);
  return identity === undefined ? undefined : { app: identity.app, id: ref.instanceId };
}

/** Gives the id of the service that an instance belongs to. */
export function serviceIdIn(instance: EurekaInstance): string {
  return serviceIdOf(identityOf(instance.app, instance.metadata));
}
