// Loaders without a syncer: the same bodies as fast as so many connections take them, without reading,
// planning, checking or keeping anything.

import { Pool } from 'undici';
import { eachLimited } from '../../../daemon/registry/common/each-limited.ts';
import type { Kind } from '../../interop/kinds/kind-of-site.ts';

type Json = Record<string, any>;

/** One call of a load. */
export interface Call {
  readonly method: 'POST' | 'PUT';
  readonly path: string;
  readonly type: string;
  readonly body: string;
}

export interface Load {
  /** Made before the others, one after the other. */
  readonly first: readonly Call[];
  readonly calls: readonly Call[];
  readonly instances: number;
}

const json = 'application/json';
const form = 'application/x-www-form-urlencoded';
/** Instances in one transaction of a Consul, as the driver puts them. */
const inTransaction = 64;

/** Sends them; rejects with the first refusal. */
export async function load(base: string, what: Load, concurrency: number): Promise<void> {
  const { origin, pathname } = new URL(base);
  const root = pathname === '/' ? '' : pathname;
  const pool = new Pool(origin, { connections: concurrency });
  const send = async ({ method, path, type, body }: Call): Promise<void> => {
    const headers = { 'content-type': type };
    const answer = await pool.request({ method, path: root + path, headers, body });
    const text = await answer.body.text();
    if (answer.statusCode > 299) throw new Error(`${path}: ${answer.statusCode} ${text}`);
  };
  try {
    for (const call of what.first) await send(call);
    await eachLimited(what.calls, concurrency, send);
  } finally {
    await pool.destroy();
  }
}

/** Reads what a registry holds, as the calls that would register it at another one. */
export async function readLoad(kind: Kind, base: string): Promise<Load> {
  const get = async (path: string): Promise<Json> => {
    const answer = await fetch(base + path, { headers: { accept: json } });
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    return (await answer.json()) as Json;
  };
  switch (kind) {
    case 'eureka': {
      const { applications } = await get('/apps');
      const raw = (applications.application as Json[]).flatMap(
        ({ instance }) => instance as Json[],
      );
      return { first: [], calls: raw.map(eurekaCall), instances: raw.length };
    }
    case 'nacos': {
      const query = 'namespaceId=public&pageNo=1&pageSize=10000&withInstances=true';
      const { data } = await get(`/v3/admin/ns/service/list?${query}`);
      const calls = (data.pageItems as Json[]).flatMap(({ groupName, serviceName, clusterMap }) =>
        Object.values(clusterMap as Json).flatMap(({ hosts }: Json) =>
          (hosts as Json[]).map((host) => nacosCall({ ...host, groupName, serviceName })),
        ),
      );
      return { first: [], calls, instances: calls.length };
    }
    case 'consul': {
      const nodes = (await get('/v1/internal/ui/nodes')) as unknown as Json[];
      const node = nodes.find(({ Node }) => String(Node).startsWith('syncer-'));
      if (node === undefined) throw new Error('no node of a syncer');
      return consulLoad(node.Node as string, node.Services as Json[]);
    }
    case 'servicecenter':
      throw new Error('ServiceCenter has a bench of its own: import');
  }
}

/** Gives made-up applications, `perService` of each name, with leases that outlive any bench. */
export function madeUpLoad(kind: Kind, services: number, perService: number): Load {
  const numbers = Array.from({ length: services * perService }, (_none, number) => number);
  const made = numbers.map((number) => ({
    name: `made-up-${Math.floor(number / perService)}`,
    ip: `10.${Math.floor(number / 62_500)}.${Math.floor(number / 250) % 250}.${1 + (number % 250)}`,
    metadata: { zone: `z${number % 7}`, team: 'blue', build: `b-${number}` },
  }));
  const instances = numbers.length;
  switch (kind) {
    case 'eureka':
      return {
        first: [],
        instances,
        calls: made.map(({ name, ip, metadata }) =>
          eurekaCall({
            ...{ instanceId: `${ip}:${name}:8080`, hostName: ip, app: name.toUpperCase() },
            ...{ ipAddr: ip, status: 'UP', vipAddress: name, metadata },
            port: { $: 8_080, '@enabled': 'true' },
            leaseInfo: { renewalIntervalInSecs: 30, durationInSecs: 36_000 },
            dataCenterInfo: {
              '@class': 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo',
              name: 'MyOwn',
            },
          }),
        ),
      };
    case 'nacos': {
      const lease = {
        'preserved.heart.beat.timeout': '36000000',
        'preserved.ip.delete.timeout': '36000000',
      };
      return {
        first: [],
        instances,
        calls: made.map(({ name, ip, metadata }) =>
          nacosCall({
            ...{ serviceName: name, groupName: 'DEFAULT_GROUP', ip, port: 8_080 },
            ...{ clusterName: 'DEFAULT', weight: 1, metadata: { ...metadata, ...lease } },
          }),
        ),
      };
    }
    case 'consul':
      return consulLoad(
        'made-up-host',
        made.map(({ name, ip, metadata }) => ({
          ...{ ID: `${name}-${ip}`, Service: name, Address: ip, Port: 8_080, Meta: metadata },
        })),
      );
    case 'servicecenter':
      throw new Error('ServiceCenter has benches of its own: leases, idle');
  }
}

/** What a registration takes of what an answer gives. */
const eurekaFields = [
  ...['instanceId', 'hostName', 'app', 'ipAddr', 'status', 'port', 'securePort', 'vipAddress'],
  ...['secureVipAddress', 'dataCenterInfo', 'metadata', 'lastDirtyTimestamp'],
];

function eurekaCall(raw: Json): Call {
  const { renewalIntervalInSecs, durationInSecs } = raw.leaseInfo as Json;
  const instance = {
    ...Object.fromEntries(eurekaFields.map((field) => [field, raw[field]])),
    leaseInfo: { renewalIntervalInSecs, durationInSecs },
  };
  const path = `/apps/${encodeURIComponent(raw.app as string)}`;
  return { method: 'POST', path, type: json, body: JSON.stringify({ instance }) };
}

function nacosCall(raw: Json): Call {
  const body = new URLSearchParams({
    ...{ serviceName: raw.serviceName as string, groupName: raw.groupName as string },
    ...{ ip: raw.ip as string, port: String(raw.port), weight: String(raw.weight) },
    ...{ clusterName: raw.clusterName as string, ephemeral: 'true' },
    metadata: JSON.stringify(raw.metadata),
  }).toString();
  return { method: 'POST', path: '/v3/client/ns/instance', type: form, body };
}

function consulLoad(node: string, services: readonly Json[]): Load {
  const register = { Node: node, Address: '127.0.0.1', NodeMeta: { 'external-node': 'true' } };
  const calls: Call[] = [];
  for (let at = 0; at < services.length; at += inTransaction) {
    const operations = services
      .slice(at, at + inTransaction)
      .map(({ ID, Service, Address, Port, Tags, Meta }) => ({
        Service: { Verb: 'set', Node: node, Service: { ID, Service, Address, Port, Tags, Meta } },
      }));
    const body = JSON.stringify(operations);
    calls.push({ method: 'PUT', path: '/v1/txn', type: json, body });
  }
  const first = [
    { method: 'PUT', path: '/v1/catalog/register', type: json, body: JSON.stringify(register) },
  ] as const;
  return { first, calls, instances: services.length };
}
