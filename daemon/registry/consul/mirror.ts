// What Consul lists, service by service, and the view that was told of it: an instance that is no longer
// listed stays in the view until its removal is proven. Of instances only hashes are kept; services are
// made from what their instances say.

import {
  leaseSecondsOf,
  serviceKeyText,
  type Instance,
  type Service,
  type ServiceKey,
} from '../../model/service.ts';
import type { InstanceStamp } from '../../model/stamp.ts';
import { hash52 } from '../../support/hash.ts';
import { serviceFrom } from '../common/service-content.ts';
import type { InstanceRef, ServiceRef } from '../driver.ts';
import { standingOf } from './census.ts';
import { contentText, decodeInstance, stampIn } from './codec.ts';
import { contentKeys, textIn } from './metadata.ts';
import { identityOf, parseServiceId, serviceIdOf, type Identity } from './service-id.ts';
import type { ConsulInstance } from './wire.ts';

/** One instance as it was last listed. */
export interface Entry {
  readonly node: string;
  /** Of the entry in Consul, unique on its node. */
  readonly id: string;
  /** Consul's name of the service. */
  readonly name: string;
  readonly serviceId: string;
  readonly instanceId: string;
  readonly hash: number;
  readonly leaseMs: number;
  /** `undefined`: native. */
  readonly stamp: InstanceStamp | undefined;
  readonly content: string | undefined;
  readonly modifyIndex: number;
  /** False: no longer listed, and not proven gone. */
  listed: boolean;
}

/** What a reading brought. */
export interface Applied {
  readonly instances: readonly Instance[];
  /** Services whose instances changed. */
  readonly touched: ReadonlySet<string>;
}

interface Known {
  readonly identity: Identity;
  readonly members: Set<string>;
  told: string | undefined;
  service: Service | undefined;
}

/** One name of Consul's: all of its instances are read together. */
interface Listing {
  /** `X-Consul-Index` of the last reading. */
  index: number;
  /** An application's own instance was among them. */
  native: boolean;
  /** Of the last reading (`census.ts`). */
  standing: string;
  readonly keys: Set<string>;
}

export class Mirror {
  readonly #entries = new Map<string, Entry>();
  readonly #listings = new Map<string, Listing>();
  readonly #services = new Map<string, Known>();
  /** The id of the service that has this key. */
  readonly #byKey = new Map<string, string>();
  #listed = 0;

  /** Number of instances in the view, those that are no longer listed included. */
  get size(): number {
    return this.#entries.size;
  }
  /** Number of instances that Consul lists. */
  get listed(): number {
    return this.#listed;
  }
  /** Names of Consul's with something in the view. */
  names(): IterableIterator<string> {
    return this.#listings.keys();
  }
  /** Index of the last reading of this name; 0: never read, or nothing of it left. */
  indexOf(name: string): number {
    return this.#listings.get(name)?.index ?? 0;
  }
  /** Where the instances of this name stood when they were last read; empty: there were none. */
  standingOf(name: string): string {
    return this.#listings.get(name)?.standing ?? '';
  }
  /** True unless there was nothing but copies when this name was last read. */
  isNative(name: string): boolean {
    return this.#listings.get(name)?.native ?? true;
  }
  /** Number of instances of this name in the view. */
  sizeOf(name: string): number {
    return this.#listings.get(name)?.keys.size ?? 0;
  }
  entry(serviceId: string, instanceId: string): Entry | undefined {
    return this.#entries.get(entryKey(serviceId, instanceId));
  }
  entries(): IterableIterator<Entry> {
    return this.#entries.values();
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

  /** Takes in all instances of one name; what is left out is missing from now on. */
  apply(name: string, index: number, instances: readonly ConsulInstance[]): Applied {
    const changed: Instance[] = [];
    const touched = new Set<string>();
    const listing = this.#listings.get(name) ?? {
      ...{ index, native: false, standing: '' },
      keys: new Set(),
    };
    listing.index = index;
    listing.standing = standingOf(instances);
    listing.native = instances.some((from) => stampIn(from) === undefined);
    const left = new Set(listing.keys);
    for (const [key, { from, instance }] of decodeAll(instances)) {
      left.delete(key);
      const before = this.#entries.get(key);
      const entry = entryOf(from, instance);
      const same = before?.hash === entry.hash;
      if (before !== undefined) this.#unlist(key);
      this.#entries.set(key, entry);
      this.#listed += 1;
      listing.keys.add(key);
      if (!same) changed.push(instance);
      const serviceSame =
        same &&
        before.stamp?.originCluster === entry.stamp?.originCluster &&
        before.content === entry.content;
      if (!serviceSame) touched.add(entry.serviceId);
      this.#serviceOf(entry.serviceId, from).members.add(key);
    }
    for (const key of left) this.#unlist(key);
    if (listing.keys.size > 0) this.#listings.set(name, listing);
    else this.#listings.delete(name);
    return { instances: changed, touched };
  }

