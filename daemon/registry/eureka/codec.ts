// Instances: Eureka's to the common model and back (README.md, "What becomes of each field").

import type {
  DataCenterInfo,
  HealthCheck,
  Instance,
  InstanceStatus,
  StringMap,
} from '../../model/service.ts';
import { leaseSecondsOf } from '../../model/service.ts';
import { readInstanceStamp } from '../../model/stamp.ts';
import { endpointsOf, placeOf } from './endpoints.ts';
import {
  contentKeys,
  metadataToProperties,
  modelVersion,
  propertiesToMetadata,
} from './metadata-keys.ts';
import { nativeFieldsFrom, nativeProperties } from './native-fields.ts';
import { identityMetadata, identityOf, serviceIdOf, type Identity } from './service-id.ts';
import type { EurekaInstance, EurekaStatus } from './wire.ts';

/** Gives the instance as the common model says it. */
export function decodeInstance(from: EurekaInstance): Instance {
  const { metadata } = from;
  const identity = identityOf(from.app, metadata);
  const modelled = metadata[contentKeys.model] !== undefined;
  const properties = metadataToProperties(metadata);
  return {
    serviceId: serviceIdOf(identity),
    instanceId: from.id,
    endpoints: listIn(metadata[contentKeys.endpoints]) ?? endpointsOf(from),
    hostName: metadata[contentKeys.hostName] ?? from.hostName,
    status: statusFrom(from.status, metadata[contentKeys.status]),
    properties: modelled ? properties : { ...nativeProperties(from), ...properties },
    healthCheck: healthFrom(metadata[contentKeys.health]) ?? nativeHealth(from),
    dataCenterInfo: modelled
      ? dataCenterFrom(metadata[contentKeys.dataCenter])
      : nativeDataCenter(from),
    version: identity.key.version,
  };
}

/**
 * Gives the registration of `instance` in the application of `identity`. `serviceContent` is what its
 * service holds, by service-content.ts. `lastDirty`: see lease-fence in README.md.
 */
export function encodeInstance(
  instance: Instance,
  identity: Identity,
  serviceContent: string | undefined,
  lastDirty: number,
): EurekaInstance {
  const { properties } = instance;
  const place = placeOf(instance.endpoints);
  const kept = propertiesToMetadata(properties);
  const optional = (key: string, value: string | undefined): StringMap =>
    value === undefined ? {} : { [key]: value };
  const sameList = JSON.stringify(endpointsOf(place)) === JSON.stringify(instance.endpoints);
  const metadata: StringMap = {
    ...kept,
    ...identityMetadata(identity, kept),
    [contentKeys.model]: modelVersion,
    ...optional(contentKeys.endpoints, sameList ? undefined : JSON.stringify(instance.endpoints)),
    ...optional(
      contentKeys.hostName,
      instance.hostName === place.hostName ? undefined : instance.hostName,
    ),
    ...optional(contentKeys.status, instance.status === 'TESTING' ? instance.status : undefined),
    [contentKeys.health]: healthText(instance.healthCheck ?? defaultHealthCheck),
    ...optional(contentKeys.dataCenter, dataCenterText(instance.dataCenterInfo)),
    ...optional(contentKeys.service, serviceContent),
  };
  const leaseSeconds = Math.max(1, leaseSecondsOf(instance));
  return {
    ...place,
    ...nativeFieldsFrom(properties, identity.key.name),
    app: identity.app,
    id: instance.instanceId,
    status: statusTo(instance.status),
    overridden: 'UNKNOWN',
    dataCenter: { name: 'MyOwn', metadata: {} },
    renewalSeconds: Math.max(1, Math.min(30, leaseSeconds)),
    durationSeconds: leaseSeconds,
    metadata,
    lastDirty,
  };
}

/** Gives `instance` as the registry will give it back; service and version are the registry's. */
export function normaliseInstance(instance: Instance): Instance {
  return { ...instance, healthCheck: instance.healthCheck ?? defaultHealthCheck };
}

/** True when both say the same, whatever the order of their properties. */
export function sameInstance(left: Instance, right: Instance): boolean {
  return contentText(left) === contentText(right);
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

/** True for a foreign copy. */
export function isCopy({ metadata }: EurekaInstance): boolean {
  return readInstanceStamp(metadata) !== undefined;
}

/** What the common model takes where nothing is said: a lease of 120 s. */
const defaultHealthCheck: HealthCheck = Object.freeze({
  mode: 'push',
  port: 0,
  interval: 30,
  times: 3,
  url: '',
});

/** A status that Eureka cannot say stands in the metadata, as long as nobody has changed the other. */
function statusFrom(status: EurekaStatus, said: string | undefined): InstanceStatus {
  switch (status) {
    case 'OUT_OF_SERVICE':
      return said === 'TESTING' ? 'TESTING' : 'OUTOFSERVICE';
    case 'UNKNOWN':
      return 'DOWN';
    case 'UP':
    case 'DOWN':
    case 'STARTING':
      return status;
  }
}

function statusTo(status: InstanceStatus): EurekaStatus {
  switch (status) {
    case 'OUTOFSERVICE':
    case 'TESTING':
      return 'OUT_OF_SERVICE';
    case 'UP':
    case 'DOWN':
    case 'STARTING':
      return status;
  }
}

/** The lease as a push check, so that interval × (times + 1) is its length. */
function nativeHealth({ renewalSeconds, durationSeconds }: EurekaInstance): HealthCheck {
  const parts = durationSeconds / renewalSeconds;
  const whole = Number.isInteger(parts) && parts >= 1;
  return {
    mode: 'push',
    port: 0,
    interval: whole ? renewalSeconds : durationSeconds,
    times: whole ? parts - 1 : 0,
    url: '',
  };
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

/** Amazon's zone names its region: `us-east-1c`. */
function nativeDataCenter({ dataCenter }: EurekaInstance): DataCenterInfo | undefined {
  const zone = dataCenter.metadata['availability-zone'];
  if (dataCenter.name !== 'Amazon' || zone === undefined || zone === '') return undefined;
  return { name: 'Amazon', region: zone.replace(/(?<=\d)[a-z]$/, ''), availableZone: zone };
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
