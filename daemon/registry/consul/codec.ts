// Instances: Consul's to the common model and back (README.md, "What becomes of each field").

import type { DataCenterInfo, HealthCheck, Instance, InstanceStatus } from '../../model/service.ts';
import { readInstanceStamp, type InstanceStamp } from '../../model/stamp.ts';
import { endpointsOf, placeIn, placeOf } from './endpoints.ts';
import {
  contentKeys,
  modelVersion,
  pairsOf,
  propertiesIn,
  textIn,
  type Pairs,
} from './metadata.ts';
import { nativeFieldsFrom, nativeProperties } from './native-fields.ts';
import { identityMetadata, identityOf, serviceIdOf, type Identity } from './service-id.ts';
import type { ConsulInstance } from './wire.ts';

/** A service entry as it is written; its check is there while `status` is not `UP`. */
export interface Registration {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly tags: readonly string[];
  readonly weights: { readonly passing: number; readonly warning: number };
  readonly meta: Pairs;
  readonly status: InstanceStatus;
}

/** Gives the instance as the common model says it. */
export function decodeInstance(from: ConsulInstance): Instance {
  const { meta } = from;
  const identity = identityOf(from.name, meta);
  const serviceId = serviceIdOf(identity);
  const modelled = isModelled(from);
  const said = textIn(meta, contentKeys.health);
  return {
    serviceId,
    instanceId: instanceIdOf(from, serviceId),
    endpoints: listIn(textIn(meta, contentKeys.endpoints)) ?? endpointsOf(placeIn(from)),
    hostName: textIn(meta, contentKeys.hostName) ?? from.node,
    status: statusOf(from),
    properties: modelled ? propertiesIn(meta) : { ...nativeProperties(from), ...meta },
    healthCheck: healthFrom(said) ?? defaultHealthCheck,
    dataCenterInfo: modelled
      ? dataCenterFrom(textIn(meta, contentKeys.dataCenter))
      : nativeDataCenter(from),
    version: identity.key.version,
  };
}

/**
 * Gives the entry of `instance` under the service of `identity`. `serviceContent` is what its service
 * holds, by service-content.ts.
 */
export function encodeInstance(
  instance: Instance,
  identity: Identity,
  serviceContent: string | undefined,
): Registration {
  const { properties, endpoints, hostName, status } = instance;
  const place = placeOf(endpoints);
  const optional = (key: string, value: string | undefined): Record<string, string> =>
    value === undefined ? {} : { [key]: value };
  const sameList = JSON.stringify(endpointsOf(place)) === JSON.stringify(endpoints);
  const own = {
    ...identityMetadata(identity, {}),
    [contentKeys.model]: modelVersion,
    ...optional(contentKeys.secure, place.secure ? 'true' : undefined),
    ...optional(contentKeys.endpoints, sameList ? undefined : JSON.stringify(endpoints)),
    [contentKeys.hostName]: hostName,
    ...optional(contentKeys.status, status === 'UP' ? undefined : status),
    [contentKeys.health]: healthText(instance.healthCheck ?? defaultHealthCheck),
    ...optional(contentKeys.dataCenter, dataCenterText(instance.dataCenterInfo)),
    ...optional(contentKeys.service, serviceContent),
  };
  return {
    ...nativeFieldsFrom(properties),
    id: entryIdOf(serviceIdOf(identity), instance.instanceId),
    name: identity.name,
    address: place.address,
    port: place.port,
    // A version among the properties would be read as the service's where nothing else is said.
    meta: pairsOf(properties, { ...own, ...versionMetadata(identity, properties) }),
    status,
  };
}

/**
 * Gives the id of the entry on our node. Ids of instances are unique in their service only, those of
 * entries on their node: both parts are in it.
 */
export function entryIdOf(serviceId: string, instanceId: string): string {
  return `${serviceId}/${instanceId}`;
}

/**
 * Gives the id of an entry of an application in the common model: ids are unique on a node only, and
 * are the service's name as a rule.
 */
function instanceIdOf(from: ConsulInstance, serviceId: string): string {
  const prefix = `${serviceId}/`;
  if (isModelled(from) && from.id.startsWith(prefix) && from.id.length > prefix.length) {
    return from.id.slice(prefix.length);
  }
  return `${from.id}@${from.node}`;
}