  /** Proven gone. */
  remove({ serviceId, instanceId, name }: Entry): void {
    const key = entryKey(serviceId, instanceId);
    if (!this.#entries.has(key)) return;
    this.#unlist(key);
    this.#entries.delete(key);
    this.#services.get(serviceId)?.members.delete(key);
    const listing = this.#listings.get(name);
    listing?.keys.delete(key);
    if (listing?.keys.size === 0) this.#listings.delete(name);
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
      const service = this.#serviceFrom(known, serviceId);
      const told = JSON.stringify(service);
      if (told === known.told) continue;
      known.told = told;
      known.service = service;
      changed.push(service);
    }
    return { changed, emptied };
  }

  #serviceOf(serviceId: string, from: ConsulInstance): Known {
    let known = this.#services.get(serviceId);
    if (known === undefined) {
      const identity = identityOf(from.name, from.meta);
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
    this.#listed -= 1;
  }

  /**
   * What the service says of itself: an application's instances before copies, for they make it
   * native; of each kind the one that says something and was written last.
   */
  #serviceFrom({ identity, members }: Known, serviceId: string): Service {
    const entries = [...members].flatMap((key) => this.#entries.get(key) ?? []);
    const natives = entries.filter(({ stamp }) => stamp === undefined);
    const [speaker] = (natives.length > 0 ? natives : entries).sort(
      (left, right) =>
        Number(right.content !== undefined) - Number(left.content !== undefined) ||
        right.modifyIndex - left.modifyIndex ||
        (left.id < right.id ? -1 : 1),
    );
    return serviceFrom(identity.key, serviceId, speaker?.content, speaker?.stamp?.originCluster);
  }
}

/**
 * Gives the instances by their place in the view. Where two claim one place, an application's own goes
 * before a copy, and otherwise the first in the order of nodes: the same one in every reading.
 */
function decodeAll(
  instances: readonly ConsulInstance[],
): ReadonlyMap<string, { readonly from: ConsulInstance; readonly instance: Instance }> {
  const decoded = new Map<string, { from: ConsulInstance; instance: Instance }>();
  for (const from of instances) {
    const instance = decodeInstance(from);
    const key = entryKey(instance.serviceId, instance.instanceId);
    const other = decoded.get(key)?.from;
    if (other === undefined || goesBefore(from, other)) decoded.set(key, { from, instance });
  }
  return decoded;
}

function goesBefore(one: ConsulInstance, other: ConsulInstance): boolean {
  const [copied, otherCopied] = [stampIn(one) !== undefined, stampIn(other) !== undefined];
  return copied === otherCopied ? one.node < other.node : otherCopied;
}

function entryOf(from: ConsulInstance, instance: Instance): Entry {
  const { node, id, name, meta, modifyIndex } = from;
  const { serviceId, instanceId } = instance;
  return {
    node,
    id,
    name,
    serviceId,
    instanceId,
    hash: hash52(contentText(instance)),
    leaseMs: leaseSecondsOf(instance) * 1_000,
    stamp: stampIn(from),
    content: textIn(meta, contentKeys.service),
    modifyIndex,
    listed: true,
  };
}

function entryKey(serviceId: string, instanceId: string): string {
  return `${serviceId}/${instanceId}`;
}

function refOf(serviceId: string): ServiceRef {
  const key = parseServiceId(serviceId)?.key;
  return { domain: key?.domain ?? 'default', project: key?.project ?? 'default', serviceId };
}

/** Gives the reference of an entry. */
export function instanceRefOf({
  serviceId,
  instanceId,
}: Pick<Entry, 'serviceId' | 'instanceId'>): InstanceRef {
  return { ...refOf(serviceId), instanceId };
}

/** Gives the id of the service that an instance belongs to. */
export function serviceIdIn({ name, meta }: ConsulInstance): string {
  return serviceIdOf(identityOf(name, meta));
}
