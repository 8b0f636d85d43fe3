// How a peer's instance becomes a copy in the local registry. Pure.

import { hash } from 'node:crypto';
import { encodeInstance, encodeService } from '../model/record-codec.ts';
import type { EndpointRewrite } from '../model/rules.ts';
import type { HealthCheck, Instance, Service, StringMap } from '../model/service.ts';
import { stampInstance, stampKeys, withoutStamp } from '../model/stamp.ts';
import { hash52 } from '../support/hash.ts';
import { rewriteEndpoints } from './rules.ts';

/** An instance's identity across clusters. */
export interface Origin {
  readonly cluster: string;
  readonly serviceId: string;
  readonly instanceId: string;
}

/**
 * Gives the id of the copy: 32 hex digits derived from the origin, so that registering it again
 * after any loss is idempotent and instances of two clusters never collide, even with equal ids.
 */
export function copyInstanceId(origin: Origin): string {
  const text = [origin.cluster, origin.serviceId, origin.instanceId].join('\n');
  return hash('sha1', text, 'hex').slice(0, 32);
}

export interface CopyOptions {
  readonly cluster: string;
  readonly endpoints: readonly EndpointRewrite[];
  readonly leaseSeconds: number;
  readonly quarantined: boolean;
  /** The writer's. */
  readonly epoch: number;
  /** Of the service in the local registry; empty while it is not known. */
  readonly localServiceId: string;
}

/** Gives the copy of `original`, stamped, with our lease. */
export function buildCopy(original: Instance, options: CopyOptions): Instance {
  const rewritten = rewriteEndpoints(original, options.endpoints);
  return {
    ...rewritten,
    serviceId: options.localServiceId,
    instanceId: copyInstanceId({
      cluster: options.cluster,
      serviceId: original.serviceId,
      instanceId: original.instanceId,
    }),
    status: options.quarantined ? 'OUTOFSERVICE' : original.status,
    properties: stampInstance(
      original.properties,
      {
        originCluster: options.cluster,
        originService: original.serviceId,
        originInstance: original.instanceId,
        epoch: options.epoch,
      },
      original.healthCheck,
    ),
    healthCheck: leaseCheck(options.leaseSeconds),
  };
}

/** Gives the push health check whose lease is `leaseSeconds` or the next that can be written. */
export function leaseCheck(leaseSeconds: number): HealthCheck {
  const parts = [4, 3, 5, 2].find((count) => leaseSeconds % count === 0) ?? 4;
  return {
    mode: 'push',
    port: 0,
    interval: Math.ceil(leaseSeconds / parts),
    times: parts - 1,
    url: '',
  };
}

/**
 * Gives the hash by which two copies count as equal: everything but what the registry sets
 * (`serviceId`, `version`) and the writer's epoch, which alone is no reason to write.
 */
export function copyHash(copy: Instance): number {
  const { [stampKeys.epoch]: _epoch, ...properties } = copy.properties;
  return hash52(encodeInstance({ ...copy, serviceId: '-', version: '', properties }));
}

/**
 * Gives the hash of what `updateService` brings over: properties, tags, schemas. Whatever else a
 * service has is fixed when it is made.
 */
export function serviceContentHash(service: Service): number {
  const known = serviceHashes.get(service);
  if (known !== undefined) return known;
  const computed = hashService(service);
  serviceHashes.set(service, computed);
  return computed;
}

/** Services are never changed in place, and their schemas can be large. */
const serviceHashes = new WeakMap<Service, number>();

function hashService(service: Service): number {
  const schemas = [...service.schemas].sort((left, right) => (left.id < right.id ? -1 : 1));
  return hash52(
    encodeService({
      ...blankService,
      properties: withoutStamp(service.properties),
      tags: service.tags,
      schemas,
    }),
  );
}

const blankService: Service = {
  serviceId: '-',
  domain: '',
  project: '',
  environment: '',
  app: '',
  name: '-',
  version: '',
  alias: '',
  description: '',
  level: '',
  status: '',
  registerBy: '',
  framework: undefined,
  properties: {},
  tags: {},
  schemas: [],
  paths: [],
};

/** Names the fields in which two copies differ, for people. */
export function differingFields(wanted: Instance, actual: Instance): readonly string[] {
  const fields: string[] = [];
  const compare = (name: string, left: unknown, right: unknown): void => {
    if (JSON.stringify(left) !== JSON.stringify(right)) fields.push(name);
  };
  compare('endpoints', wanted.endpoints, actual.endpoints);
  compare('hostName', wanted.hostName, actual.hostName);
  compare('status', wanted.status, actual.status);
  compare('properties', comparableProperties(wanted), comparableProperties(actual));
  compare('healthCheck', wanted.healthCheck, actual.healthCheck);
  compare('dataCenterInfo', wanted.dataCenterInfo, actual.dataCenterInfo);
  return fields;
}

function comparableProperties(instance: Instance): readonly (readonly [string, string])[] {
  const { [stampKeys.epoch]: _epoch, ...properties }: StringMap = instance.properties;
  return Object.entries(properties).sort(([left], [right]) => (left < right ? -1 : 1));
}

/** Gives what makes two instances the same provider: `scheme://host:port` of each endpoint. */
export function endpointKeys(instance: Pick<Instance, 'endpoints'>): readonly string[] {
  return instance.endpoints.map((endpoint) => endpoint.split('?', 1)[0] ?? endpoint);
}
