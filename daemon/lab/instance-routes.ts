// The calls on instances: registration, renewal, change, and finding them.

import {
  batchFindBody,
  heartbeatsBody,
  propertiesBody,
  readBody,
  registerInstanceBody,
} from './bodies.ts';
import { one, queryKey, root, unmarshal, type Call, type Route } from './call.ts';
import { ApiError, invalid } from './errors.ts';
import { batchFind, findInstances, getInstance, listInstances, type FindOptions } from './find.ts';
import type { Found } from './frozen.ts';
import { empty, json, type Answer } from './http.ts';
import {
  heartbeat,
  heartbeatBatch,
  registerInstance,
  setInstanceProperties,
  setStatus,
  unregisterInstance,
} from './instances.ts';

/** The largest bodies of these calls (servicecenter-api.md §14). */
const instanceBytes = 5 * 1024;
const propertiesBytes = 3 * 1024;

const instance = `${one}/instances/:`;

function options({ query, consumerId }: Call): FindOptions {
  return { consumerId, rev: query.get('rev') ?? '', noCache: query.get('noCache') === '1' };
}

function found({ rev, instances }: Found): Answer {
  if (instances === undefined) return { kind: 'not-modified', rev };
  return json(instances.length === 0 ? {} : { instances }, { 'X-Resource-Revision': rev });
}

function heartbeats(call: Call): Answer {
  const { context } = call.registry;
  const pairs = readBody(call.body, heartbeatsBody, unmarshal).instances ?? [];
  const instances = heartbeatBatch(context, call.tenant, pairs, call.who);
  if (context.dialect === '2.x') return json({ instances });
  if (instances.some(({ errMessage }) => errMessage !== undefined)) {
    throw new ApiError(400017, 'Heartbeat set failed.');
  }
  return empty;
}

export const instanceRoutes: readonly Route[] = [
  // Instances
  {
    method: 'POST',
    path: `${one}/instances`,
    bodyLimit: instanceBytes,
    handle: ({ registry, tenant, names, body, who }) => {
      const read = readBody(body, registerInstanceBody, unmarshal);
      if (!read.instance) {
        throw invalid(
          "field 'RegisterInstanceRequest.Instance' invalid value '<nil>' does not match rule: {Min: 1}",
        );
      }
      const { context } = registry;
      const serviceId = names[1] ?? '';
      return json({
        instanceId: registerInstance(context, tenant, serviceId, read.instance, who),
      });
    },
  },
  {
    method: 'GET',
    path: `${one}/instances`,
    handle: (call) => {
      const { context, frozen } = call.registry;
      return found(listInstances(context, frozen, call.tenant, call.names[1] ?? '', options(call)));
    },
  },
  {
    method: 'GET',
    path: instance,
    handle: (call) => {
      const { context, frozen } = call.registry;
      const [, serviceId = '', instanceId = ''] = call.names;
      const { rev, instances } = getInstance(
        context,
        frozen,
        call.tenant,
        serviceId,
        instanceId,
        options(call),
      );
      if (instances === undefined) return { kind: 'not-modified', rev };
      return json({ instance: instances[0] }, { 'X-Resource-Revision': rev });
    },
  },
  {
    method: 'DELETE',
    path: instance,
    handle: ({ registry, tenant, names, who }) => {
      unregisterInstance(registry.context, tenant, names[1] ?? '', names[2] ?? '', who);
      return empty;
    },
  },
  {
    method: 'PUT',
    path: `${instance}/status`,
    handle: ({ registry, tenant, names, query, who }) => {
      const status = query.get('value') ?? '';
      setStatus(registry.context, tenant, names[1] ?? '', names[2] ?? '', status, who);
      return empty;
    },
  },
  {
    method: 'PUT',
    path: `${instance}/properties`,
    bodyLimit: propertiesBytes,
    handle: ({ registry, tenant, names, body, who }) => {
      const { properties } = readBody(body, propertiesBody, unmarshal);
      const [, serviceId = '', instanceId = ''] = names;
      setInstanceProperties(registry.context, tenant, serviceId, instanceId, properties, who);
      return empty;
    },
  },
  {
    method: 'PUT',
    path: `${instance}/heartbeat`,
    handle: ({ registry, tenant, names, who }) => {
      heartbeat(registry.context, tenant, names[1] ?? '', names[2] ?? '', who);
      return empty;
    },
  },
  { method: 'PUT', path: `${root}/heartbeats`, handle: heartbeats },
  // Finding
  {
    method: 'GET',
    path: `${root}/instances`,
    handle: (call) => {
      const { context, frozen } = call.registry;
      return found(
        findInstances(context, frozen, call.tenant, queryKey(call.query), options(call)),
      );
    },
  },
  {
    method: 'POST',
    path: `${root}/instances/action`,
    handle: (call) => {
      const action = call.query.get('type') ?? '';
      if (action !== 'query') throw invalid(`Invalid action: ${action}`);
      const { context, frozen } = call.registry;
      const body = readBody(call.body, batchFindBody, unmarshal);
      const { consumerId, noCache } = options(call);
      return json(batchFind(context, frozen, call.tenant, body, consumerId, noCache));
    },
  },
];
