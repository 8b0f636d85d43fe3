// What is known of one domain and project: services in full, of instances only a hash and the lease
// (150,000 of them count), by service name, which is the unit of the change feed.

import { leaseSecondsOf, type Instance, type Service } from '../../model/service.ts';
import type { InstanceRef, ServiceRef } from '../driver.ts';
import type { NameKey } from './api.ts';
import { detailsHash, instanceHash, listedServiceHash } from './content.ts';
import type { Tenant } from './options.ts';
import { decodeInstance, type ListedService } from './wire.ts';

interface SeenInstance {
  readonly hash: number;
  readonly leaseMs: number;
}

interface KnownService {
  readonly service: Service;
  readonly schemaIds: readonly string[];
  readonly listedHash: number;
  readonly detailsHash: number;
  /** When the last list that named it was asked for. */
  lastPresentMs: number;
}

/** All versions of one service name. */
export interface NameEntry {
  readonly key: NameKey;
  /** Of the last find; `'0'` makes the server read everything, past its cache (§7). */
  rev: string;
  /** When the last reading that was taken in whole began: what it named was there then. */
  lastReadMs: number;
  /** When a reading last brought something new for it; undefined: not since the first one. */
  changedAtMs: number | undefined;
  /** By `instanceKey`. */
  readonly instances: Map<string, SeenInstance>;
}

/** What a reading of one name brought. */
interface FoundChange {
  readonly changed: readonly Instance[];
  readonly missing: readonly InstanceRef[];
  /** Ids of services that no list named yet. */
  readonly unknownServices: readonly string[];
}

export interface TenantView {
  readonly tenant: Tenant;
  readonly services: ReadonlyMap<string, KnownService>;
  readonly names: ReadonlyMap<string, NameEntry>;
  /** Number of instances, those that are held included. */
  readonly size: number;
  /** Takes a list in; gives services that are new or differ (their details are to be read). */
  compareList(
    listed: readonly ListedService[],
    askedMs: number,
  ): { readonly differing: readonly ListedService[]; readonly missing: readonly ServiceRef[] };
  /** Puts a service in; gives it when its content changed. */
  putService(
    listed: ListedService,
    details: Pick<Service, 'tags' | 'schemas'>,
    askedMs: number,
  ): Service | undefined;
  /** Takes the answer of a find for one name in. Nothing is removed here. */
  applyFound(entry: NameEntry, found: readonly unknown[], rev: string): FoundChange;
  /** All instances of a name whose every service is unknown to the registry. */
  allOf(entry: NameEntry): readonly InstanceRef[];
  entryOf(serviceId: string): NameEntry | undefined;
  removeInstance(ref: InstanceRef): void;
  removeService(ref: ServiceRef): void;
  forgetRevisions(): void;
}

export function instanceKey(serviceId: string, instanceId: string): string {
  return `${serviceId}/${instanceId}`;
}

function nameText({ environment, app, name }: NameKey): string {
  return `${environment}|${app}|${name}`;
}

/** The registry's own service (§13): never part of the view. */
function isRegistryItself(service: Pick<ListedService, 'app' | 'name'>): boolean {
  return service.name === 'SERVICECENTER' && service.app === 'default';
}

/** Gives an empty view. */
export function createTenantView(tenant: Tenant): TenantView {
  const services = new Map<string, KnownService>();
  const names = new Map<string, NameEntry>();
  let size = 0;

  const refOf = (key: string): InstanceRef => {
    const slash = key.indexOf('/');
    return { ...tenant, serviceId: key.slice(0, slash), instanceId: key.slice(slash + 1) };
  };
  const nameOf = ({ environment, app, name }: NameKey): NameKey => ({ environment, app, name });

  const view: TenantView = {
    tenant,
    services,
    names,
    get size() {
      return size;
    },

    compareList(listed, askedMs) {
      const present = new Set<string>();
      const differing: ListedService[] = [];
      for (const service of listed) {
        if (isRegistryItself(service)) continue;
        present.add(service.serviceId);
        const known = services.get(service.serviceId);
        if (known !== undefined) known.lastPresentMs = askedMs;
        if (known?.listedHash !== listedServiceHash(service)) differing.push(service);
      }
      const missing: ServiceRef[] = [];
      for (const serviceId of services.keys()) {
        if (!present.has(serviceId)) missing.push({ ...tenant, serviceId });
      }
      return { differing, missing };
    },

    putService(listed, details, askedMs) {
      const { schemaIds, ...rest } = listed;
      const known = services.get(listed.serviceId);
      const next: KnownService = {
        service: { ...rest, tags: details.tags, schemas: details.schemas },
        schemaIds,
        listedHash: listedServiceHash(listed),
        detailsHash: detailsHash(details),
        lastPresentMs: Math.max(askedMs, known?.lastPresentMs ?? 0),
      };
      services.set(listed.serviceId, next);
      const text = nameText(listed);
      if (!names.has(text)) {
        names.set(text, {
          key: nameOf(listed),
          rev: '0',
          lastReadMs: askedMs,
          changedAtMs: undefined,
          instances: new Map(),
        });
      } else if (known === undefined) {
        // A new version of a known name: its instances were left out of the last find.
        const entry = names.get(text);
        if (entry !== undefined) entry.rev = '0';
      }
      const same = known?.listedHash === next.listedHash && known.detailsHash === next.detailsHash;
      return same ? undefined : next.service;
    },

    applyFound(entry, found, rev) {
      const changed: Instance[] = [];
      const unknownServices = new Set<string>();
      const present = new Set<string>();
      for (const value of found) {
        const instance = decodeInstance(value);
        const service = services.get(instance.serviceId);
        if (service === undefined) {
          unknownServices.add(instance.serviceId);
          continue;
        }
        // A name that is another service's alias finds that one's instances (§4).
        if (nameText(service.service) !== nameText(entry.key)) continue;
        const key = instanceKey(instance.serviceId, instance.instanceId);
        present.add(key);
        const hash = instanceHash(instance);
        const known = entry.instances.get(key);
        if (known?.hash === hash) continue;
        if (known === undefined) size += 1;
        entry.instances.set(key, { hash, leaseMs: leaseMsOf(instance) });
        changed.push(instance);
      }
      const missing: InstanceRef[] = [];
      for (const key of entry.instances.keys()) if (!present.has(key)) missing.push(refOf(key));
      entry.rev = unknownServices.size === 0 ? rev : '0';
      return { changed, missing, unknownServices: [...unknownServices] };
    },

    allOf: (entry) => [...entry.instances.keys()].map(refOf),

    entryOf(serviceId) {
      const known = services.get(serviceId);
      return known === undefined ? undefined : names.get(nameText(known.service));
    },

    removeInstance({ serviceId, instanceId }) {
      const entry = view.entryOf(serviceId);
      if (entry?.instances.delete(instanceKey(serviceId, instanceId)) === true) size -= 1;
    },

    removeService({ serviceId }) {
      const entry = view.entryOf(serviceId);
      services.delete(serviceId);
      if (entry === undefined) return;
      const text = nameText(entry.key);
      const others = [...services.values()].some(({ service }) => nameText(service) === text);
      if (!others) names.delete(text);
    },

    forgetRevisions() {
      for (const entry of names.values()) entry.rev = '0';
    },
  };
  return view;
}

/** A lease is at least 2 s (§5). */
function leaseMsOf(instance: Instance): number {
  return Math.max(2, leaseSecondsOf(instance)) * 1_000;
}
