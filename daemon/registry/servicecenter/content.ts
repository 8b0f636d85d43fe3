// What counts as equal content: one number for an instance or a service, whatever the order of maps.

import type { HealthCheck, Instance, Service, StringMap } from '../../model/service.ts';
import { hash52 } from '../../support/hash.ts';
import { defaultHealthCheck, type ListedService } from './wire.ts';

/** Floors that a 2.x server raises a health check to (servicecenter-api.md §15). */
export interface HealthFloor {
  readonly interval: number;
  readonly times: number;
}

/** Gives a hash of everything in an instance. */
export function instanceHash(instance: Instance): number {
  return hash52(
    JSON.stringify([
      instance.endpoints,
      instance.hostName,
      instance.status,
      sorted(instance.properties),
      healthText(instance.healthCheck),
      dataCenterParts(instance),
      instance.version,
    ]),
  );
}

/** Gives a hash of what the service list shows of a service. */
export function listedServiceHash(service: ListedService): number {
  const { properties, paths, framework, ...rest } = service;
  return hash52(
    JSON.stringify([
      Object.entries(rest).sort(([left], [right]) => (left < right ? -1 : 1)),
      sorted(properties),
      paths.map(({ path, property }) => [path, sorted(property)]),
      framework === undefined ? [] : [framework.name, framework.version],
    ]),
  );
}

/** Gives a hash of a service's tags and schemas. */
export function detailsHash(details: Pick<Service, 'tags' | 'schemas'>): number {
  const schemas = details.schemas.map(({ id, summary, text }) => [id, summary, text ?? null]);
  return hash52(JSON.stringify([sorted(details.tags), schemas]));
}

/** Gives `instance` as the registry answers it (servicecenter-api.md §5, §16, floors §15). */
export function normaliseInstance(instance: Instance, floor: HealthFloor | undefined): Instance {
  return { ...instance, healthCheck: normaliseHealth(instance.healthCheck, floor) };
}

function normaliseHealth(
  check: HealthCheck | undefined,
  floor: HealthFloor | undefined,
): HealthCheck {
  if (check === undefined) return defaultHealthCheck;
  if (check.mode === 'pull') return { ...check, interval: 30, times: 3 };
  if (floor === undefined) return check;
  return {
    ...check,
    interval: Math.max(check.interval, floor.interval),
    times: Math.max(check.times, floor.times),
  };
}

/** The parts in which two instances differ; both normalised. */
export interface InstanceDifference {
  readonly status: boolean;
  readonly properties: boolean;
  /** Endpoints, host name, health check or data centre: no call changes these (§5). */
  readonly rest: boolean;
}

/** Compares two normalised instances; `version` is the registry's and does not count. */
export function compareInstances(left: Instance, right: Instance): InstanceDifference {
  const rest = ({ endpoints, hostName, healthCheck }: Instance): string =>
    JSON.stringify([endpoints, hostName, healthText(healthCheck)]);
  return {
    status: left.status !== right.status,
    properties: !equalMaps(left.properties, right.properties),
    rest:
      rest(left) !== rest(right) ||
      JSON.stringify(dataCenterParts(left)) !== JSON.stringify(dataCenterParts(right)),
  };
}

/** True when both maps hold the same. */
export function equalMaps(left: StringMap, right: StringMap): boolean {
  return JSON.stringify(sorted(left)) === JSON.stringify(sorted(right));
}

function healthText(check: HealthCheck | undefined): string {
  if (check === undefined) return '';
  return `${check.mode} ${check.port} ${check.interval} ${check.times} ${check.url}`;
}

function dataCenterParts({ dataCenterInfo: info }: Instance): readonly string[] {
  return info === undefined ? [] : [info.name, info.region, info.availableZone];
}

function sorted(values: StringMap): readonly string[] {
  const parts: string[] = [];
  for (const key of Object.keys(values).sort()) parts.push(key, values[key] ?? '');
  return parts;
}
