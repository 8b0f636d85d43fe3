// Consul's JSON (peers.md §4, "API"): answers are checked and filled in, what has a wrong shape is an
// `AnswerError` that says where.

import type { StringMap } from '../../model/service.ts';

/** An answer that is JSON and not what its call should give. */
export class AnswerError extends Error {
  override readonly name = 'AnswerError';
}

export interface ConsulCheck {
  readonly node: string;
  readonly id: string;
  /** `passing`, `warning`, `critical`, or what somebody wrote: the catalog takes any text. */
  readonly status: string;
  /** Empty for a check of the whole node. */
  readonly service: string;
}

/** An instance as the health API shows it, with the node that it is on. */
export interface ConsulInstance {
  readonly node: string;
  readonly nodeAddress: string;
  readonly datacenter: string;
  readonly zone: string;
  /** Unique on its node. */
  readonly id: string;
  /** The service's name. */
  readonly name: string;
  /** Empty: not `typical` (a proxy or a gateway). */
  readonly kind: string;
  /** Empty: the node's. */
  readonly address: string;
  readonly port: number;
  readonly tags: readonly string[];
  readonly meta: StringMap;
  readonly weights: { readonly passing: number; readonly warning: number };
  readonly checks: readonly ConsulCheck[];
  readonly modifyIndex: number;
}

type Json = Readonly<Record<string, unknown>>;

const emptyMap: StringMap = Object.freeze({});

/** Gives the names in an answer of `/catalog/services`, each with its tags as one text. */
export function decodeNames(body: unknown): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(objectOf(body, 'answer')).map(([name, tags]) => [name, JSON.stringify(tags)]),
  );
}

/** Gives the instances in an answer of `/health/service/{name}`. */
export function decodeInstances(body: unknown): readonly ConsulInstance[] {
  return listOf(body, 'answer').map(decodeInstance);
}

/** Gives the checks in an answer of `/health/state/{state}`. */
export function decodeChecks(body: unknown): readonly ConsulCheck[] {
  return listOf(body, 'answer').map(decodeCheck);
}

/** Where one instance stands: what changes when it does. */
export type Standing = Pick<ConsulInstance, 'name' | 'node' | 'nodeAddress' | 'modifyIndex'>;

/** Gives the instances of all nodes in an answer of `/internal/ui/nodes`, those of the mesh left out. */
export function decodeStandings(body: unknown): readonly Standing[] {
  return listOf(body, 'answer').flatMap((each) => {
    const node = objectOf(each, 'node');
    const services =
      node.Services === undefined || node.Services === null
        ? []
        : listOf(node.Services, 'Services').map((one) => objectOf(one, 'service'));
    return services
      .filter((service) => isPlain({ kind: text(service, 'Kind') }))
      .map((service) => ({
        name: text(service, 'Service'),
        node: text(node, 'Node'),
        nodeAddress: text(node, 'Address'),
        modifyIndex: number(service, 'ModifyIndex'),
      }));
  });
}

/** Proxies and gateways of the mesh are of no use without it. */
export function isPlain({ kind }: Pick<ConsulInstance, 'kind'>): boolean {
  return kind === '' || kind === 'typical';
}

/** What is of interest in an answer of `/agent/self`. */
export function decodeAgent(body: unknown): {
  readonly version: string;
  readonly datacenter: string;
} {
  const config = objectOf(objectOf(body, 'answer').Config, 'Config');
  return { version: text(config, 'Version'), datacenter: text(config, 'Datacenter') };
}

/** Gives the metadata of the node of this name in an answer of `/catalog/nodes`. */
export function decodeNodeMeta(body: unknown, node: string): StringMap | undefined {
  const found = listOf(body, 'answer')
    .map((each) => objectOf(each, 'node'))
    .find((each) => each.Node === node);
  return found === undefined ? undefined : mapOf(found.Meta, 'Meta');
}

function decodeInstance(value: unknown): ConsulInstance {
  const entry = objectOf(value, 'entry');
  const node = objectOf(entry.Node, 'Node');
  const service = objectOf(entry.Service, 'Service');
  const weights = service.Weights === undefined ? {} : objectOf(service.Weights, 'Weights');
  const locality = node.Locality ?? service.Locality;
  const instance: ConsulInstance = {
    node: text(node, 'Node'),
    nodeAddress: text(node, 'Address'),
    datacenter: text(node, 'Datacenter'),
    zone:
      locality === undefined || locality === null
        ? ''
        : text(objectOf(locality, 'Locality'), 'Zone'),
    id: text(service, 'ID'),
    name: text(service, 'Service'),
    kind: text(service, 'Kind'),
    address: text(service, 'Address'),
    port: number(service, 'Port'),
    tags: service.Tags === undefined || service.Tags === null ? [] : textsOf(service.Tags, 'Tags'),
    meta: mapOf(service.Meta, 'Meta'),
    weights: { passing: weightOf(weights.Passing), warning: weightOf(weights.Warning) },
    checks:
      entry.Checks === undefined || entry.Checks === null
        ? []
        : listOf(entry.Checks, 'Checks').map(decodeCheck),
    modifyIndex: number(service, 'ModifyIndex'),
  };
  if (instance.node === '' || instance.id === '' || instance.name === '') {
    throw new AnswerError('entry without node, id or service');
  }
  return instance;
}

function decodeCheck(value: unknown): ConsulCheck {
  const check = objectOf(value, 'check');
  return {
    node: text(check, 'Node'),
    id: text(check, 'CheckID'),
    status: text(check, 'Status'),
    service: text(check, 'ServiceName'),
  };
}

function weightOf(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : 1;
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

function textsOf(value: unknown, what: string): readonly string[] {
  return listOf(value, what).map((each) => {
    if (typeof each !== 'string') throw new AnswerError(`${what} holds something else than texts`);
    return each;
  });
}

function text(json: Json, key: string): string {
  const value = json[key];
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  throw new AnswerError(`${key} is no text`);
}

function number(json: Json, key: string): number {
  const value = json[key];
  if (value === undefined || value === null) return 0;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  throw new AnswerError(`${key} is no whole number`);
}

function mapOf(value: unknown, what: string): StringMap {
  if (value === undefined || value === null) return emptyMap;
  const entries = Object.entries(objectOf(value, what));
  if (entries.some(([, each]) => typeof each !== 'string')) {
    throw new AnswerError(`${what} holds something else than texts`);
  }
  return Object.fromEntries(entries) as StringMap;
}
