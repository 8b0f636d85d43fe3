// Eureka's JSON (peers.md §3, "API"): answers are checked and filled in, what has a wrong shape is an
// `AnswerError` that says where.

import type { StringMap } from '../../model/service.ts';

/** An answer that is JSON and not what its call should give. */
export class AnswerError extends Error {
  override readonly name = 'AnswerError';
}

/** Words of Eureka for the state of an instance. */
export type EurekaStatus = 'UP' | 'DOWN' | 'STARTING' | 'OUT_OF_SERVICE' | 'UNKNOWN';

/** An instance as a Eureka server holds it. */
export interface EurekaInstance {
  /** In upper case, as the server keeps it. */
  readonly app: string;
  readonly id: string;
  readonly hostName: string;
  readonly ipAddr: string;
  /** The listed status: an operator's override has gone into it. */
  readonly status: EurekaStatus;
  /** The override itself; `UNKNOWN`: none. */
  readonly overridden: EurekaStatus;
  /** `undefined`: disabled. */
  readonly port: number | undefined;
  readonly securePort: number | undefined;
  readonly vip: string;
  readonly secureVip: string;
  readonly homePageUrl: string;
  readonly statusPageUrl: string;
  readonly healthCheckUrl: string;
  readonly countryId: string;
  readonly appGroup: string;
  readonly asg: string;
  readonly dataCenter: { readonly name: string; readonly metadata: StringMap };
  readonly renewalSeconds: number;
  readonly durationSeconds: number;
  readonly metadata: StringMap;
  /** Of two registrations the server keeps the one with the larger number. */
  readonly lastDirty: number;
}

/** One entry of the delta. */
export interface DeltaEntry {
  readonly action: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly instance: EurekaInstance;
}

/** What `/apps` and `/apps/delta` give. `hash` speaks of the whole registry in both. */
export interface Listing {
  readonly hash: string;
  readonly entries: readonly DeltaEntry[];
}

type Json = Readonly<Record<string, unknown>>;

/** What the server takes where a registration names no lease. */
const defaultLease = { renewalSeconds: 30, durationSeconds: 90 } as const;

const statuses = new Set<string>(['UP', 'DOWN', 'STARTING', 'OUT_OF_SERVICE', 'UNKNOWN']);
const emptyMap: StringMap = Object.freeze({});

/** Gives the listing in an answer. */
export function decodeListing(body: unknown): Listing {
  const applications = objectOf(objectOf(body, 'answer').applications, 'applications');
  const hash = applications.apps__hashcode;
  if (typeof hash !== 'string') throw new AnswerError('applications: no apps__hashcode');
  const entries: DeltaEntry[] = [];
  for (const value of listOf(applications.application)) {
    for (const each of listOf(objectOf(value, 'application').instance)) {
      const action = objectOf(each, 'instance').actionType;
      entries.push({
        action: action === 'DELETED' || action === 'MODIFIED' ? action : 'ADDED',
        instance: decodeInstance(each),
      });
    }
  }
  return { hash, entries };
}

/** Gives the instances of one application's answer. */
export function decodeApplication(body: unknown): readonly EurekaInstance[] {
  const application = objectOf(objectOf(body, 'answer').application, 'application');
  return listOf(application.instance).map(decodeInstance);
}

/** Gives the instance of a single answer. */
export function decodeSingle(body: unknown): EurekaInstance {
  return decodeInstance(objectOf(body, 'answer').instance);
}