/** Gives `instance` as the registry will give it back; service and version are the registry's. */
export function normaliseInstance(instance: Instance): Instance {
  return { ...instance, healthCheck: instance.healthCheck ?? defaultHealthCheck };
}

/** Gives everything in an instance as one text: equal texts, equal content. */
export function contentText(instance: Instance): string {
  const { endpoints, hostName, status, properties, healthCheck, dataCenterInfo, version } =
    instance;
  const sorted = Object.keys(properties)
    .sort()
    .map((key) => [key, properties[key]]);
  const place = dataCenterText(dataCenterInfo) ?? '';
  const health = healthCheck === undefined ? '' : healthText(healthCheck);
  return JSON.stringify([endpoints, hostName, status, sorted, health, place, version]);
}

/** Gives the stamp of a foreign copy; `undefined`: an application's own. */
export function stampIn({ meta }: Pick<ConsulInstance, 'meta'>): InstanceStamp | undefined {
  return readInstanceStamp(meta[contentKeys.model] === undefined ? meta : propertiesIn(meta));
}

function isModelled({ meta }: ConsulInstance): boolean {
  return meta[contentKeys.model] !== undefined;
}

/** What the common model takes where nothing is said: a lease of 120 s. Consul's entries have none. */
const defaultHealthCheck: HealthCheck = Object.freeze({
  mode: 'push',
  port: 0,
  interval: 30,
  times: 3,
  url: '',
});

const statuses = new Set<string>(['UP', 'DOWN', 'STARTING', 'OUTOFSERVICE', 'TESTING']);

/**
 * As consumers see it: one critical check of the instance or its node hides it, a warning does not.
 * What hides it may be said more exactly in the metadata.
 */
function statusOf({ checks, meta }: ConsulInstance): InstanceStatus {
  const hiding = checks.filter(({ status }) => status !== 'passing' && status !== 'warning');
  if (hiding.length === 0) return 'UP';
  const said = meta[contentKeys.status];
  if (said !== undefined && said !== 'UP' && statuses.has(said)) return said as InstanceStatus;
  const maintained = hiding.some(({ id }) => /^_(node|service)_maintenance(:|$)/.test(id));
  return maintained ? 'OUTOFSERVICE' : 'DOWN';
}

function versionMetadata(
  identity: Identity,
  properties: Instance['properties'],
): Readonly<Record<string, string>> {
  const { version } = properties;
  return version === undefined ? {} : identityMetadata(identity, { version });
}

function healthText({ mode, port, interval, times, url }: HealthCheck): string {
  return [mode, port, interval, times, url].join('/');
}

function healthFrom(text: string | undefined): HealthCheck | undefined {
  const match = /^(push|pull)\/(\d{1,9})\/(\d{1,9})\/(\d{1,9})\/([\s\S]*)$/.exec(text ?? '');
  if (match === null) return undefined;
  const [, mode, port, interval, times, url = ''] = match;
  return {
    mode: mode === 'pull' ? 'pull' : 'push',
    port: Number(port),
    interval: Number(interval),
    times: Number(times),
    url,
  };
}

/** A ServiceCenter takes no place without a zone: the datacenter stands for what nobody says. */
function nativeDataCenter({ datacenter, zone }: ConsulInstance): DataCenterInfo | undefined {
  if (datacenter === '') return undefined;
  return { name: datacenter, region: datacenter, availableZone: zone === '' ? datacenter : zone };
}

function dataCenterText(info: DataCenterInfo | undefined): string | undefined {
  return info === undefined
    ? undefined
    : JSON.stringify([info.name, info.region, info.availableZone]);
}

function dataCenterFrom(text: string | undefined): DataCenterInfo | undefined {
  const [name, region, availableZone] = listIn(text) ?? [];
  return name === undefined || region === undefined || availableZone === undefined
    ? undefined
    : { name, region, availableZone };
}

/** Gives a list of texts written as JSON; `undefined` for anything else. */
function listIn(text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    const isList = Array.isArray(value) && value.every((each) => typeof each === 'string');
    return isList ? value : undefined;
  } catch {
    return undefined;
  }
}
