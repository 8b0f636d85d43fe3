// Instances: Nacos' to the common model and back (README.md, "What becomes of each field").

import type { DataCenterInfo, HealthCheck, Instance, InstanceStatus } from '../../model/service.ts';
import { leaseSecondsOf, type StringMap } from '../../model/service.ts';
import { readInstanceStamp, stampKeys } from '../../model/stamp.ts';
import { contentTextOf, type ServiceContent } from '../common/service-content.ts';
import { asideOf, dialOf, endpointsOf, isAside } from './endpoints.ts';
import {
  contentKeys,
  leaseKeys,
  lengthOf,
  metadataToProperties,
  nativeProperties,
  propertiesToMetadata,
  secureKey,
} from './metadata-keys.ts';
import { identityMetadata, identityOf, serviceIdOf, type Identity } from './service-id.ts';
import type { NacosInstance } from './wire.ts';

/** What a server takes of keys and values together (peers.md §5, "Metadata"). */
export const metadataLimit = 1_024;
/** Kept free for what names the service, so that what is lost depends on the instance alone. */
const identityRoom = 96;
/** Property that names those that did not fit. */
const lostKey = 'syncer-lost';
const longestLost = 100;
const usualCluster = 'DEFAULT';

/** Properties that stand for what an application says to Nacos beyond the common model. */
const nativeKeys = { weight: 'nacos-weight', cluster: 'nacos-cluster' } as const;

/** Gives the instance as the common model says it. */
export function decodeInstance(from: NacosInstance): Instance {
  const { metadata } = from;
  const identity = identityOf(from, metadata);
  const base = { serviceId: serviceIdOf(identity), version: identity.key.version };
  const modelled = metadata[contentKeys.id];
  if (modelled === undefined) {
    return {
      ...base,
      instanceId: idOf(from),
      endpoints: endpointsOf(from, metadata),
      hostName: from.ip,
      status: nativeStatus(from),
      properties: { ...fieldProperties(from), ...nativeProperties(metadata) },
      healthCheck: nativeHealth(from),
      dataCenterInfo: undefined,
    };
  }
  return {
    ...base,
    instanceId: modelled,
    endpoints: listIn(metadata[contentKeys.endpoints]) ?? endpointsOf(from, metadata),
    hostName: metadata[contentKeys.hostName] ?? from.ip,
    status: modelledStatus(from),
    properties: metadataToProperties(metadata),
    healthCheck: healthFrom(metadata[contentKeys.health]) ?? nativeHealth(from),
    dataCenterInfo: dataCenterFrom(metadata[contentKeys.dataCenter]),
  };
}

/** Gives an instance's id in its service: what it was written with, or its address. */
export function idOf({ ip, port, cluster, metadata }: NacosInstance): string {
  const host = ip.includes(':') ? `[${ip}]` : ip;
  const said = metadata[contentKeys.id];
  return said ?? `${host}:${port}${cluster === usualCluster ? '' : `@${cluster}`}`;
}

/**
 * Gives the registration of `instance` as part of the service of `identity`. `content`: what its
 * service holds, as much as fits. `aside`: its address is taken; it stands where nobody dials.
 */
export function encodeInstance(
  instance: Instance,
  identity: Identity,
  content: ServiceContent | undefined,
  aside = false,
): NacosInstance {
  const { instanceId, endpoints, status } = instance;
  const dial = aside ? undefined : dialOf(endpoints);
  const { ip, port } = dial ?? asideOf(instanceId);
  const properties = propertiesToMetadata(instance.properties);
  const secure: StringMap = dial?.secure === true ? { [secureKey]: 'true' } : {};
  const said = endpointsOf({ ip, port }, { ...properties, ...secure });
  const enabled = status === 'UP' && dial !== undefined;
  const metadata: StringMap = {
    ...properties,
    ...secure,
    ...identityMetadata(identity, properties),
    ...ownMetadata(instance, {
      endpoints: !sameList(said, endpoints),
      hostName: instance.hostName !== ip,
      status: !enabled,
    }),
  };
  const weight = Number(instance.properties[nativeKeys.weight] ?? 1);
  return {
    ...identity.place,
    ip,
    port,
    cluster: clusterOf(instance),
    weight: weight >= 0 && weight <= 10_000 ? weight : 1,
    healthy: true,
    enabled,
    ephemeral: true,
    metadata: withContent(metadata, content),
    intervalMs: 0,
    leaseMs: leaseSecondsOf(instance) * 1_000,
  };
}

