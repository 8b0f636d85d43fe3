// Records' content to bytes and back (proto/syncer/replication/v1/replication.proto). Equal content
// gives equal bytes: maps are written sorted by key.

import {
  Instance as InstanceMessage,
  Service as ServiceMessage,
  type Pair,
} from '../../proto/gen/syncer/replication/v1/replication.ts';
import type { HealthCheck, Instance, InstanceStatus, Service, StringMap } from './service.ts';

/** Thrown when a payload is not what its kind says; `message` names the field and its value. */
export class RecordError extends Error {
  override readonly name = 'RecordError';
}

const statuses: readonly string[] = ['UP', 'DOWN', 'STARTING', 'OUTOFSERVICE', 'TESTING'];

/** Gives the bytes of a service. */
export function encodeService(service: Service): Uint8Array {
  return ServiceMessage.encode(
    ServiceMessage.fromPartial({
      ...service,
      framework: service.framework,
      properties: pairs(service.properties),
      tags: pairs(service.tags),
      schemas: [...service.schemas],
      paths: service.paths.map(({ path, property }) => ({ path, property: pairs(property) })),
    }),
  ).finish();
}

/** Gives the service in `payload`; throws `RecordError`. */
export function decodeService(payload: Uint8Array): Service {
  const message = parse('service', () => ServiceMessage.decode(payload));
  if (message.serviceId === '' || message.name === '') {
    throw new RecordError(`service record without ${message.serviceId === '' ? 'id' : 'name'}`);
  }
  return {
    ...message,
    properties: map(message.properties),
    tags: map(message.tags),
    schemas: message.schemas.map(({ id, summary, text }) => ({ id, summary, text })),
    paths: message.paths.map(({ path, property }) => ({ path, property: map(property) })),
    framework: message.framework,
  };
}

/** Gives the bytes of an instance. */
export function encodeInstance(instance: Instance): Uint8Array {
  return InstanceMessage.encode(
    InstanceMessage.fromPartial({
      ...instance,
      endpoints: [...instance.endpoints],
      properties: pairs(instance.properties),
      healthCheck: instance.healthCheck,
      dataCenterInfo: instance.dataCenterInfo,
    }),
  ).finish();
}

/** Gives the instance in `payload`; throws `RecordError`. */
export function decodeInstance(payload: Uint8Array): Instance {
  const message = parse('instance', () => InstanceMessage.decode(payload));
  if (message.serviceId === '' || message.instanceId === '') {
    throw new RecordError(
      `instance record without ${message.serviceId === '' ? 'service id' : 'instance id'}`,
    );
  }
  return {
    ...message,
    status: instanceStatus(message.status),
    properties: map(message.properties),
    healthCheck: message.healthCheck === undefined ? undefined : healthCheck(message.healthCheck),
    dataCenterInfo: message.dataCenterInfo,
  };
}

function instanceStatus(text: string): InstanceStatus {
  if (!statuses.includes(text)) throw new RecordError(`instance record with status '${text}'`);
  return text as InstanceStatus;
}

function healthCheck(message: Omit<HealthCheck, 'mode'> & { mode: string }): HealthCheck {
  const { mode } = message;
  if (mode !== 'push' && mode !== 'pull') {
    throw new RecordError(`instance record with health check mode '${mode}'`);
  }
  return { ...message, mode };
}

function parse<T>(kind: string, decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    throw new RecordError(`${kind} record that is not protobuf`, { cause });
  }
}

function pairs(values: StringMap): Pair[] {
  return Object.keys(values)
    .sort()
    .map((key) => ({ key, value: values[key] ?? '' }));
}

function map(list: readonly Pair[]): StringMap {
  return Object.fromEntries(list.map(({ key, value }) => [key, value]));
}
