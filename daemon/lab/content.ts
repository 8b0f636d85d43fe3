// What a registry stores: services and instances as the v4 API shows them (servicecenter-api.md §4, §5).

interface ServicePath {
  readonly path?: string;
  readonly property?: Readonly<Record<string, string>>;
}

export interface Framework {
  readonly name?: string;
  readonly version?: string;
}

/** A service; empty fields, lists and maps are left out, as in the answers of a real server. */
export interface Service {
  readonly serviceId: string;
  readonly appId: string;
  readonly serviceName: string;
  readonly version: string;
  readonly description?: string;
  readonly level: string;
  readonly schemas?: readonly string[];
  readonly paths?: readonly ServicePath[];
  readonly status: string;
  readonly properties?: Readonly<Record<string, string>>;
  /** Unix seconds as text. */
  readonly timestamp: string;
  readonly modTimestamp: string;
  readonly alias?: string;
  readonly environment?: string;
  readonly registerBy?: string;
  readonly framework?: Framework;
}

export interface HealthCheck {
  readonly mode: string;
  readonly port?: number;
  /** Seconds between heartbeats. */
  readonly interval: number;
  /** Heartbeats that may be missed; left out when 0. */
  readonly times?: number;
  readonly url?: string;
}

export interface DataCenter {
  readonly name: string;
  readonly region: string;
  readonly availableZone: string;
}

/** An instance; empty fields are left out. */
export interface Instance {
  readonly instanceId: string;
  readonly serviceId: string;
  readonly endpoints?: readonly string[];
  readonly hostName: string;
  readonly status: string;
  readonly properties?: Readonly<Record<string, string>>;
  readonly healthCheck: HealthCheck;
  /** Unix seconds as text. */
  readonly timestamp: string;
  readonly modTimestamp: string;
  readonly dataCenterInfo?: DataCenter;
  /** The version of its service, set by the registry. */
  readonly version: string;
}

/** Which part of the registry a call speaks of: header `X-Domain-Name` and the path's project. */
export interface Tenant {
  readonly domain: string;
  readonly project: string;
}

/** Names a service within a tenant. */
export interface ServiceKey {
  readonly environment: string;
  readonly appId: string;
  readonly serviceName: string;
  readonly version: string;
}

/** Gives `domain/project`, as keys and watch events write it. */
export function tenantPath(tenant: Tenant): string {
  return `${tenant.domain}/${tenant.project}`;
}

/** Gives `environment/appId/serviceName/version`, as keys and error texts write it. */
export function keyPath(key: ServiceKey): string {
  return `${key.environment}/${key.appId}/${key.serviceName}/${key.version}`;
}

/** Gives the key of a service. */
export function keyOf(service: Service): ServiceKey {
  return {
    environment: service.environment ?? '',
    appId: service.appId,
    serviceName: service.serviceName,
    version: service.version,
  };
}

/** Gives the map, or undefined when it is empty: an empty map is left out of every answer. */
export function nonEmptyMap<V>(
  map: Readonly<Record<string, V>> | null | undefined,
): Readonly<Record<string, V>> | undefined {
  if (map === undefined || map === null) return undefined;
  for (const _ in map) return map;
  return undefined;
}

/** Gives the list, or undefined when it is empty. */
export function nonEmptyList<T>(list: readonly T[] | null | undefined): readonly T[] | undefined {
  return list !== undefined && list !== null && list.length > 0 ? list : undefined;
}

/** The same fields, any of which may still be missing. */
type Loose<T> = { readonly [K in keyof T]: T[K] | null | undefined };

/** Drops fields that are undefined, null or an empty text, as the JSON of a real server does. */
export function withoutEmpty<T extends object>(value: Loose<T>): T {
  const kept: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(value)) {
    if (field !== undefined && field !== null && field !== '') kept[key] = field;
  }
  return kept as T;
}

/** Gives the text, or `fallback` where it is missing or empty: the two mean the same in this API. */
export function textOr(text: string | null | undefined, fallback: string): string {
  return text === undefined || text === null || text === '' ? fallback : text;
}
