// Reads what one Consul answers for itself, in the words of the checker. It shares no code with the
// product: the keys are those that daemon/registry/consul/README.md documents.

import { placeIn } from './common-words.ts';
import { addService, serviceSaidBy } from './implied-services.ts';
import {
  getJson,
  type FoundInstance,
  type FoundService,
  type RegistryContent,
} from './read-registry.ts';

type Json = Record<string, any>;
type Texts = Readonly<Record<string, string>>;

/** Keys of the syncer that are no properties of the instance; those of the stamp are. */
const ownKeys = new Set(
  [
    ...['model', 'endpoints', 'host', 'status', 'health', 'data-center', 'service-content', 'more'],
    ...['app', 'service', 'version', 'environment', 'domain', 'project'],
  ].map((key) => `syncer-${key}`),
);

/** Reads all services but Consul's own; `url` is the base of the server. */
export async function readConsul(url: string): Promise<RegistryContent> {
  const names = await getJson(`${url}/v1/catalog/services?consistent`, {});
  const services = new Map<string, FoundService>();
  const instances: FoundInstance[] = [];
  for (const name of Object.keys(names).filter((each) => each !== 'consul')) {
    const path = `/v1/health/service/${encodeURIComponent(name)}?consistent`;
    for (const raw of (await getJson(url + path, {})) as unknown as Json[]) {
      const meta: Texts = raw.Service.Meta ?? {};
      const content = whole(meta, 'syncer-service-content');
      const service = serviceSaidBy(meta, { name, usualName: name, content });
      addService(services, service);
      instances.push(instanceOf(raw, meta, service.serviceId));
    }
  }
  return { services, instances };
}

function instanceOf(
  { Node, Service, Checks }: Json,
  meta: Texts,
  serviceId: string,
): FoundInstance {
  const isWritten = meta['syncer-model'] !== undefined;
  const endpoints = whole(meta, 'syncer-endpoints');
  const host: string = Service.Address === '' ? Node.Address : Service.Address;
  const tls = meta.secure === 'true' ? '?sslEnabled=true' : '';
  const bad = (Checks as Json[]).filter(({ Status }) => Status === 'critical');
  const maintained = bad.some(({ CheckID }) => /^_(node|service)_maintenance/.test(CheckID));
  const nativeStatus = maintained ? 'OUTOFSERVICE' : 'DOWN';
  const { Passing = 1, Warning = 1 } = Service.Weights ?? {};
  const tags: string[] = Service.Tags ?? [];
  const fields: Texts = {
    ...(tags.length === 0 ? {} : { 'consul-tags': JSON.stringify(tags) }),
    ...(Passing === 1 && Warning === 1 ? {} : { 'consul-weights': `${Passing}/${Warning}` }),
  };
  return {
    serviceId,
    instanceId: isWritten
      ? (Service.ID as string).slice(serviceId.length + 1)
      : `${Service.ID}@${Node.Node}`,
    endpoints:
      endpoints !== undefined
        ? (JSON.parse(endpoints) as string[])
        : Service.Port > 0
          ? [`rest://${host}:${Service.Port}${tls}`]
          : [],
    hostName: whole(meta, 'syncer-host') ?? Node.Node,
    status: bad.length === 0 ? 'UP' : (meta['syncer-status'] ?? nativeStatus),
    properties: isWritten
      ? {
          ...Object.fromEntries(Object.entries(meta).filter(([key]) => !isOwn(key))),
          ...(JSON.parse(whole(meta, 'syncer-more') ?? '{}') as Texts),
        }
      : { ...fields, ...meta },
    healthCheck: {},
    dataCenterInfo: isWritten
      ? placeIn(whole(meta, 'syncer-data-center'))
      : { name: Node.Datacenter, region: Node.Datacenter, availableZone: Node.Datacenter },
    revision: String(Service.ModifyIndex),
  };
}

/** A long text stands in numbered pieces. */
function whole(meta: Texts, key: string): string | undefined {
  let text = meta[key];
  for (let piece = 1; text !== undefined; piece += 1) {
    const next = meta[`${key}-${piece}`];
    if (next === undefined) break;
    text += next;
  }
  return text;
}

function isOwn(key: string): boolean {
  return ownKeys.has(key) || key === 'secure' || ownKeys.has(key.replace(/-\d{1,2}$/, ''));
}