function decodeInstance(value: unknown): EurekaInstance {
  const json = objectOf(value, 'instance');
  const app = text(json, 'app').toUpperCase();
  const hostName = text(json, 'hostName');
  const id = text(json, 'instanceId') === '' ? hostName : text(json, 'instanceId');
  if (app === '' || id === '') throw new AnswerError('instance without app or id');
  const lease = json.leaseInfo === undefined ? {} : objectOf(json.leaseInfo, 'leaseInfo');
  const dataCenter =
    json.dataCenterInfo === undefined ? {} : objectOf(json.dataCenterInfo, 'dataCenterInfo');
  return {
    app,
    id,
    hostName,
    ipAddr: text(json, 'ipAddr'),
    status: statusOf(json.status),
    overridden: statusOf(json.overriddenStatus ?? json.overriddenstatus),
    port: portOf(json.port),
    securePort: portOf(json.securePort),
    vip: text(json, 'vipAddress'),
    secureVip: text(json, 'secureVipAddress'),
    homePageUrl: text(json, 'homePageUrl'),
    statusPageUrl: text(json, 'statusPageUrl'),
    healthCheckUrl: text(json, 'healthCheckUrl'),
    countryId: text(json, 'countryId'),
    appGroup: text(json, 'appGroupName'),
    asg: text(json, 'asgName'),
    dataCenter: {
      name: text(dataCenter, 'name'),
      metadata: mapOf(dataCenter.metadata, 'dataCenterInfo.metadata'),
    },
    renewalSeconds: positive(lease.renewalIntervalInSecs) ?? defaultLease.renewalSeconds,
    durationSeconds: positive(lease.durationInSecs) ?? defaultLease.durationSeconds,
    metadata: mapOf(json.metadata, 'metadata'),
    lastDirty: Number(json.lastDirtyTimestamp ?? 0) || 0,
  };
}

/** Gives the body of a registration. */
export function encodeRegistration(instance: EurekaInstance): string {
  const optional = (key: string, value: string): Json => (value === '' ? {} : { [key]: value });
  return JSON.stringify({
    instance: {
      instanceId: instance.id,
      hostName: instance.hostName,
      app: instance.app,
      ipAddr: instance.ipAddr,
      status: instance.status,
      port: portJson(instance.port),
      securePort: portJson(instance.securePort),
      ...optional('vipAddress', instance.vip),
      ...optional('secureVipAddress', instance.secureVip),
      ...optional('homePageUrl', instance.homePageUrl),
      ...optional('statusPageUrl', instance.statusPageUrl),
      ...optional('healthCheckUrl', instance.healthCheckUrl),
      ...optional('countryId', instance.countryId),
      ...optional('appGroupName', instance.appGroup),
      ...optional('asgName', instance.asg),
      // The class of Amazon's needs an instance of Amazon's: ours are nobody's machines.
      dataCenterInfo: {
        '@class': 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo',
        name: 'MyOwn',
      },
      leaseInfo: {
        renewalIntervalInSecs: instance.renewalSeconds,
        durationInSecs: instance.durationSeconds,
      },
      metadata: instance.metadata,
      lastDirtyTimestamp: String(instance.lastDirty),
    },
  });
}

/** Gives the hash that a server computes over statuses (`UP_14_UNKNOWN_2_`; empty registry: empty). */
export function hashOf(counts: ReadonlyMap<EurekaStatus, number>): string {
  return [...counts]
    .filter(([, count]) => count > 0)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([status, count]) => `${status}_${count}_`)
    .join('');
}

function portOf(value: unknown): number | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { $: port, '@enabled': enabled } = value as Json;
  const number = Number(port);
  const valid = Number.isInteger(number) && number > 0 && number < 65_536;
  return valid && (enabled === true || enabled === 'true') ? number : undefined;
}

function portJson(port: number | undefined): Json {
  return port === undefined ? { $: 7001, '@enabled': 'false' } : { $: port, '@enabled': 'true' };
}

function statusOf(value: unknown): EurekaStatus {
  return typeof value === 'string' && statuses.has(value) ? (value as EurekaStatus) : 'UNKNOWN';
}

function positive(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : undefined;
}

function objectOf(value: unknown, what: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new AnswerError(`${what} is no object`);
  }
  return value as Json;
}

/** Older servers give the only element of a list without its list. */
function listOf(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? (value as readonly unknown[]) : [value];
}

function text(json: Json, key: string): string {
  const value = json[key];
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new AnswerError(`${key} is no text`);
}

/** `@class` is how the server's own serialiser marks an empty map. */
function mapOf(value: unknown, what: string): StringMap {
  if (value === undefined || value === null) return emptyMap;
  const entries = Object.entries(objectOf(value, what)).filter(([key]) => key !== '@class');
  return Object.fromEntries(
    entries.map(([key, each]) => {
      const isText = ['string', 'number', 'boolean'].includes(typeof each);
      return [key, isText ? String(each) : JSON.stringify(each)];
    }),
  );
}
