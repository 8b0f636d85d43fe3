// The common model: what every registry driver reads and writes, whatever its registry calls it.

/** What makes two services the same one, in every registry. */
export interface ServiceKey {
  /** Tenant; `default` where a registry has none. */
  readonly domain: string;
  readonly project: string;
  /** `''`, `development`, `testing`, `acceptance`, `production`, or what a registry allows beyond. */
  readonly environment: string;
  readonly app: string;
  readonly name: string;
  readonly version: string;
}

/** One interface description of a service. */
export interface Schema {
  readonly id: string;
  readonly summary: string;
  /** `undefined` where the registry lists the id but holds no text. */
  readonly text: string | undefined;
}

/** An address prefix that a service serves. */
export interface ServicePath {
  readonly path: string;
  readonly property: Readonly<Record<string, string>>;
}

export type StringMap = Readonly<Record<string, string>>;

/** A service as one registry holds it. */
export interface Service extends ServiceKey {
  /** The id in its own registry; opaque elsewhere. */
  readonly serviceId: string;
  readonly alias: string;
  readonly description: string;
  /** FRONT, MIDDLE or BACK. */
  readonly level: string;
  /** UP or DOWN. */
  readonly status: string;
  /** SDK, SIDECAR, PLATFORM, or empty. */
  readonly registerBy: string;
  readonly framework: { readonly name: string; readonly version: string } | undefined;
  readonly properties: StringMap;
  readonly tags: StringMap;
  /** In the registry's order of ids; sorted by id where it has none. */
  readonly schemas: readonly Schema[];
  readonly paths: readonly ServicePath[];
}

export type InstanceStatus = 'UP' | 'DOWN' | 'STARTING' | 'OUTOFSERVICE' | 'TESTING';

/** How a registry learns that an instance lives. */
export interface HealthCheck {
  /** `push`: the instance renews its lease; `pull`: the registry asks. */
  readonly mode: 'push' | 'pull';
  readonly port: number;
  /** Seconds. */
  readonly interval: number;
  /** Renewals that may be missed; the lease is interval × (times + 1) seconds. */
  readonly times: number;
  readonly url: string;
}

export interface DataCenterInfo {
  readonly name: string;
  readonly region: string;
  readonly availableZone: string;
}

/** An instance of a service as one registry holds it. Ids are unique per service only. */
export interface Instance {
  readonly serviceId: string;
  readonly instanceId: string;
  /** In order, with their schemes and queries (`rest://10.0.0.1:8080?sslEnabled=true`). */
  readonly endpoints: readonly string[];
  readonly hostName: string;
  readonly status: InstanceStatus;
  readonly properties: StringMap;
  readonly healthCheck: HealthCheck | undefined;
  readonly dataCenterInfo: DataCenterInfo | undefined;
  /** The version of the service, as the registry copies it onto the instance; informative. */
  readonly version: string;
}

/** Gives the length of an instance's lease in seconds (`servicecenter-api.md §5`: default push 30/3). */
export function leaseSecondsOf(instance: Pick<Instance, 'healthCheck'>): number {
  const check = instance.healthCheck;
  return check === undefined || check.mode === 'pull' ? 120 : check.interval * (check.times + 1);
}

/** Gives the six parts of a service's identity as one string, for maps and messages. */
export function serviceKeyText(key: ServiceKey): string {
  return [key.domain, key.project, key.environment, key.app, key.name, key.version].join('|');
}
