// An application at a Nacos that says everything that the common model knows, in the metadata keys that
// the driver documents. What ordinary applications say, without these keys, is in the unit tests and in
// e2e.test.ts. Each call returns when the server's list shows it.

import type { Instance, Service } from '../../../daemon/model/service.ts';
import type { InstanceRef, ServiceRef } from '../../../daemon/registry/driver.ts';
import { createApi, type NacosApi } from '../../../daemon/registry/nacos/api.ts';
import { encodeInstance, idOf, sameRegistration } from '../../../daemon/registry/nacos/codec.ts';
import { createHttpClient } from '../../../daemon/registry/nacos/http-client.ts';
import { nacosSettings } from '../../../daemon/registry/nacos/options.ts';
import {
  identityFor,
  parseServiceId,
  serviceIdOf,
} from '../../../daemon/registry/nacos/service-id.ts';
import type { NacosInstance } from '../../../daemon/registry/nacos/wire.ts';
import { sampleInstance, type NativeApplication } from '../../contract/native-application.ts';
import { poll } from '../../support/poll.ts';

/** A service needs an instance: this one stands for it, with a lease of ten days. */
const anchorCheck = { mode: 'push', port: 0, interval: 86_400, times: 9, url: '' } as const;
const anchorPrefix = 'anchor-';
/** Lists follow writes by half a second; machines are busy. */
const listedLimitMs = 30_000;
const never = new AbortController().signal;

export interface NacosNative extends NativeApplication {
  readonly api: NacosApi;
  /** Takes away all that anybody has registered; returns when no list shows any of it. */
  wipe(): Promise<void>;
  close(): Promise<void>;
}

/** Gives the application of the server at `base`, in its namespaces for `projects`. */
export function nacosNative(
  base: string,
  namespace: string,
  projects: readonly string[],
): NacosNative {
  const settings = nacosSettings({ addresses: [base], namespace });
  const http = createHttpClient(settings, {
    interrupted: () => undefined,
    answered: () => undefined,
  });
  const api = createApi(http, settings);
  /** What is registered, by service id and instance id: a registration replaces all of it. */
  const said = new Map<string, { instance: Instance; service: Service | undefined }>();
  const services = new Map<string, Service>();

  const good = <T>(result: { ok: true; value: T } | { ok: false; trouble: unknown }): T => {
    if (!result.ok) throw new Error(JSON.stringify(result.trouble));
    return result.value;
  };
  const identityIn = ({ serviceId }: Pick<ServiceRef, 'serviceId'>) => {
    const identity = parseServiceId(serviceId);
    if (identity === undefined) throw new Error(`no service id: ${serviceId}`);
    return identity;
  };
  const keyOf = (ref: Pick<InstanceRef, 'serviceId' | 'instanceId'>): string =>
    `${ref.serviceId}/${ref.instanceId}`;
  const registration = (
    ref: ServiceRef,
    instance: Instance,
    service: Service | undefined,
  ): NacosInstance => {
    const content = service === undefined ? undefined : { from: undefined, service };
    return encodeInstance({ ...instance, serviceId: ref.serviceId }, identityIn(ref), content);
  };
  const list = async (ref: ServiceRef): Promise<readonly NacosInstance[]> =>
    good(await api.service(identityIn(ref).place));
  const target = (ref: InstanceRef): NacosInstance => {
    const known = said.get(keyOf(ref));
    if (known === undefined) throw new Error(`never registered: ${keyOf(ref)}`);
    return registration(ref, known.instance, known.service);
  };

  const register = async (
    ref: ServiceRef,
    instance: Instance,
    service: Service | undefined,
  ): Promise<InstanceRef> => {
    const at = { ...ref, instanceId: instance.instanceId };
    const wanted = registration(ref, instance, service);
    good(await api.register(wanted, never));
    said.set(keyOf(at), { instance, service });
    await poll(async () => {
      const there = (await list(ref)).find((each) => idOf(each) === instance.instanceId);
      return there !== undefined && sameRegistration(there, wanted) ? true : undefined;
    }, listedLimitMs);
    return at;
  };
  const remove = async (ref: ServiceRef, instance: NacosInstance): Promise<void> => {
    good(await api.deregister(instance, never));
    await poll(async () => {
      const there = (await list(ref)).some((each) => idOf(each) === idOf(instance));
      return there ? undefined : true;
    }, listedLimitMs);
  };
  const anchor = async (ref: ServiceRef, service: Service): Promise<void> => {
    services.set(ref.serviceId, service);
    const instance = sampleInstance({
      instanceId: anchorPrefix + service.name,
      endpoints: [`rest://anchor-${service.name}:1`],
      healthCheck: anchorCheck,
      properties: {},
      version: service.version,
    });
    await register(ref, instance, service);
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
    api,
    async registerService(service) {
      const { domain, project } = service;
      const serviceId = serviceIdOf(identityFor(service, projects));
      const ref = { domain, project, serviceId };
      await anchor(ref, service);
      return ref;
    },
    registerInstance: (service, instance) => register(service, instance, undefined),
    async renew(ref) {
      if (!good(await api.renew(target(ref), never))) throw new Error(`unknown: ${keyOf(ref)}`);
    },
    async removeInstance(ref) {
      await remove(ref, target(ref));
      said.delete(keyOf(ref));
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
      for (const instance of await list(ref)) await remove(ref, instance);
    },
    async instanceIds(service) {
      return (await list(service)).map(idOf).filter((id) => !id.startsWith(anchorPrefix));
    },
    async wipe() {
      for (const project of projects) {
        await poll(async () => {
          const all = good(await api.all(project));
          for (const each of all) good(await api.deregister(each, never));
          return all.length === 0 ? true : undefined;
        }, listedLimitMs);
      }
    },
    close: () => http.close(),
  };
}
