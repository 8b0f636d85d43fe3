// Reads what one Eureka answers for itself, in the words of the checker. It shares no code with the
// product: the keys are those that daemon/registry/eureka/README.md documents.

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
    ...['model', 'endpoints', 'host', 'status', 'health', 'data-center', 'service-content'],
    ...['app', 'service', 'version', 'environment', 'domain', 'project'],
  ].map((key) => `syncer-${key}`),
);

/** Reads all applications; `url` is the base of the API (`http://host:port/eureka`). */
export async function readEureka(url: string): Promise<RegistryContent> {
  const answer = await getJson(`${url}/apps`, { accept: 'application/json' });
  const services = new Map<string, FoundService>();
  const instances: FoundInstance[] = [];
  for (const application of answer.applications.application as Json[]) {
    for (const raw of application.instance as Json[]) {
      const metadata = textsOf(raw.metadata);
      const service = serviceSaidBy(metadata, {
        name: raw.app,
        usualName: (raw.app as string).toLowerCase(),
        content: metadata['syncer-service-content'],
      });
      addService(services, service);
      instances.push(instanceOf(raw, metadata, service.serviceId));
    }
  }
  return { services, instances };
}

function instanceOf(raw: Json, metadata: Texts, serviceId: string): FoundInstance {
  const ports = [
    ...(raw.port['@enabled'] === 'true' ? [`rest://${raw.ipAddr}:${raw.port.$}`] : []),
    ...(raw.securePort['@enabled'] === 'true'
      ? [`rest://${raw.ipAddr}:${raw.securePort.$}?sslEnabled=true`]
      : []),
  ];
  const endpoints = metadata['syncer-endpoints'];
  return {
    serviceId,
    instanceId: raw.instanceId,
    endpoints: endpoints === undefined ? ports : (JSON.parse(endpoints) as string[]),
    hostName: metadata['syncer-host'] ?? raw.hostName,
    status: metadata['syncer-status'] ?? statuses[raw.status as string] ?? raw.status,
    properties: Object.fromEntries(Object.entries(metadata).filter(([key]) => !ownKeys.has(key))),
    healthCheck: {},
    dataCenterInfo: placeIn(metadata['syncer-data-center']),
    // A renewal changes neither.
    revision: `${raw.lastDirtyTimestamp} ${raw.overriddenStatus}`,
  };
}

const statuses: Texts = { OUT_OF_SERVICE: 'OUTOFSERVICE', UNKNOWN: 'DOWN' };

function textsOf(metadata: Json | undefined): Texts {
  return Object.fromEntries(Object.entries(metadata ?? {}).filter(([key]) => key !== '@class'));
}
