// ServiceCenter's JSON to the common model and back (servicecenter-api.md §4, §5). What an answer
// leaves out (empty lists and maps, zeros) is filled in; what has a wrong shape is an `AnswerError`.

import type {
  DataCenterInfo,
  HealthCheck,
  Instance,
  InstanceStatus,
  Schema,
  Service,
  ServicePath,
  StringMap,
} from '../../model/service.ts';
import type { Tenant } from './options.ts';

/** An answer that is JSON and not what its call should give; `message` says where. */
export class AnswerError extends Error {
  override readonly name = 'AnswerError';
}

type Json = Readonly<Record<string, unknown>>;

const emptyMap: StringMap = Object.freeze({});
const emptyList: readonly never[] = Object.freeze([]);
/** What the registry fills in where an instance names no health check (§5). */
export const defaultHealthCheck: HealthCheck = Object.freeze({
  mode: 'push',
  port: 0,
  interval: 30,
  times: 3,
  url: '',
});
const statuses = new Set<string>(['UP', 'DOWN', 'STARTING', 'OUTOFSERVICE', 'TESTING']);

/** Gives the instances of a list or find; `undefined` (an empty answer) gives none. */
export function decodeInstances(list: unknown): Instance[] {
  return listOf(list, 'instances').map(decodeInstance);
}

/** Gives the instance in `value`. */
export function decodeInstance(value: unknown): Instance {
  const json = objectOf(value, 'instance');
  const status = text(json, 'status');
  return {
    serviceId: required(json, 'serviceId'),
    instanceId: required(json, 'instanceId'),
    endpoints: json.endpoints === undefined ? emptyList : strings(json.endpoints, 'endpoints'),
    hostName: text(json, 'hostName'),
    status: statuses.has(status) ? (status as InstanceStatus) : 'UP',
    properties: stringMap(json.properties, 'properties'),
    healthCheck: decodeHealthCheck(json.healthCheck),
    dataCenterInfo: decodeDataCenter(json.dataCenterInfo),
    version: text(json, 'version'),
  };
}

/** A service as the list gives it: schema ids without texts, and no tags. */
export type ListedService = Omit<Service, 'tags' | 'schemas'> & {
  readonly schemaIds: readonly string[];
};

/** Gives the services of a list. */
export function decodeServices(body: unknown, tenant: Tenant): ListedService[] {
  if (body === undefined) throw new AnswerError('service list with an empty body');
  const list = objectOf(body, 'service list').services;
  return listOf(list, 'services').map((value) => decodeService(value, tenant));
}

/** Gives the service in `value`. */
export function decodeService(value: unknown, tenant: Tenant): ListedService {
  const json = objectOf(value, 'service');
  const framework =
    json.framework === undefined || json.framework === null
      ? undefined
      : objectOf(json.framework, 'framework');
  return {
    domain: tenant.domain,
    project: tenant.project,
    environment: text(json, 'environment'),
    app: text(json, 'appId'),
    name: required(json, 'serviceName'),
    version: text(json, 'version'),
    serviceId: required(json, 'serviceId'),
    alias: text(json, 'alias'),
    description: text(json, 'description'),
    level: text(json, 'level'),
    status: text(json, 'status'),
    registerBy: text(json, 'registerBy'),
    framework:
      framework === undefined
        ? undefined
        : { name: text(framework, 'name'), version: text(framework, 'version') },
    properties: stringMap(json.properties, 'properties'),
    schemaIds: json.schemas === undefined ? emptyList : strings(json.schemas, 'schemas'),
    paths: listOf(json.paths, 'paths').map(decodePath),
  };
}

/** Gives the schemas of `GET .../schemas?withSchema=1`, in the service's order of ids. */
export function decodeSchemas(body: unknown, ids: readonly string[]): Schema[] {
  const found = new Map<string, Schema>();
  const list = objectOf(body ?? {}, 'schemas').schemas;
  for (const entry of listOf(list, 'schemas')) {
    const json = objectOf(entry, 'schema');
    const id = required(json, 'schemaId');
    const schema = text(json, 'schema');
    found.set(id, { id, summary: text(json, 'summary'), text: schema === '' ? undefined : schema });
  }
  return ids.map((id) => found.get(id) ?? { id, summary: '', text: undefined });
}

