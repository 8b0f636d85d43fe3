// The data of a registry: services and instances with their revisions and indexes. What etcd holds
// and what the server's cache shows are kept apart, because they may differ (servicecenter-api.md §10).

import { hash } from 'node:crypto';
import type { Instance, Service, ServiceKey, Tenant } from './content.ts';
import { tenantPath } from './content.ts';
import type { Lease } from './leases.ts';
import { versionOrder } from './versions.ts';

export interface InstanceRecord {
  readonly service: ServiceRecord;
  readonly instanceId: string;
  /** What a read past the cache gives. */
  truth: Instance;
  /** What an ordinary read gives; the same object unless the cache is damaged. */
  cached: Instance;
  rev: number;
  lease: Lease<InstanceRecord>;
  renewals: number;
  lastRenewedBy: string;
}

interface SchemaRecord {
  readonly text: string;
  readonly summary: string;
  /** Revision of the summary's own key. */
  readonly summaryRev: number;
}

export interface ServiceRecord {
  readonly tenant: TenantRecord;
  readonly serviceId: string;
  readonly version: string;
  readonly order: string;
  /** Revision of its index and alias keys: that of its creation. */
  readonly createdRev: number;
  truth: Service;
  cached: Service;
  rev: number;
  tags: Readonly<Record<string, string>>;
  /** Undefined until tags were written once. */
  tagsRev: number | undefined;
  readonly schemas: Map<string, SchemaRecord>;
  readonly instances: Map<string, InstanceRecord>;
  /** Highest revision among its instances; undefined: to be computed. */
  highestRev: number | undefined;
}

export interface TenantRecord extends Tenant {
  readonly path: string;
  readonly services: Map<string, ServiceRecord>;
  /** By `environment/appId/serviceName`: its versions, newest first. */
  readonly names: Map<string, ServiceRecord[]>;
  /** By `environment/appId/alias`: likewise. */
  readonly aliases: Map<string, ServiceRecord[]>;
  instanceCount: number;
  /** By consumer (`environment/appId/serviceName/version`): the providers it named. */
  readonly dependencies: Map<string, ServiceKey[]>;
}

/** Revision of a find that found nothing: SHA-1 of `0.0,`. */
export const emptyRevision = hash('sha1', '0.0,', 'hex');

/** Gives the opaque revision of a find from the highest revision found and the count (§7). */
export function findRevision(highestRev: number, count: number): string {
  return count === 0 ? emptyRevision : hash('sha1', `${highestRev}.${count},`, 'hex');
}

/** Gives the index key of a service, whose SHA-1 is its id unless it brings its own (§4). */
export function indexKey(tenant: Tenant, path: string): string {
  return `/cse-sr/ms/indexes/${tenantPath(tenant)}/${path}`;
}

/** The name under which versions of a service are found together. */
export function nameKey(environment: string, appId: string, name: string): string {
  return `${environment}/${appId}/${name}`;
}

export class Store {
  readonly tenants = new Map<string, TenantRecord>();
  #revision = 1;

  /** Takes the next revision, as one transaction of etcd does. */
  nextRevision(): number {
    this.#revision += 1;
    return this.#revision;
  }

  get revision(): number {
    return this.#revision;
  }

  /** Gives the tenant, or undefined if nothing was ever stored there. */
  tenant(tenant: Tenant): TenantRecord | undefined {
    return this.tenants.get(tenantPath(tenant));
  }

  /** Gives the tenant, making it: it comes into being with the first write (§13). */
  openTenant(tenant: Tenant): TenantRecord {
    const path = tenantPath(tenant);
    let record = this.tenants.get(path);
    if (record === undefined) {
      record = {
        domain: tenant.domain,
        project: tenant.project,
        path,
        services: new Map(),
        names: new Map(),
        aliases: new Map(),
        instanceCount: 0,
        dependencies: new Map(),
      };
      this.tenants.set(path, record);
    }
    return record;
  }

  service(tenant: Tenant, serviceId: string): ServiceRecord | undefined {
    return this.tenant(tenant)?.services.get(serviceId);
  }

  instance(tenant: Tenant, serviceId: string, instanceId: string): InstanceRecord | undefined {
    return this.service(tenant, serviceId)?.instances.get(instanceId);
  }

  addService(tenant: Tenant, service: Service): ServiceRecord {
    const home = this.openTenant(tenant);
    const rev = this.nextRevision();
    const record: ServiceRecord = {
      tenant: home,
      serviceId: service.serviceId,
      version: service.version,
      order: versionOrder(service.version),
      createdRev: rev,
      truth: service,
      cached: service,
      rev,
      tags: {},
      tagsRev: undefined,
      schemas: new Map(),
      instances: new Map(),
      highestRev: 0,
    };
    home.services.set(service.serviceId, record);
    for (const [index, key] of indexesOf(record)) {
      const versions = index.get(key) ?? [];
      versions.push(record);
      versions.sort((left, right) => (left.order < right.order ? 1 : -1));
      index.set(key, versions);
    }
    return record;
  }

  /** Removes the service; its instances must be gone already. */
  removeService(record: ServiceRecord): void {
    this.nextRevision();
    record.tenant.services.delete(record.serviceId);
    for (const [index, key] of indexesOf(record)) {
      const left = (index.get(key) ?? []).filter((other) => other !== record);
      if (left.length === 0) index.delete(key);
      else index.set(key, left);
    }
  }

  /** Stores changed content of a service; the cache follows at once. */
  writeService(record: ServiceRecord, service: Service): void {
    record.truth = record.cached = service;
    record.rev = this.nextRevision();
  }

  addInstance(record: InstanceRecord): void {
    record.service.instances.set(record.instanceId, record);
    record.service.tenant.instanceCount += 1;
    raiseRev(record.service, record.rev);
  }

  writeInstance(record: InstanceRecord, instance: Instance): void {
    record.truth = record.cached = instance;
    record.rev = this.nextRevision();
    raiseRev(record.service, record.rev);
  }

  /** Removes the instance; false if it was gone already. */
  removeInstance(record: InstanceRecord): boolean {
    if (record.service.instances.get(record.instanceId) !== record) return false;
    this.nextRevision();
    record.service.instances.delete(record.instanceId);
    record.service.tenant.instanceCount -= 1;
    if (record.service.highestRev === record.rev) record.service.highestRev = undefined;
    return true;
  }

  /** Forgets everything, as a server that starts on an empty data directory. */
  clear(): void {
    this.tenants.clear();
    this.#revision = 1;
  }
}

/** Gives the highest revision among the instances of a service; 0 without instances. */
export function highestRevOf(record: ServiceRecord): number {
  if (record.highestRev === undefined) {
    let highest = 0;
    for (const { rev } of record.instances.values()) highest = Math.max(highest, rev);
    record.highestRev = highest;
  }
  return record.highestRev;
}

function raiseRev(record: ServiceRecord, rev: number): void {
  if (record.highestRev !== undefined) record.highestRev = Math.max(record.highestRev, rev);
}

function indexesOf(record: ServiceRecord): [Map<string, ServiceRecord[]>, string][] {
  const { environment = '', appId, serviceName, alias } = record.truth;
  const { names, aliases } = record.tenant;
  const indexes: [Map<string, ServiceRecord[]>, string][] = [
    [names, nameKey(environment, appId, serviceName)],
  ];
  if (alias !== undefined) indexes.push([aliases, nameKey(environment, appId, alias)]);
  return indexes;
}
