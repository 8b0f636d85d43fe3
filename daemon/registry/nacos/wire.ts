// Nacos' JSON (peers.md §5, "HTTP API"): answers are checked, what has a wrong shape is an
// `AnswerError` that says where.

import type { StringMap } from '../../model/service.ts';

/** An answer that is JSON and not what its call should give. */
export class AnswerError extends Error {
  override readonly name = 'AnswerError';
}

/** Where a service is: a namespace (by the project that it stands for), a group and a name. */
export interface ServicePlace {
  readonly project: string;
  readonly group: string;
  readonly name: string;
}

/** Where an instance is in its service: at most one of a client's is at one address (README.md). */
export interface Address {
  readonly ip: string;
  readonly port: number;
}

/** An instance as a Nacos server lists it. */
export interface NacosInstance extends ServicePlace, Address {
  readonly cluster: string;
  readonly weight: number;
  readonly healthy: boolean;
  /** False: consumers are not told of it. */
  readonly enabled: boolean;
  readonly ephemeral: boolean;
  readonly metadata: StringMap;
  /** How often its owner means to renew. */
  readonly intervalMs: number;
  /** Removed by the server this long after the last renewal. */
  readonly leaseMs: number;
}

/** One page of a namespace. */
export interface Page {
  /** Services in the whole namespace. */
  readonly total: number;
  readonly pages: number;
  /** `group@@name` of each service in this page, those without instances too. */
  readonly services: readonly string[];
  readonly instances: readonly NacosInstance[];
}

/** A service in which a client has registered an instance, past all caches. */
export interface Publication extends Omit<ServicePlace, 'project'> {
  readonly cluster: string;
}

type Json = Readonly<Record<string, unknown>>;
const emptyMap: StringMap = Object.freeze({});
/** What a server takes where a registration names no times (peers.md §5, "Lease"). */
const usualIntervalMs = 5_000;
const usualLeaseMs = 30_000;

/** Gives what `data` holds in a good answer of the v3 API. */
export function decodeData(body: unknown): unknown {
  const { code, message, data } = objectOf(body, 'answer');
  if (code === 0) return data;
  const said = typeof data === 'string' ? data : String(message);
  throw new AnswerError(`code ${String(code)}: ${said.slice(0, 200)}`);
}

/** Gives a page of `GET /v3/admin/ns/service/list?withInstances=true`. */
export function decodePage(data: unknown, project: string): Page {
  const page = objectOf(data, 'page');
  const services: string[] = [];
  const instances: NacosInstance[] = [];
  for (const item of listOf(page.pageItems, 'pageItems')) {
    const service = objectOf(item, 'service');
    const group = text(service, 'groupName');
    const name = text(service, 'serviceName');
    services.push(`${group}@@${name}`);
    const place = { project, group, name };
    for (const cluster of Object.values(objectOf(service.clusterMap, 'clusterMap'))) {
      for (const host of listOf(objectOf(cluster, 'cluster').hosts, 'hosts')) {
        instances.push(decodeHost(host, place));
      }
    }
  }
  const total = count(page, 'totalCount');
  return { total, pages: count(page, 'pagesAvailable'), services, instances };
}

/** Gives the services of `GET /v3/admin/ns/client/publish/list` in one namespace. */
export function decodePublications(data: unknown, namespace: string): readonly Publication[] {
  return listOf(data, 'publications').flatMap((each) => {
    const said = objectOf(each, 'publication');
    if (text(said, 'namespaceId') !== namespace) return [];
    return {
      group: text(said, 'groupName'),
      name: text(said, 'serviceName'),
      cluster: text(objectOf(said.publisherInfo, 'publisherInfo'), 'clusterName'),
    };
  });
}

/** Gives the form of a registration. */
export function encodeRegistration(instance: NacosInstance, namespace: string): URLSearchParams {
  return new URLSearchParams({
    ...targetForm(instance, namespace),
    clusterName: instance.cluster,
    weight: String(instance.weight),
    enabled: String(instance.enabled),
    healthy: 'true',
    ephemeral: 'true',
    metadata: JSON.stringify(instance.metadata),
  });
}

/** Gives the part of a form that says which instance is meant. */
export function targetForm(
  { group, name, ip, port }: ServicePlace & Address,
  namespace: string,
): Readonly<Record<string, string>> {
  return { namespaceId: namespace, groupName: group, serviceName: name, ip, port: String(port) };
}

function decodeHost(value: unknown, place: ServicePlace): NacosInstance {
  const host = objectOf(value, 'host');
  const ip = text(host, 'ip');
  const port = count(host, 'port');
  if (ip === '') throw new AnswerError(`instance without ip in ${place.name}`);
  return {
    ...place,
    ip,
    port,
    cluster: text(host, 'clusterName'),
    weight: typeof host.weight === 'number' ? host.weight : 1,
    healthy: host.healthy !== false,
    enabled: host.enabled !== false,
    ephemeral: host.ephemeral !== false,
    metadata: mapOf(host.metadata),
    intervalMs: positive(host.instanceHeartBeatInterval) ?? usualIntervalMs,
    leaseMs: positive(host.ipDeleteTimeout) ?? usualLeaseMs,
  };
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

function listOf(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new AnswerError(`${what} is no list`);
  return value as readonly unknown[];
}

function text(json: Json, key: string): string {
  const value = json[key];
  if (typeof value !== 'string') throw new AnswerError(`${key} is no text`);
  return value;
}

function count(json: Json, key: string): number {
  const value = json[key];
  if (!Number.isSafeInteger(value)) throw new AnswerError(`${key} is no whole number`);
  return value as number;
}

function mapOf(value: unknown): StringMap {
  if (value === undefined || value === null) return emptyMap;
  const entries = Object.entries(objectOf(value, 'metadata'));
  return Object.fromEntries(
    entries.map(([key, each]) => [key, typeof each === 'string' ? each : JSON.stringify(each)]),
  );
}