/** Gives the tags of `GET .../tags`. */
export function decodeTags(body: unknown): StringMap {
  return stringMap(objectOf(body ?? {}, 'tags').tags, 'tags');
}

/** Gives the body of a registration. */
export function encodeInstance(instance: Instance): string {
  const { healthCheck, dataCenterInfo } = instance;
  return JSON.stringify({
    instance: {
      instanceId: instance.instanceId,
      endpoints: instance.endpoints,
      hostName: instance.hostName,
      status: instance.status,
      properties: instance.properties,
      ...(healthCheck === undefined ? {} : { healthCheck }),
      ...(dataCenterInfo === undefined ? {} : { dataCenterInfo }),
    },
  });
}

/** Gives the body that creates a service; tags and schema texts follow in calls of their own. */
export function encodeService(service: Service, alias: string, properties: StringMap): string {
  return JSON.stringify({
    service: {
      environment: service.environment,
      appId: service.app,
      serviceName: service.name,
      version: service.version,
      alias,
      description: service.description,
      ...(service.level === '' ? {} : { level: service.level }),
      ...(service.status === '' ? {} : { status: service.status }),
      ...(service.registerBy === '' ? {} : { registerBy: service.registerBy }),
      ...(service.framework === undefined ? {} : { framework: service.framework }),
      properties,
      schemas: service.schemas.map(({ id }) => id),
      paths: service.paths,
    },
  });
}

/** Gives a JSON object; throws `AnswerError`. */
export function objectOf(value: unknown, what: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new AnswerError(`${what} is not an object but ${shown(value)}`);
  }
  return value as Json;
}

/** Gives a JSON list; a missing one is empty (§2). */
export function listOf(value: unknown, what: string): readonly unknown[] {
  if (value === undefined || value === null) return emptyList;
  if (!Array.isArray(value)) throw new AnswerError(`${what} is not a list but ${shown(value)}`);
  return value;
}

function decodeHealthCheck(value: unknown): HealthCheck | undefined {
  if (value === undefined || value === null) return undefined;
  const json = objectOf(value, 'healthCheck');
  const check: HealthCheck = {
    mode: json.mode === 'pull' ? 'pull' : 'push',
    port: number(json, 'port'),
    interval: number(json, 'interval'),
    times: number(json, 'times'),
    url: text(json, 'url'),
  };
  // Most instances have the usual one: share it, 150,000 of them count.
  return isDefault(check) ? defaultHealthCheck : check;
}

function isDefault(check: HealthCheck): boolean {
  const { mode, port, interval, times, url } = check;
  return mode === 'push' && port === 0 && interval === 30 && times === 3 && url === '';
}

function decodeDataCenter(value: unknown): DataCenterInfo | undefined {
  if (value === undefined || value === null) return undefined;
  const json = objectOf(value, 'dataCenterInfo');
  return {
    name: text(json, 'name'),
    region: text(json, 'region'),
    availableZone: text(json, 'availableZone'),
  };
}

function decodePath(value: unknown): ServicePath {
  const json = objectOf(value, 'path');
  return { path: text(json, 'path'), property: stringMap(json.property, 'property') };
}

function stringMap(value: unknown, what: string): StringMap {
  if (value === undefined || value === null) return emptyMap;
  const json = objectOf(value, what);
  for (const key in json) {
    if (typeof json[key] !== 'string') {
      throw new AnswerError(`${what}.${key} is not a text but ${shown(json[key])}`);
    }
  }
  return json as StringMap;
}

function strings(value: unknown, what: string): readonly string[] {
  const list = listOf(value, what);
  for (const entry of list) {
    if (typeof entry !== 'string') {
      throw new AnswerError(`${what} has an entry that is not a text but ${shown(entry)}`);
    }
  }
  return list as readonly string[];
}

function required(json: Json, key: string): string {
  const value = text(json, key);
  if (value === '') throw new AnswerError(`${key} is missing`);
  return value;
}

function text(json: Json, key: string): string {
  const value = json[key];
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw new AnswerError(`${key} is not a text but ${shown(value)}`);
  return value;
}

function number(json: Json, key: string): number {
  const value = json[key] ?? 0;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw new AnswerError(`${key} is not a whole number but ${shown(value)}`);
  }
  return value;
}

function shown(value: unknown): string {
  return JSON.stringify(value).slice(0, 60);
}
