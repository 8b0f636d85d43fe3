// An application at a Consul that says everything that the common model knows, in the metadata keys that
// the driver documents; on a node of its own. Consul has no leases: what an orchestrator does for its
// applications is done here, an instance that was not renewed for its lease is taken out.

import { leaseSecondsOf, type Instance, type Service } from '../../../daemon/model/service.ts';
import type { InstanceRef, ServiceRef } from '../../../daemon/registry/driver.ts';
import { contentTextOf } from '../../../daemon/registry/common/service-content.ts';
import { encodeInstance, entryIdOf } from '../../../daemon/registry/consul/codec.ts';
import {
  identityFor,
  parseServiceId,
  serviceIdOf,
} from '../../../daemon/registry/consul/service-id.ts';
import { sampleInstance, type NativeApplication } from '../../contract/native-application.ts';

/** A service needs an instance: this one stands for it. */
const anchorPrefix = 'anchor-';
const host = 'application-host';

export interface ConsulNative extends NativeApplication {
  close(): void;
}

/** Gives the application of the server at `base`; each call throws unless the answer is good. */
export function consulNative(base: string): ConsulNative {
  /** What is registered, by service id and instance id: a registration replaces all of it. */
  const said = new Map<string, { instance: Instance; service: Service | undefined }>();
  const services = new Map<string, Service>();
  const leases = new Map<string, { readonly ref: InstanceRef; endsMs: number; leaseMs: number }>();

  const call = async (method: string, path: string, body?: object): Promise<unknown> => {
    const answer = await fetch(`${base}/v1${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  };
  const keyOf = (ref: Pick<InstanceRef, 'serviceId' | 'instanceId'>): string =>
    entryIdOf(ref.serviceId, ref.instanceId);
  const deregister = async (ref: InstanceRef): Promise<void> => {
    await call('PUT', '/catalog/deregister', { Node: host, ServiceID: keyOf(ref) });
  };

  const reaping = setInterval(() => {
    for (const [key, { ref, endsMs }] of leases) {
      if (performance.now() < endsMs) continue;
      leases.delete(key);
      // A server that is away: again later.
      void deregister(ref).catch(() => leases.set(key, { ref, endsMs: 0, leaseMs: 0 }));
    }
  }, 200);
  reaping.unref();

  const register = async (
    ref: ServiceRef,
    instance: Instance,
    service: Service | undefined,
  ): Promise<InstanceRef> => {
    const identity = parseServiceId(ref.serviceId);
    if (identity === undefined) throw new Error(`no service id: ${ref.serviceId}`);
    const content = service === undefined ? undefined : contentTextOf({ from: undefined, service });
    const full = { ...instance, serviceId: ref.serviceId };
    const entry = encodeInstance(full, identity, content);
    if (!entry.meta.fits) throw new Error(`${instance.instanceId} does not fit`);
    const at = { ...ref, instanceId: instance.instanceId };
    const checkId = `status:${entry.id}`;
    await call('PUT', '/catalog/register', {
      Node: host,
      Address: '10.9.9.9',
      SkipNodeUpdate: true,
      Service: {
        ID: entry.id,
        Service: entry.name,
        Address: entry.address,
        Port: entry.port,
        Tags: entry.tags,
        Weights: { Passing: entry.weights.passing, Warning: entry.weights.warning },
        Meta: entry.meta.pairs,
      },
      Check: {
        Node: host,
        CheckID: checkId,
        Name: 'status',
        Status: entry.status === 'UP' ? 'passing' : 'critical',
        ServiceID: entry.id,
      },
    });
    said.set(keyOf(at), { instance: full, service });
    return at;
  };
  const entries = async (ref: ServiceRef): Promise<readonly string[]> => {
    const name = parseServiceId(ref.serviceId)?.name ?? '';
    const answer = (await call('GET', `/catalog/service/${encodeURIComponent(name)}`)) as {
      ServiceID: string;
    }[];
    const prefix = `${ref.serviceId}/`;
    return answer
      .map(({ ServiceID }) => ServiceID)
      .filter((id) => id.startsWith(prefix))
      .map((id) => id.slice(prefix.length));
  };
  const anchor = async (ref: ServiceRef, service: Service): Promise<void> => {
    services.set(ref.serviceId, service);
    const instance = sampleInstance({ instanceId: anchorPrefix + service.name });
    await register(ref, { ...instance, version: service.version }, service);
  };
  const change = async (ref: InstanceRef, part: Partial<Instance>): Promise<void> => {
    const known = said.get(keyOf(ref));
    if (known === undefined) throw new Error(`never registered: ${keyOf(ref)}`);
    await register(ref, { ...known.instance, ...part }, known.service);
  };
  const changeService = async (ref: ServiceRef, part: Partial<Service>): Promise<void> => {
    const service = services.get(ref.serviceId);
    if (service === undefined) throw new Error(`never registered: ${ref.serviceId}`);
    await anchor(ref, { ...service, ...part });
  };

  return {
    async registerService(service) {
      const { domain, project } = service;
      const ref = { domain, project, serviceId: serviceIdOf(identityFor(service)) };
      await anchor(ref, service);
      return ref;
    },
    async registerInstance(service, instance) {
      const ref = await register(service, instance, undefined);
      const leaseMs = leaseSecondsOf(instance) * 1_000;
      leases.set(keyOf(ref), { ref, endsMs: performance.now() + leaseMs, leaseMs });
      return ref;
    },
    async renew(ref) {
      const lease = leases.get(keyOf(ref));
      if (lease === undefined) throw new Error(`renew ${ref.instanceId}: its lease has ended`);
      await call('GET', '/status/leader');
      lease.endsMs = performance.now() + lease.leaseMs;
    },
    async removeInstance(ref) {
      said.delete(keyOf(ref));
      leases.delete(keyOf(ref));
      await deregister(ref);
    },
    setStatus: (ref, status) => change(ref, { status }),
    setProperties: (ref, properties) => change(ref, { properties }),
    setServiceProperties: (ref, properties) => changeService(ref, { properties }),
    setTags: (ref, tags) => changeService(ref, { tags }),
    async setSchema(ref, id, text, summary) {
      const schemas = services.get(ref.serviceId)?.schemas ?? [];
      await changeService(ref, {
        schemas: schemas.map((schema) => (schema.id === id ? { id, summary, text } : schema)),
      });
    },
    async removeService(ref) {
      for (const instanceId of await entries(ref)) await deregister({ ...ref, instanceId });
    },
    async instanceIds(service) {
      const all = await entries(service);
      return all.filter((id) => !id.startsWith(anchorPrefix));
    },
    close: () => clearInterval(reaping),
  };
}
