// Applications of one registry, as their SDKs behave: they register, renew their leases, change and
// leave, and know nothing of syncers. The ledger is what they said; the registry must hold exactly that.

import { sortedJson, type FoundInstance, type RegistryContent } from './checker/read-registry.ts';
import { nativesOf } from './checker/compare.ts';

/** How a lab's history names the applications of tests. */
export const applicationAgent = 'application';

export interface InstanceWish {
  readonly instanceId?: string;
  readonly endpoints?: readonly string[];
  readonly hostName?: string;
  readonly status?: string;
  readonly properties?: Readonly<Record<string, string>>;
  readonly healthCheck?: object;
  readonly dataCenterInfo?: object;
}

export interface ServiceWish {
  readonly serviceName: string;
  readonly appId?: string;
  readonly version?: string;
  readonly environment?: string;
  readonly alias?: string;
  readonly description?: string;
  readonly level?: string;
  readonly properties?: Readonly<Record<string, string>>;
  readonly tags?: Readonly<Record<string, string>>;
  readonly framework?: object;
  readonly registerBy?: string;
  readonly paths?: readonly object[];
  readonly schemas?: readonly { schemaId: string; summary: string; schema: string }[];
}

interface LedgerEntry {
  readonly serviceId: string;
  readonly instanceId: string;
  wish: InstanceWish;
}

export interface Applications {
  readonly url: string;
  /** Registers a service with its schemas and tags; gives its id. */
  service(wish: ServiceWish): Promise<string>;
  /** Registers an instance whose lease is renewed from now on; gives its id. */
  instance(serviceId: string, wish?: InstanceWish): Promise<string>;
  setStatus(serviceId: string, instanceId: string, status: string): Promise<void>;
  setProperties(
    serviceId: string,
    instanceId: string,
    properties: Record<string, string>,
  ): Promise<void>;
  /** Leaves properly. */
  remove(serviceId: string, instanceId: string): Promise<void>;
  /** Stops renewing: the lease runs out at the registry. */
  abandon(serviceId: string, instanceId: string): void;
  /** Ids (`serviceId/instanceId`) of those that live. */
  ids(): readonly string[];
  /** What the registry holds of them that differs from what they said. */
  differences(content: RegistryContent): readonly string[];
  /** Registers again what the registry has lost, as SDKs do when a renewal is refused. */
  reviveLost(): Promise<void>;
  stop(): void;
}

