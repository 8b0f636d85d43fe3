// The file of endpoints: YAML or JSON, services with their instances under them, or side by side. What
// may be left out has a usual value; what is wrong is named with its place.

import { createHash } from 'node:crypto';
import type {
  HealthCheck,
  Instance,
  InstanceStatus,
  Schema,
  Service,
  ServiceKey,
  Snapshot,
  StringMap,
} from '@servicecenter-syncer/driver-kit';
import { parseDocument } from 'yaml';

/** A file that does not say what it should. */
export class FormatError extends Error {
  override readonly name = 'FormatError';
}

type Fields = Readonly<Record<string, unknown>>;

const statuses: readonly InstanceStatus[] = ['UP', 'DOWN', 'STARTING', 'OUTOFSERVICE', 'TESTING'];

/** Gives the id of a service: the same for the same key, here and in the file of copies. */
export function serviceIdOf(key: ServiceKey): string {
  const { domain, project, environment, app, name, version } = key;
  const whole = JSON.stringify([domain, project, environment, app, name, version]);
  return `${name}-${createHash('sha256').update(whole).digest('hex').slice(0, 12)}`;
}

/** Gives what a file says; JSON is YAML, too. Throws `FormatError` with the place of the mistake. */
export function parseFile(text: string): Snapshot {
  const document = parseDocument(text, { prettyErrors: false });
  const [mistake] = document.errors;
  if (mistake !== undefined) throw new FormatError(mistake.message);
  let content: unknown;
  try {
    content = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new FormatError(String(error), { cause: error });
  }
  if (content === null) return { services: [], instances: [] };
  const root = fields(content, 'the file');
  const instances: Instance[] = [];
  const services = list(root.services, 'services').map((value, index) => {
    const place = `services[${index}]`;
    const service = readService(fields(value, place), place);
    for (const [at, inner] of list(
      fields(value, place).instances,
      `${place}.instances`,
    ).entries()) {
      instances.push(readInstance(inner, service, `${place}.instances[${at}]`));
    }
    return service;
  });
  const byId = new Map(services.map((service) => [service.serviceId, service]));
  for (const [index, value] of list(root.instances, 'instances').entries()) {
    const place = `instances[${index}]`;
    const serviceId = word(fields(value, place).service, `${place}.service`);
    const version = byId.get(serviceId)?.version ?? '';
    instances.push(readInstance(value, { serviceId, version }, place));
  }
  return { services, instances };
}

function readService(given: Fields, place: string): Service {
  const at = (name: string): string => `${place}.${name}`;
  const optional = (name: string, usual: string): string =>
    given[name] === undefined ? usual : text(given[name], at(name));
  const key: ServiceKey = {
    domain: optional('domain', 'default'),
    project: optional('project', 'default'),
    environment: optional('environment', ''),
    app: optional('app', 'default'),
    name: word(given.name, at('name')),
    version: optional('version', '1.0.0'),
  };
  const { framework } = given;
  return {
    ...key,
    serviceId: serviceIdOf(key),
    alias: optional('alias', ''),
    description: optional('description', ''),
    level: optional('level', 'BACK'),
    status: optional('status', 'UP'),
    registerBy: optional('registerBy', ''),
    framework:
      framework === undefined
        ? undefined
        : {
            name: text(fields(framework, at('framework')).name, at('framework.name')),
            version: text(fields(framework, at('framework')).version, at('framework.version')),
          },
    properties: map(given.properties, at('properties')),
    tags: map(given.tags, at('tags')),
    schemas: list(given.schemas, at('schemas')).map((value, index): Schema => {
      const schema = fields(value, at(`schemas[${index}]`));
      return {
        id: word(schema.id, at(`schemas[${index}].id`)),
        summary: schema.summary === undefined ? '' : text(schema.summary, at('schemas.summary')),
        text: schema.text === undefined ? undefined : text(schema.text, at('schemas.text')),
      };
    }),
    paths: list(given.paths, at('paths')).map((value, index) => {
      const path = fields(value, at(`paths[${index}]`));
      return { path: text(path.path, at('path')), property: map(path.property, at('property')) };
    }),
  };
}

function readInstance(
  value: unknown,
  service: Pick<Service, 'serviceId' | 'version'>,
  place: string,
): Instance {
  const given = fields(value, place);
  const at = (name: string): string => `${place}.${name}`;
  const status = given.status ?? 'UP';
  const known = statuses.find((each) => each === status);
  if (known === undefined) {
    throw new FormatError(`${at('status')} is none of ${statuses.join(', ')}`);
  }
  const place3 = given.dataCenterInfo;
  return {
    serviceId: service.serviceId,
    instanceId: word(given.id, at('id')),
    endpoints: list(given.endpoints, at('endpoints')).map((each, index) =>
      text(each, at(`endpoints[${index}]`)),
    ),
    hostName: given.hostName === undefined ? '' : text(given.hostName, at('hostName')),
    status: known,
    properties: map(given.properties, at('properties')),
    healthCheck: readCheck(given.healthCheck, at('healthCheck')),
    dataCenterInfo:
      place3 === undefined
        ? undefined
        : {
            name: text(fields(place3, at('dataCenterInfo')).name, at('dataCenterInfo.name')),
            region: text(fields(place3, at('dataCenterInfo')).region, at('dataCenterInfo.region')),
            availableZone: text(
              fields(place3, at('dataCenterInfo')).availableZone,
              at('dataCenterInfo.availableZone'),
            ),
          },
    version: given.version === undefined ? service.version : text(given.version, at('version')),
  };
}

function readCheck(value: unknown, place: string): HealthCheck | undefined {
  if (value === undefined) return undefined;
  const { mode, port, interval, times, url } = fields(value, place);
  return {
    mode: mode === 'pull' ? 'pull' : 'push',
    port: number(port ?? 0, `${place}.port`),
    interval: number(interval, `${place}.interval`),
    times: number(times, `${place}.times`),
    url: url === undefined ? '' : text(url, `${place}.url`),
  };
}

function fields(value: unknown, place: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw new FormatError(`${place} is no group of names and values`);
}

function list(value: unknown, place: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  throw new FormatError(`${place} is no list`);
}

function text(value: unknown, place: string): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new FormatError(`${place} is no text`);
}

function word(value: unknown, place: string): string {
  const found = text(value, place);
  if (found === '') throw new FormatError(`${place} is empty`);
  return found;
}

function number(value: unknown, place: string): number {
  if (typeof value === 'number' && value >= 0) return value;
  throw new FormatError(`${place} is no number`);
}

function map(value: unknown, place: string): StringMap {
  if (value === undefined || value === null) return {};
  return Object.fromEntries(
    Object.entries(fields(value, place)).map(([name, each]) => [
      name,
      text(each, `${place}.${name}`),
    ]),
  );
}
