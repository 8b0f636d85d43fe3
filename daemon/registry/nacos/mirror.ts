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
import { hash52 } from '../../support/hash.ts';
import { serviceFrom } from '../common/service-content.ts';
import type { InstanceRef, ServiceRef } from '../driver.ts';
import { contentText, decodeInstance, idOf, isNacosSync, stampIn } from './codec.ts';
import { contentKeys } from './metadata-keys.ts';
import { identityOf, parseServiceId, serviceIdOf, type Identity } from './service-id.ts';
import type { Address, NacosInstance, ServicePlace } from './wire.ts';

/** One instance as it was last listed. */
export interface Entry {
  readonly key: string;
  readonly place: ServicePlace;
  readonly id: string;
  readonly address: Address;
  readonly serviceId: string;
  readonly hash: number;
  readonly leaseMs: number;
  /** The cluster that it is a copy from; `undefined`: native. */
  readonly from: string | undefined;
  readonly content: string | undefined;
  /** A copy that an operator has hidden from consumers. */
  readonly hidden: boolean;
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
  #listed = 0;
  #others = 0;

  /** Number of instances in the view, those that are no longer listed included. */
  get size(): number {
    return this.#entries.size;
  }
  /** Number of instances that the server lists. */
  get listed(): number {
    return this.#listed;
  }
  /** Number of instances that nacos-sync has put here: neither native nor ours, and not in the view. */
  get others(): number {
    return this.#others;
  }
  /** Number of copies that an operator has hidden from consumers. */
  get hidden(): number {
    return [...this.#entries.values()].filter(({ hidden }) => hidden).length;
  }
  entry(place: ServicePlace, id: string): Entry | undefined {
    return this.#entries.get(entryKey(place, id));
  }
  entryOf(ref: Pick<InstanceRef, 'serviceId' | 'instanceId'>): Entry | undefined {
    const identity = parseServiceId(ref.serviceId);
    return identity === undefined ? undefined : this.entry(identity.place, ref.instanceId);
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
  applyAll(instances: readonly NacosInstance[]): Applied {
    const before = new Set(this.#entries.keys());
    const own = withoutTwins(instances.filter((each) => !isNacosSync(each)));
    this.#others = instances.filter(isNacosSync).length;
    const applied = this.#take(own, true);
    for (const key of own.keys()) before.delete(key);
    for (const key of before) this.#unlist(key);
    return applied;
  }

  /** Takes in what answered for itself while the list does not name it (yet, or any more). */
  applyUnlisted(instances: readonly NacosInstance[]): Applied {
    return this.#take(withoutTwins(instances), false);
  }

  /** Proven gone. */
  remove({ key }: Entry): void {
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

  #take(instances: ReadonlyMap<string, NacosInstance>, listed: boolean): Applied {
    const changed: Instance[] = [];
    const moved: InstanceRef[] = [];
    const touched = new Set<string>();
    for (const [key, from] of instances) {
      const before = this.#entries.get(key);
      const instance = decodeInstance(from);
      const { serviceId } = instance;
      const hash = hash52(contentText(instance));
      const content = from.metadata[contentKeys.service];
      const origin = stampIn(from)?.originCluster;
      if (before !== undefined && before.serviceId !== serviceId) {
        moved.push({ ...refOf(before.serviceId), instanceId: before.id });
        this.#services.get(before.serviceId)?.members.delete(key);
        touched.add(before.serviceId);
      }
      const same = before?.serviceId === serviceId && before.hash === hash;
      if (before !== undefined) this.#unlist(key);
      this.#entries.set(key, {
        key,
        place: { project: from.project, group: from.group, name: from.name },
        id: instance.instanceId,
        address: { ip: from.ip, port: from.port },
        serviceId,
        hash,
        leaseMs: Math.max(leaseSecondsOf(instance) * 1_000, from.leaseMs),
        from: origin,
        content,
        hidden: origin !== undefined && !from.enabled && !(contentKeys.status in from.metadata),
        listed,
      });
      if (listed) this.#listed += 1;
      if (!same) changed.push(instance);
      const serviceSame = same && before.from === origin && before.content === content;
      if (!serviceSame) touched.add(serviceId);
      this.#serviceOf(serviceId, from).members.add(key);
    }
    return { instances: changed, moved, touched };
  }

  #serviceOf(serviceId: string, from: NacosInstance): Known {
    let known = this.#services.get(serviceId);
    if (known === undefined) {
      const identity = identityOf(from, from.metadata);
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
   * native; of each kind the one that says most, for in some there was less room.
   */
  #serviceFrom({ identity, members }: Known): Service {
    const entries = [...members].flatMap((key) => this.#entries.get(key) ?? []);
    const natives = entries.filter(({ from }) => from === undefined);
    const [speaking] = (natives.length > 0 ? natives : entries).sort(
      (left, right) =>
        (right.content?.length ?? 0) - (left.content?.length ?? 0) || (left.id < right.id ? -1 : 1),
    );
    const { content, from } = speaking ?? {};
    return serviceFrom(identity.key, serviceIdOf(identity), content, from);
  }
}

/**
 * Two registrations of one id: a copy whose address has just changed, or one application that speaks
 * gRPC and HTTP. The one that consumers are told of counts, then the first by address.
 */
function withoutTwins(instances: readonly NacosInstance[]): ReadonlyMap<string, NacosInstance> {
  const own = new Map<string, NacosInstance>();
  for (const instance of instances) {
    const key = entryKey(instance, idOf(instance));
    const twin = own.get(key);
    if (twin === undefined || rankOf(instance) < rankOf(twin)) own.set(key, instance);
  }
  return own;
}

function rankOf({ enabled, healthy, ip, port }: NacosInstance): string {
  return `${enabled ? 0 : 1}${healthy ? 0 : 1} ${ip}:${port}`;
}

/** No name or group has a line break (peers.md §5, "Checks"). */
function entryKey({ project, group, name }: ServicePlace, id: string): string {
  return [project, group, name, id].join('\n');
}

function refOf(serviceId: string): ServiceRef {
  const key = parseServiceId(serviceId)?.key;
  return { domain: key?.domain ?? 'default', project: key?.project ?? 'default', serviceId };
}

/** Gives the reference of an entry. */
export function instanceRefOf({ serviceId, id }: Entry): InstanceRef {
  return { ...refOf(serviceId), instanceId: id };
}