/** Gives the metadata with as much of its service's content as there is room for. */
export function withContent(metadata: StringMap, content: ServiceContent | undefined): StringMap {
  const { [contentKeys.service]: _old, ...rest } = metadata;
  if (content === undefined) return rest;
  const room = metadataLimit - lengthOf(rest) - contentKeys.service.length;
  const text = contentTextOf(content, room);
  return text.length <= room ? { ...rest, [contentKeys.service]: text } : rest;
}

/**
 * Gives `instance` as the registry will give it back: of properties that do not fit, the largest are
 * left out, and named. Service and version are the registry's.
 */
export function normaliseInstance(instance: Instance): Instance {
  const filled = { ...instance, healthCheck: instance.healthCheck ?? defaultHealthCheck };
  const own = ownMetadata(filled, { endpoints: true, hostName: true, status: true });
  const room = metadataLimit - identityRoom - secureKey.length - 'true'.length - lengthOf(own);
  const sizeOf = (properties: StringMap): number => lengthOf(propertiesToMetadata(properties));
  let properties = filled.properties;
  const lost: string[] = [];
  if (sizeOf(properties) <= room) return filled;
  const stamps = new Set<string>(Object.values(stampKeys));
  const bySize = Object.entries(properties)
    .filter(([key]) => !stamps.has(key) && key !== lostKey)
    .sort(([left, a], [right, b]) => right.length + b.length - left.length - a.length);
  for (const [key] of bySize) {
    lost.push(key);
    const gone = new Set(lost);
    const rest = Object.entries(filled.properties).filter(([each]) => !gone.has(each));
    const names = lost.sort().join(',').slice(0, longestLost);
    properties = { ...Object.fromEntries(rest), [lostKey]: names };
    if (sizeOf(properties) <= room) break;
  }
  return { ...filled, properties };
}

/** True when both registrations say the same. */
export function sameRegistration(left: NacosInstance, right: NacosInstance): boolean {
  return registrationText(left) === registrationText(right);
}

function registrationText(instance: NacosInstance): string {
  const { ip, port, cluster, weight, enabled, ephemeral, metadata } = instance;
  return JSON.stringify([ip, port, cluster, weight, enabled, ephemeral, sorted(metadata)]);
}

/** Gives everything in an instance as one text: equal texts, equal content. */
export function contentText(instance: Instance): string {
  const { endpoints, hostName, status, properties, healthCheck, dataCenterInfo, version } =
    instance;
  const health = healthCheck === undefined ? '' : healthText(healthCheck);
  const place = dataCenterInfo === undefined ? '' : dataCenterText(dataCenterInfo);
  const rest = [sorted(properties), health, place, version];
  return JSON.stringify([endpoints, hostName, status, ...rest]);
}

/** True for a foreign copy. */
export function isCopy(instance: NacosInstance): boolean {
  return stampIn(instance) !== undefined;
}

/** Gives the stamp that an instance carries. */
export function stampIn({ metadata }: NacosInstance): ReturnType<typeof readInstanceStamp> {
  return readInstanceStamp(metadataToProperties(metadata));
}

/** True for what nacos-sync has put here: a copy of somebody else's (field.md §3). */
export function isNacosSync({ metadata }: NacosInstance): boolean {
  return metadata.syncSource !== undefined && metadata.sourceClusterId !== undefined;
}

/**
 * Gives the cluster of a copy: no application's, so that whose an address is can be told without its
 * metadata (README.md, "Transparent").
 */
function clusterOf(instance: Pick<Instance, 'properties'>): string {
  const origin = readInstanceStamp(instance.properties)?.originCluster;
  if (origin === undefined) return instance.properties[nativeKeys.cluster] ?? usualCluster;
  return `syncer-${origin.replace(/[^\da-zA-Z-]/g, '-')}`.slice(0, 64);
}

