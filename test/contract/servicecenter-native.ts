// An application at a server that speaks ServiceCenter's v4 API: the real one, or the lab.

import type { InstanceRef, ServiceRef } from '../../daemon/registry/driver.ts';
import type { NativeApplication } from './native-application.ts';

/** Gives the application of the server at `address`; each call throws unless the answer is 2xx. */
export function serviceCenterNative(address: string): NativeApplication {
  const call = async (
    { domain, project }: Pick<ServiceRef, 'domain' | 'project'>,
    method: string,
    path: string,
    body?: object,
  ): Promise<Record<string, unknown>> => {
    const answer = await fetch(`${address}/v4/${project}/registry${path}`, {
      method,
      headers: { 'x-domain-name': domain, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
  };
  const at = ({ serviceId }: ServiceRef): string => `/microservices/${serviceId}`;
  const of = (ref: InstanceRef): string => `${at(ref)}/instances/${ref.instanceId}`;

  return {
    async registerService(service) {
      const { domain, project } = service;
      const { serviceId } = await call(service, 'POST', '/microservices', {
        service: {
          environment: service.environment,
          appId: service.app,
          serviceName: service.name,
          version: service.version,
          alias: service.alias,
          description: service.description,
          level: service.level,
          status: service.status,
          registerBy: service.registerBy,
          framework: service.framework,
          properties: service.properties,
          schemas: service.schemas.map(({ id }) => id),
          paths: service.paths,
        },
        tags: service.tags,
      });
      const ref = { domain, project, serviceId: String(serviceId) };
      if (service.schemas.length > 0) {
        await call(service, 'POST', `${at(ref)}/schemas`, {
          schemas: service.schemas.map(({ id, summary, text }) => ({
            schemaId: id,
            summary,
            schema: text,
          })),
        });
      }
      return ref;
    },
    async registerInstance(service, { serviceId: _id, version: _version, ...instance }) {
      const { instanceId } = await call(service, 'POST', `${at(service)}/instances`, { instance });
      return { ...service, instanceId: String(instanceId) };
    },
    async renew(ref) {
      await call(ref, 'PUT', `${of(ref)}/heartbeat`);
    },
    async removeInstance(ref) {
      await call(ref, 'DELETE', of(ref));
    },
    async setStatus(ref, status) {
      await call(ref, 'PUT', `${of(ref)}/status?value=${status}`);
    },
    async setProperties(ref, properties) {
      await call(ref, 'PUT', `${of(ref)}/properties`, { properties });
    },
    async setServiceProperties(ref, properties) {
      await call(ref, 'PUT', `${at(ref)}/properties`, { properties });
    },
    async setTags(ref, tags) {
      await call(ref, 'POST', `${at(ref)}/tags`, { tags });
    },
    async setSchema(ref, id, text, summary) {
      await call(ref, 'PUT', `${at(ref)}/schemas/${id}`, { schema: text, summary });
    },
    async removeService(ref) {
      await call(ref, 'DELETE', at(ref));
    },
    async instanceIds(service) {
      const { instances } = await call(service, 'GET', `${at(service)}/instances?noCache=1`);
      return ((instances ?? []) as { instanceId: string }[]).map(({ instanceId }) => instanceId);
    },
  };
}