/** Starts the applications of the registry at `url`; leases are renewed every `renewMs`. */
export function startApplications(url: string, renewMs = 5_000): Applications {
  const base = `${url}/v4/default/registry`;
  const ledger = new Map<string, LedgerEntry>();
  const wishes = new Map<string, ServiceWish>();

  const renew = async (): Promise<void> => {
    const instances = [...ledger.values()].map(({ serviceId, instanceId }) => ({
      serviceId,
      instanceId,
    }));
    if (instances.length === 0) return;
    // A registry that is away, or that has lost one of them, is the test's business.
    await call('PUT', `${base}/heartbeats`, { instances }).catch(() => undefined);
  };
  const timer = setInterval(() => void renew(), renewMs);

  const post = async (entry: LedgerEntry): Promise<string> => {
    const { serviceId, instanceId, wish } = entry;
    const answer = await call('POST', `${base}/microservices/${serviceId}/instances`, {
      instance: {
        hostName: 'host',
        endpoints: ['rest://10.1.2.3:8080'],
        healthCheck: { mode: 'push', interval: 30, times: 3 },
        ...wish,
        ...(instanceId === '' ? {} : { instanceId }),
      },
    });
    return (answer as { instanceId: string }).instanceId;
  };
  const registerService = async (wish: ServiceWish): Promise<string> => {
    const { schemas, tags, ...service } = wish;
    const answer = await call('POST', `${base}/microservices`, {
      service: {
        appId: 'default',
        version: '1.0.0',
        ...service,
        schemas: schemas?.map(({ schemaId }) => schemaId),
      },
      ...(tags === undefined ? {} : { tags }),
    });
    const { serviceId } = answer as { serviceId: string };
    if (schemas !== undefined)
      await call('POST', `${base}/microservices/${serviceId}/schemas`, { schemas });
    return serviceId;
  };
  const at = (serviceId: string, instanceId: string): string =>
    `${base}/microservices/${serviceId}/instances/${instanceId}`;
  const change = (serviceId: string, instanceId: string, wish: InstanceWish): void => {
    const entry = ledger.get(`${serviceId}/${instanceId}`);
    if (entry !== undefined) entry.wish = { ...entry.wish, ...wish };
  };

  return {
    url,
    async service(wish) {
      const serviceId = await registerService(wish);
      wishes.set(serviceId, wish);
      return serviceId;
    },
    async instance(serviceId, wish = {}) {
      const instanceId = await post({ serviceId, instanceId: wish.instanceId ?? '', wish });
      ledger.set(`${serviceId}/${instanceId}`, { serviceId, instanceId, wish });
      return instanceId;
    },
    async setStatus(serviceId, instanceId, status) {
      await call('PUT', `${at(serviceId, instanceId)}/status?value=${status}`);
      change(serviceId, instanceId, { status });
    },
    async setProperties(serviceId, instanceId, properties) {
      await call('PUT', `${at(serviceId, instanceId)}/properties`, { properties });
      change(serviceId, instanceId, { properties });
    },
    async remove(serviceId, instanceId) {
      ledger.delete(`${serviceId}/${instanceId}`);
      await call('DELETE', at(serviceId, instanceId));
    },
    abandon: (serviceId, instanceId) => void ledger.delete(`${serviceId}/${instanceId}`),
    ids: () => [...ledger.keys()],
    differences(content) {
      const found = new Map<string, FoundInstance>(
        nativesOf(content).map((one) => [`${one.serviceId}/${one.instanceId}`, one]),
      );
      const differences: string[] = [];
      for (const [id, { wish }] of ledger) {
        const native = found.get(id);
        found.delete(id);
        if (native === undefined) differences.push(`${id} is gone`);
        else differences.push(...wishDifferences(id, wish, native));
      }
      return [...differences, ...[...found.keys()].map((id) => `${id} was registered by nobody`)];
    },
    async reviveLost() {
      const ids = new Map<string, string>();
      for (const [serviceId, wish] of wishes) ids.set(serviceId, await registerService(wish));
      for (const [id, entry] of [...ledger]) {
        const serviceId = ids.get(entry.serviceId) ?? entry.serviceId;
        await post({ ...entry, serviceId });
        if (serviceId === entry.serviceId) continue;
        ledger.delete(id);
        ledger.set(`${serviceId}/${entry.instanceId}`, { ...entry, serviceId });
      }
    },
    stop: () => clearInterval(timer),
  };
}

function wishDifferences(id: string, wish: InstanceWish, native: FoundInstance): readonly string[] {
  const said: Record<string, unknown> = { properties: {}, status: 'UP', ...wish };
  const held: Record<string, unknown> = { ...native };
  if (isRaised(said.healthCheck, held.healthCheck)) said.healthCheck = held.healthCheck;
  return Object.keys(said)
    .filter(
      (field) => field !== 'instanceId' && sortedJson(said[field]) !== sortedJson(held[field]),
    )
    .map(
      (field) => `${id}: ${field} is ${sortedJson(held[field])}, not ${sortedJson(said[field])}`,
    );
}

/** A ServiceCenter 2.x raises a health check below its floor (5 s, 3 times), a native one too. */
function isRaised(said: unknown, held: unknown): boolean {
  type Check = Readonly<Record<'interval' | 'times', number>>;
  const [wished, has] = [said, held] as [Check | undefined, Check | undefined];
  return (
    wished !== undefined &&
    has !== undefined &&
    (wished.interval < 5 || wished.times < 3) &&
    has.interval === Math.max(5, wished.interval) &&
    has.times === Math.max(3, wished.times)
  );
}

async function call(method: string, url: string, body?: object): Promise<unknown> {
  const response = await fetch(url, {
    method,
    headers: {
      'content-type': 'application/json',
      'x-domain-name': 'default',
      'x-lab-client': applicationAgent,
    },
    signal: AbortSignal.timeout(10_000),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${method} ${url}: ${response.status} ${text}`);
  return text === '' ? {} : JSON.parse(text);
}