/** What the common model takes where nothing is said: a lease of 120 s. */
const defaultHealthCheck: HealthCheck = Object.freeze({
  mode: 'push',
  port: 0,
  interval: 30,
  times: 3,
  url: '',
});

/** What an instance keeps under keys of ours; the three are left out where Nacos' own fields say it. */
function ownMetadata(
  instance: Instance,
  written: { readonly endpoints: boolean; readonly hostName: boolean; readonly status: boolean },
): StringMap {
  const { instanceId, endpoints, hostName, status, dataCenterInfo } = instance;
  const leaseMs = String(Math.max(1, leaseSecondsOf(instance)) * 1_000);
  return {
    [contentKeys.id]: instanceId,
    ...(written.endpoints ? { [contentKeys.endpoints]: JSON.stringify(endpoints) } : {}),
    ...(written.hostName ? { [contentKeys.hostName]: hostName } : {}),
    ...(written.status ? { [contentKeys.status]: status } : {}),
    [contentKeys.health]: healthText(instance.healthCheck ?? defaultHealthCheck),
    ...(dataCenterInfo === undefined
      ? {}
      : { [contentKeys.dataCenter]: dataCenterText(dataCenterInfo) }),
    [leaseKeys.unhealthy]: leaseMs,
    [leaseKeys.gone]: leaseMs,
  };
}

function nativeStatus({ enabled, healthy }: NacosInstance): InstanceStatus {
  if (!enabled) return 'OUTOFSERVICE';
  return healthy ? 'UP' : 'DOWN';
}

const statuses = new Set<string>(['UP', 'DOWN', 'STARTING', 'OUTOFSERVICE', 'TESTING']);

/** An operator who hides a copy from consumers has changed nothing of what it says: README.md. */
function modelledStatus({ healthy, metadata }: NacosInstance): InstanceStatus {
  const said = metadata[contentKeys.status];
  if (said !== undefined && statuses.has(said)) return said as InstanceStatus;
  return healthy ? 'UP' : 'DOWN';
}

function fieldProperties({ weight, cluster }: NacosInstance): StringMap {
  return {
    ...(weight === 1 ? {} : { [nativeKeys.weight]: String(weight) }),
    ...(cluster === usualCluster ? {} : { [nativeKeys.cluster]: cluster }),
  };
}

/** The lease as a push check, so that interval × (times + 1) is its length. */
function nativeHealth({ intervalMs, leaseMs }: NacosInstance): HealthCheck {
  const interval = Math.max(1, Math.round(intervalMs / 1_000));
  const lease = Math.max(1, Math.round(leaseMs / 1_000));
  const whole = lease % interval === 0;
  return {
    mode: 'push',
    port: 0,
    interval: whole ? interval : lease,
    times: whole ? lease / interval - 1 : 0,
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

function dataCenterText({ name, region, availableZone }: DataCenterInfo): string {
  return JSON.stringify([name, region, availableZone]);
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

function sameList(left: readonly string[], right: readonly string[]): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

function sorted(map: StringMap): readonly (readonly [string, string])[] {
  return Object.entries(map).sort(([left], [right]) => (left < right ? -1 : 1));
}

/** True for a copy that stands aside because its address was taken. */
export function standsAside(instance: NacosInstance): boolean {
  const endpoints = listIn(instance.metadata[contentKeys.endpoints]);
  return isAside(instance) && endpoints !== undefined && dialOf(endpoints) !== undefined;
}

/** Gives a copy that stands aside as it stands at its own address. */
export function comeForward(aside: NacosInstance): NacosInstance {
  const identity = identityOf(aside, aside.metadata);
  const instance = encodeInstance(decodeInstance(aside), identity, undefined);
  const text = aside.metadata[contentKeys.service];
  if (text === undefined) return instance;
  const metadata = { ...instance.metadata, [contentKeys.service]: text };
  return lengthOf(metadata) <= metadataLimit ? { ...instance, metadata } : instance;
}
