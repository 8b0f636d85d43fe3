// The registry's own API, as an application and a consumer use it: what the demo measures goes
// through nothing of ours.

interface Found {
  readonly instanceId: string;
  readonly status: string;
  readonly properties?: Readonly<Record<string, string>>;
}

export interface RegistryClient {
  /** Registers a service and gives its id. */
  service(name: string): Promise<string>;
  /** Registers an instance and gives its id. */
  register(serviceId: string, instanceId: string, endpoint: string): Promise<void>;
  setStatus(serviceId: string, instanceId: string, status: string): Promise<void>;
  setProperties(
    serviceId: string,
    instanceId: string,
    properties: Readonly<Record<string, string>>,
  ): Promise<void>;
  remove(serviceId: string, instanceId: string): Promise<void>;
  /** What a consumer is given when it asks for a service; empty while nobody knows the service. */
  find(name: string): Promise<readonly Found[]>;
}

const callMs = 5_000;

/** Gives the client of one registry. Calls reject with the registry's own words. */
export function createRegistryClient(url: string): RegistryClient {
  const base = `${url}/v4/default/registry`;
  const call = async (method: string, path: string, body?: object): Promise<unknown> => {
    const response = await fetch(`${base}${path}`, {
      method,
      headers: { 'content-type': 'application/json', 'x-domain-name': 'default' },
      signal: AbortSignal.timeout(callMs),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? {} : (JSON.parse(text) as unknown);
  };
  const at = (serviceId: string, instanceId: string): string =>
    `/microservices/${serviceId}/instances/${instanceId}`;
  return {
    async service(serviceName) {
      const service = { serviceName, appId: 'demo', version: '1.0.0' };
      const answer = await call('POST', '/microservices', { service });
      return (answer as { serviceId: string }).serviceId;
    },
    async register(serviceId, instanceId, endpoint) {
      const instance = {
        instanceId,
        hostName: instanceId,
        endpoints: [endpoint],
        healthCheck: { mode: 'push', interval: 600, times: 5 },
      };
      await call('POST', `/microservices/${serviceId}/instances`, { instance });
    },
    async setStatus(serviceId, instanceId, status) {
      await call('PUT', `${at(serviceId, instanceId)}/status?value=${status}`);
    },
    async setProperties(serviceId, instanceId, properties) {
      await call('PUT', `${at(serviceId, instanceId)}/properties`, { properties });
    },
    async remove(serviceId, instanceId) {
      await call('DELETE', at(serviceId, instanceId));
    },
    async find(name) {
      const query = new URLSearchParams({ appId: 'demo', serviceName: name, version: '0.0.0+' });
      const response = await fetch(`${base}/instances?${query.toString()}`, {
        headers: { 'x-domain-name': 'default' },
        signal: AbortSignal.timeout(callMs),
      });
      // 400: no such service there yet.
      if (!response.ok) return [];
      const text = await response.text();
      return (text === '' ? {} : (JSON.parse(text) as { instances?: Found[] })).instances ?? [];
    },
  };
}
