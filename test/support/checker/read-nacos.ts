// Reads what one Nacos answers for itself, in the words of the checker. It shares no code with the
// product: the keys are those that daemon/registry/nacos/README.md documents.

import { idText, placeIn, saidVersion } from './common-words.ts';
import { addService, impliedService } from './implied-services.ts';
import {
  getJson,
  RegistryReadError,
  type FoundInstance,
  type FoundService,
  type RegistryContent,
} from './read-registry.ts';

type Json = Record<string, any>;
type Texts = Readonly<Record<string, string>>;

const leaseKeys = ['heart.beat.interval', 'heart.beat.timeout', 'ip.delete.timeout'].map(
  (key) => `preserved.${key}`,
);
/** Keys of the syncer that are no properties of the instance. */
const ownKeys = new Set([
  ...['', '-from', '-ep', '-h', '-s', '-l', '-dc', '-svc', '-v', '-e', '-a', '-d', '-p'].map(
    (key) => `sy${key}`,
  ),
  ...leaseKeys,
]);
const stampKeys = ['origin-cluster', 'origin-service', 'origin-instance', 'epoch', 'origin-health'];

/** Reads all services of the public namespace; `url` is the base of the API (`http://host:port/nacos`). */
export async function readNacos(url: string): Promise<RegistryContent> {
  const services = new Map<string, FoundService>();
  const instances: FoundInstance[] = [];
  let pages = 1;
  for (let page = 1; page <= pages; page += 1) {
    const query = `namespaceId=public&pageNo=${page}&pageSize=1000&withInstances=true`;
    const answer = await getJson(`${url}/v3/admin/ns/service/list?${query}`, {});
    if (answer.code !== 0) throw new RegistryReadError(200, `${url}: code ${answer.code}`);
    pages = answer.data.pagesAvailable;
    for (const item of answer.data.pageItems as Json[]) {
      for (const cluster of Object.values(item.clusterMap as Record<string, Json>)) {
        for (const raw of cluster.hosts as Json[]) {
          const metadata: Texts = raw.metadata ?? {};
          const service = serviceOf(item.groupName, item.serviceName, metadata);
          addService(services, service);
          instances.push(instanceOf(raw, metadata, service.serviceId));
        }
      }
    }
  }
  return { services, instances };
}

function serviceOf(group: string, name: string, metadata: Texts): FoundService {
  const groupApp = group === 'DEFAULT_GROUP' ? 'default' : group;
  const key = {
    app: metadata['sy-a'] ?? groupApp,
    name,
    version: metadata['sy-v'] ?? saidVersion(metadata),
    environment: metadata['sy-e'] ?? '',
  };
  return impliedService({
    serviceId: idText(name, [
      group === 'DEFAULT_GROUP' ? '' : group,
      '',
      key.version === '0.0.1' ? '' : key.version,
      key.environment,
      key.app === groupApp ? '' : key.app,
    ]),
    key,
    content: metadata['sy-svc'],
    originCluster: unpacked(metadata['sy-from'])['syncer-origin-cluster'],
  });
}

function instanceOf(raw: Json, metadata: Texts, serviceId: string): FoundInstance {
  const ip: string = raw.ip;
  const tls = metadata.secure === 'true' ? '?sslEnabled=true' : '';
  const address = `rest://${ip}:${raw.port}${tls}`;
  const endpoints = metadata['sy-ep'];
  const isWritten = metadata.sy !== undefined;
  const cluster = raw.clusterName === 'DEFAULT' ? '' : `@${raw.clusterName}`;
  const fields: Texts = {
    ...(raw.weight === 1 ? {} : { 'nacos-weight': String(raw.weight) }),
    ...(cluster === '' ? {} : { 'nacos-cluster': raw.clusterName as string }),
  };
  const own = isWritten ? new Set([...ownKeys, 'secure']) : ownKeys;
  return {
    serviceId,
    instanceId: metadata.sy ?? `${ip}:${raw.port}${cluster}`,
    endpoints:
      endpoints !== undefined
        ? (JSON.parse(endpoints) as string[])
        : ip.startsWith('0.')
          ? []
          : [address],
    hostName: metadata['sy-h'] ?? ip,
    status:
      metadata['sy-s'] ??
      (isWritten || raw.enabled ? (raw.healthy ? 'UP' : 'DOWN') : 'OUTOFSERVICE'),
    properties: {
      ...Object.fromEntries(Object.entries(metadata).filter(([key]) => !own.has(key))),
      ...(isWritten ? unpacked(metadata['sy-from']) : fields),
    },
    healthCheck: {},
    dataCenterInfo: placeIn(metadata['sy-dc']),
  };
}

/** The stamp, whose parts stand in one text. */
function unpacked(text: string | undefined): Texts {
  if (text === undefined) return {};
  const parts = text.split('|').map((part) => part.replaceAll('%p', '|').replaceAll('%%', '%'));
  return Object.fromEntries(parts.map((part, index) => [`syncer-${stampKeys[index]}`, part]));
}
