// An application at a Eureka that says everything that the common model knows, in the metadata keys
// that the driver documents. What ordinary applications say, without these keys, is in natives.test.ts.

import { setTimeout as wait } from 'node:timers/promises';
import type { Instance, Service } from '../../../daemon/model/service.ts';
import type { InstanceRef, ServiceRef } from '../../../daemon/registry/driver.ts';
import { decodeInstance, encodeInstance } from '../../../daemon/registry/eureka/codec.ts';
import { contentTextOf } from '../../../daemon/registry/common/service-content.ts';
import {
  identityFor,
  parseServiceId,
  serviceIdOf,
} from '../../../daemon/registry/eureka/service-id.ts';
import {
  decodeApplication,
  encodeRegistration,
  type EurekaInstance,
} from '../../../daemon/registry/eureka/wire.ts';
import { sampleInstance, type NativeApplication } from '../../contract/native-application.ts';

/** A Eureka service needs an instance: this one stands for it, with a lease of ten days. */
const anchorCheck = { mode: 'push', port: 0, interval: 86_400, times: 9, url: '' } as const;
const anchorPrefix = 'anchor-';

/** Gives the application of the server at `base`; each call throws unless the answer is good. */
export function eurekaNative(base: string): NativeApplication {
  /** What is registered, by service id and instance id: a registration replaces all of it. */
  const said = new Map<string, { instance: Instance; service: Service | undefined }>();
  const services = new Map<string, Service>();

  const call = async (method: string, path: string, body?: string): Promise<unknown> => {
    const answer = await fetch(`${base}${path}`, {
      method,
      headers: { accept: 'application/json', 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  };
  const appOf = ({ serviceId }: Pick<ServiceRef, 'serviceId'>): string => {
    const app = parseServiceId(serviceId)?.app;
    if (app === undefined) throw new Error(`no service id: ${serviceId}`);
    return app;
  };
  const pathOf = (ref: InstanceRef): string =>
    `/apps/${encodeURIComponent(appOf(ref))}/${encodeURIComponent(ref.instanceId)}`;
  const keyOf = (ref: Pick<InstanceRef, 'serviceId' | 'instanceId'>): string =>
    `${ref.serviceId}/${ref.instanceId}`;

  const register = async (
    ref: ServiceRef,
    instance: Instance,
    service: Service | undefined,
  ): Promise<InstanceRef> => {
    const identity = parseServiceId(ref.serviceId);
    if (identity === undefined) throw new Error(`no service id: ${ref.serviceId}`);
    const content = service === undefined ? undefined : contentTextOf({ from: undefined, service });
    const full = { ...instance, serviceId: ref.serviceId };
    const body = encodeRegistration(encodeInstance(full, identity, content, Date.now()));
    await call('POST', `/apps/${encodeURIComponent(identity.app)}`, body);
    const at = { ...ref, instanceId: instance.instanceId };
    said.set(keyOf(at), { instance: full, service });
    return at;
  };
  const instances = async (ref: ServiceRef): Promise<readonly EurekaInstance[]> => {
    const answer = await call('GET', `/apps/${encodeURIComponent(appOf(ref))}`).catch(
      () => undefined,
    );
    const all = answer === undefined ? [] : decodeApplication(answer);
    return all.filter((each) => decodeInstance(each).serviceId === ref.serviceId);
  };
  const anchor = async (ref: ServiceRef, service: Service): Promise<void> => {
    services.set(ref.serviceId, service);
    // Of two contents the newer counts, to the millisecond.
    await wait(2);
    const instance = sampleInstance({
      instanceId: anchorPrefix + service.name,
      healthCheck: anchorCheck,
    });
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
    registerInstance: (service, instance) => register(service, instance, undefined),
    async renew(ref) {
      const answer = await fetch(`${base}${pathOf(ref)}`, { method: 'PUT' });
      await answer.arrayBuffer();
      if (!answer.ok) throw new Error(`renew ${ref.instanceId}: ${answer.status}`);
    },
    async removeInstance(ref) {
      said.delete(keyOf(ref));
      const answer = await fetch(`${base}${pathOf(ref)}`, { method: 'DELETE' });
      await answer.arrayBuffer();
      if (!answer.ok) throw new Error(`cancel ${ref.instanceId}: ${answer.status}`);
    },
    async setStatus(ref, status) {
      await change(ref, { status });
      // A registration does not lead from UP to OUT_OF_SERVICE: an operator's override does.
      const value = status === 'OUTOFSERVICE' ? 'OUT_OF_SERVICE' : status;
      await call('PUT', `${pathOf(ref)}/status?value=${value}`);
    },
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
      for (const { id } of await instances(ref)) {
        const answer = await fetch(`${base}${pathOf({ ...ref, instanceId: id })}`, {
          method: 'DELETE',
        });
        await answer.arrayBuffer();
      }
    },
    async instanceIds(service) {
      const all = await instances(service);
      return all.map(({ id }) => id).filter((id) => !id.startsWith(anchorPrefix));
    },
  };
}
