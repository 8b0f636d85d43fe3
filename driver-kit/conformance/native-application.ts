// What an application does at its registry, in the words of the common model: each fixture of the
// contract suite brings one, speaking to the registry without the driver.

import type { Instance, InstanceStatus, Service, StringMap } from '../../daemon/model/service.ts';
import type { InstanceRef, ServiceRef, WriteResult } from '../../daemon/registry/driver.ts';

export interface NativeApplication {
  /** Registers `service` with its tags and schemas; gives its id. */
  registerService(service: Service): Promise<ServiceRef>;
  /** Registers an instance under `service`; its lease is not renewed. */
  registerInstance(service: ServiceRef, instance: Instance): Promise<InstanceRef>;
  renew(ref: InstanceRef): Promise<void>;
  removeInstance(ref: InstanceRef): Promise<void>;
  setStatus(ref: InstanceRef, status: InstanceStatus): Promise<void>;
  setProperties(ref: InstanceRef, properties: StringMap): Promise<void>;
  setServiceProperties(ref: ServiceRef, properties: StringMap): Promise<void>;
  setTags(ref: ServiceRef, tags: StringMap): Promise<void>;
  setSchema(ref: ServiceRef, id: string, text: string, summary: string): Promise<void>;
  removeService(ref: ServiceRef): Promise<void>;
  /** Ids of the instances that the registry itself has of `service`. */
  instanceIds(service: ServiceRef): Promise<readonly string[]>;
}

let counter = 0;

/** Gives a service with every field filled, under a name that no other test has. */
export function sampleService(change: Partial<Service> = {}): Service {
  counter += 1;
  return {
    domain: 'default',
    project: 'default',
    environment: 'development',
    app: 'shop',
    name: `orders-${counter}`,
    version: '1.2.3',
    serviceId: '',
    alias: `orders-alias-${counter}`,
    description: 'takes orders',
    level: 'FRONT',
    status: 'UP',
    registerBy: 'SDK',
    framework: { name: 'ServiceComb', version: '2.8' },
    properties: { team: 'blue', empty: '' },
    tags: { zone: 'north' },
    schemas: [
      { id: 'order', summary: 'first', text: 'swagger: "2.0"' },
      { id: 'refund', summary: 'second', text: '{"swagger":"2.0"}' },
    ],
    paths: [{ path: '/orders', property: { checksession: 'false' } }],
    ...change,
  };
}

/** Gives an instance with every field filled, at an address of its own; its lease is 120 s. */
export function sampleInstance(change: Partial<Instance> = {}): Instance {
  counter += 1;
  const host = `10.0.${Math.floor(counter / 250)}.${1 + (counter % 250)}`;
  return {
    serviceId: '',
    instanceId: `instance-${counter}`,
    endpoints: [`rest://${host}:8080?sslEnabled=true`, `highway://${host}:7070`],
    hostName: 'host-1',
    status: 'UP',
    properties: { weight: '5', note: 'ä "quoted" \\' },
    healthCheck: { mode: 'push', port: 81, interval: 30, times: 3, url: '/health' },
    dataCenterInfo: { name: 'dc', region: 'r1', availableZone: 'az1' },
    version: '1.2.3',
    ...change,
  };
}

/** Gives what a write gave; throws with its failure. */
export function value<T>(result: WriteResult<T>): T {
  if (!result.ok) throw new Error(`${result.failure.code}: ${result.failure.detail}`);
  return result.value;
}

/** Gives the code of a write's failure, or `ok`. */
export function failureCode(result: WriteResult<unknown>): string {
  return result.ok ? 'ok' : result.failure.code;
}
