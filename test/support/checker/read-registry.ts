// Reads what one ServiceCenter answers for itself, past its caches. It shares no code with the
// product: a fault of the driver must not hide here.

import { commonContent, sortedJson } from './common-words.ts';

export { sortedJson } from './common-words.ts';

/** One instance as the registry answers it; a service's parts beside it. */
export interface FoundInstance {
  readonly serviceId: string;
  readonly instanceId: string;
  readonly endpoints: readonly string[];
  readonly hostName: string;
  readonly status: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly healthCheck: Readonly<Record<string, unknown>>;
  readonly dataCenterInfo: Readonly<Record<string, string>> | undefined;
  /** Another one after each write to it, where the registry tells; renewals are none. */
  readonly revision?: string;
}

export interface FoundService {
  readonly serviceId: string;
  /** environment|app|name|version */
  readonly key: string;
  /**
   * Everything an application may have said of the service, as JSON with sorted keys; undefined where
   * the registry knows no services.
   */
  readonly content: string | undefined;
  /** What of it every kind of registry can tell (`commonContent`). */
  readonly common: string;
  readonly properties: Readonly<Record<string, string>>;
}

export interface RegistryContent {
  readonly services: ReadonlyMap<string, FoundService>;
  readonly instances: readonly FoundInstance[];
}

type Json = Record<string, any>;

/** Thrown when the registry does not answer as it should; `status` 0: no answer. */
export class RegistryReadError extends Error {
  override readonly name = 'RegistryReadError';
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Reads all services with schemas and tags, and all instances, of one domain and project. */
export async function readRegistry(
  url: string,
  scope: { readonly domain?: string; readonly project?: string } = {},
): Promise<RegistryContent> {
  const base = `${url}/v4/${scope.project ?? 'default'}/registry`;
  const headers = { 'x-domain-name': scope.domain ?? 'default' };
  const get = (path: string): Promise<Json> => getJson(`${base}${path}`, headers);
  const listed: Json[] = (await get('/microservices?noCache=1')).services ?? [];
  const services = new Map<string, FoundService>();
  const instances: FoundInstance[] = [];
  for (let at = 0; at < listed.length; at += 16) {
    await Promise.all(
      listed.slice(at, at + 16).map(async (service) => {
        const id: string = service.serviceId;
        if (service.serviceName === 'SERVICECENTER') return;
        const [found, schemas, tags] = await Promise.all([
          get(`/microservices/${id}/instances?noCache=1`),
          get(`/microservices/${id}/schemas?withSchema=1&noCache=1`),
          get(`/microservices/${id}/tags?noCache=1`),
        ]);
        services.set(id, foundService(service, schemas, tags));
        for (const instance of found.instances ?? []) instances.push(foundInstance(instance));
      }),
    );
  }
  return { services, instances };
}

function foundService(service: Json, schemas: Json, tags: Json): FoundService {
  const { serviceId, timestamp, modTimestamp, properties, ...rest } = service;
  const texts = (schemas.schemas ?? []).map((one: Json) => ({
    id: one.schemaId,
    summary: one.summary ?? '',
    text: one.schema ?? '',
  }));
  return {
    serviceId,
    key: [service.environment ?? '', service.appId, service.serviceName, service.version].join('|'),
    content: sortedJson({
      ...rest,
      schemas: (schemas.schemas ?? []).map((one: Json) => [
        one.schemaId,
        one.summary ?? '',
        one.schema ?? '',
      ]),
      tags: tags.tags ?? {},
    }),
    common: commonContent({ ...rest, tags: tags.tags ?? {}, schemas: texts }),
    properties: properties ?? {},
  };
}

function foundInstance(instance: Json): FoundInstance {
  return {
    serviceId: instance.serviceId,
    instanceId: instance.instanceId,
    endpoints: instance.endpoints ?? [],
    hostName: instance.hostName ?? '',
    status: instance.status ?? '',
    properties: instance.properties ?? {},
    healthCheck: instance.healthCheck ?? {},
    dataCenterInfo: instance.dataCenterInfo,
    revision: String(instance.modTimestamp),
  };
}

/** Gives an answer of 200 as JSON; everything else is a `RegistryReadError`. */
export async function getJson(
  url: string,
  headers: Readonly<Record<string, string>>,
): Promise<Json> {
  let status: number;
  let text: string;
  try {
    const response = await fetch(url, {
      headers,
      signal: AbortSignal.timeout(10_000),
    });
    ({ status } = response);
    // The answer may break off: that, too, is no answer.
    text = await response.text();
  } catch (error) {
    throw new RegistryReadError(0, `${url}: ${String(error)}`);
  }
  if (status !== 200)
    throw new RegistryReadError(status, `${url}: ${status} ${text.slice(0, 200)}`);
  return text === '' ? {} : (JSON.parse(text) as Json);
}
