// The calls of the v4 API, each to the function that answers it.

import type { ServiceKey, Tenant } from './content.ts';
import {
  batchFindBody,
  createServiceBody,
  deleteServicesBody,
  dependenciesBody,
  heartbeatsBody,
  propertiesBody,
  readBody,
  registerInstanceBody,
  schemaBody,
  schemasBody,
  tagsBody,
} from './bodies.ts';
import { setDependencies } from './dependencies.ts';
import { dumpCache } from './dump.ts';
import { ApiError, invalid } from './errors.ts';
import { batchFind, findInstances, findServiceId, getInstance, listInstances } from './find.ts';
import type { FindOptions } from './find.ts';
import type { Found } from './frozen.ts';
import { governAll, governApps, governOne, statistics } from './govern.ts';
import type { Answer } from './http.ts';
import { empty, json } from './http.ts';
import {
  heartbeat,
  heartbeatBatch,
  registerInstance,
  setInstanceProperties,
  setStatus,
  unregisterInstance,
} from './instances.ts';
import type { Registry } from './registry.ts';
import { deleteSchema, listSchemas, postSchemas, putSchema, schemaOf } from './schemas.ts';
import { requireService } from './service-access.ts';
import {
  createService,
  deleteService,
  deleteServices,
  listServices,
  setServiceProperties,
} from './services.ts';
import { deleteTags, setTag, setTags, tagsOf } from './tags.ts';
import { describeServer, type ServerFacts } from './server-facts.ts';
import { dependencyList } from './dependency-list.ts';

/** One call, taken apart. */
export interface Call {
  readonly registry: Registry;
  readonly facts: ServerFacts;
  readonly tenant: Tenant;
  /** The parts of the path that stand for names, in their order. */
  readonly names: readonly string[];
  readonly query: URLSearchParams;
  readonly body: string;
  readonly consumerId: string;
  readonly who: string;
}

export interface Route {
  readonly method: string;
  /** `:` stands for a name. The project is the first name of every `/v4/` path. */
  readonly path: string;
  readonly handle: (call: Call) => Answer;
  readonly bodyLimit?: number;
}

const kibibyte = 1024;
const unmarshal = 'Unmarshal error';

function options({ query, consumerId }: Call): FindOptions {
  return { consumerId, rev: query.get('rev') ?? '', noCache: query.get('noCache') === '1' };
}

function queryKey(query: URLSearchParams): ServiceKey {
  return {
    environment: query.get('env') ?? '',
    appId: query.get('appId') ?? '',
    serviceName: query.get('serviceName') ?? '',
    version: query.get('version') ?? '',
  };
}

function found({ rev, instances }: Found): Answer {
  if (instances === undefined) return { kind: 'not-modified', rev };
  return json(instances.length === 0 ? {} : { instances }, { 'X-Resource-Revision': rev });
}

/** `force` must read as a truth value of Go. */
function readForce(query: URLSearchParams): boolean {
  const force = query.get('force') ?? '';
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(force)) return true;
  if (['', '0', 'f', 'F', 'false', 'FALSE', 'False'].includes(force)) return false;
  throw invalid('parameter force must be false or true');
}

function listOf(name: string, list: readonly unknown[] | undefined): Answer {
  return json(list === undefined || list.length === 0 ? {} : { [name]: list });
}

function existence({ registry, tenant, query }: Call): Answer {
  const { context } = registry;
  switch (query.get('type')) {
    case 'microservice':
      return json({ serviceId: findServiceId(context, tenant, queryKey(query)) });
    case 'schema': {
      const schemaId = query.get('schemaId') ?? '';
      const serviceId = query.get('serviceId') ?? '';
      const { summary } = schemaOf(context, tenant, serviceId, schemaId, 'service does not exist.');
      return json({ schemaId }, summary === '' ? undefined : { 'X-Schema-Summary': summary });
    }
    default:
      throw invalid('Only micro-service and schema can be used as type.');
  }
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

function dump(call: Call): Answer {
  const { registry, tenant, query, facts } = call;
  if (tenant.domain !== 'default' || tenant.project !== 'default') {
    throw new ApiError(403001, 'Required admin permission');
  }
  const asked = (query.get('options') ?? 'cache').split(',');
  const all = asked.includes('all');
  const answer: Record<string, unknown> = {};
  if (all || asked.includes('info')) answer.info = facts.build;
  if (all || asked.includes('config')) answer.config = describeServer(registry, facts).config;
  if (registry.context.dialect === '1.x' && (all || asked.includes('env'))) answer.env = {};
  if (all || asked.includes('cache')) answer.cache = dumpCache(registry.context);
  return json(answer);
}

const root = '/v4/:/registry';
const one = `${root}/microservices/:`;
const instance = `${one}/instances/:`;

/** Every call of the API; the first name is the project. */
export const routes: readonly Route[] = [
  // Services
  {
    method: 'POST',
    path: `${root}/microservices`,
    handle: ({ registry, tenant, body, who }) =>
      json({
        serviceId: createService(registry.context, tenant, readBody(body, createServiceBody), who),
      }),
  },
  {
    method: 'GET',
    path: `${root}/microservices`,
    handle: ({ registry, tenant, query }) =>
      listOf('services', listServices(registry.context, tenant, query.get('noCache') === '1')),
  },
  {
    method: 'DELETE',
    path: `${root}/microservices`,
    handle: ({ registry, tenant, body, who }) => {
      const { serviceIds, force } = readBody(body, deleteServicesBody, unmarshal);
      return json(deleteServices(registry.context, tenant, serviceIds ?? [], force ?? false, who));
    },
  },
  {
    method: 'GET',
    path: one,
    handle: ({ registry, tenant, names, query }) => {
      const { cached, truth } = requireService(registry.context, tenant, names[1] ?? '');
      const past = query.get('noCache') === '1' || !registry.context.cacheEnabled;
      return json({ service: past ? truth : cached });
    },
  },
  {
    method: 'DELETE',
    path: one,
    handle: ({ registry, tenant, names, query, who }) => {
      deleteService(registry.context, tenant, names[1] ?? '', readForce(query), who);
      return empty;
    },
  },
  {
    method: 'PUT',
    path: `${one}/properties`,
    bodyLimit: 3 * kibibyte,
    handle: ({ registry, tenant, names, body, who }) => {
      const { properties } = readBody(body, propertiesBody, unmarshal);
      setServiceProperties(registry.context, tenant, names[1] ?? '', properties, who);
      return empty;
    },
  },
  { method: 'GET', path: `${root}/existence`, handle: existence },
  // Tags
  {
    method: 'POST',
    path: `${one}/tags`,
    handle: ({ registry, tenant, names, body, who }) => {
      const { tags } = readBody(body, tagsBody, unmarshal);
      setTags(registry.context, tenant, names[1] ?? '', tags ?? {}, who);
      return empty;
    },
  },
  {
    method: 'GET',
    path: `${one}/tags`,
    handle: ({ registry, tenant, names }) => {
      const tags = tagsOf(registry.context, tenant, names[1] ?? '');
      return json(tags === undefined ? {} : { tags });
    },
  },
  {
    method: 'PUT',
    path: `${one}/tags/:`,
    handle: ({ registry, tenant, names, query, who }) => {
      const value = query.get('value') ?? '';
      setTag(registry.context, tenant, names[1] ?? '', names[2] ?? '', value, who);
      return empty;
    },
  },
  {
    method: 'DELETE',
    path: `${one}/tags/:`,
    handle: ({ registry, tenant, names, who }) => {
      const keys = (names[2] ?? '').split(',');
      deleteTags(registry.context, tenant, names[1] ?? '', keys, who);
      return empty;
    },
  },
  // Schemas
  {
    method: 'GET',
    path: `${one}/schemas`,
    handle: ({ registry, tenant, names, query }) => {
      const withText = query.get('withSchema') ?? '';
      if (!['', '0', '1'].includes(withText)) {
        throw invalid('parameter withSchema must be 1 or 0');
      }
      return listOf(
        'schemas',
        listSchemas(registry.context, tenant, names[1] ?? '', withText === '1'),
      );
    },
  },
  {
    method: 'POST',
    path: `${one}/schemas`,
    handle: ({ registry, tenant, names, body, who }) => {
      const { schemas } = readBody(body, schemasBody, unmarshal);
      postSchemas(registry.context, tenant, names[1] ?? '', schemas ?? [], who);
      return empty;
    },
  },
  {
    method: 'GET',
    path: `${one}/schemas/:`,
    handle: ({ registry, tenant, names }) => {
      const schema = schemaOf(registry.context, tenant, names[1] ?? '', names[2] ?? '');
      const headers = schema.summary === '' ? undefined : { 'X-Schema-Summary': schema.summary };
      return json({ schema: schema.text }, headers);
    },
  },
  {
    method: 'PUT',
    path: `${one}/schemas/:`,
    handle: ({ registry, tenant, names, body, who }) => {
      const read = readBody(body, schemaBody, unmarshal);
      const schemaId = names[2] ?? '';
      putSchema(registry.context, tenant, names[1] ?? '', { ...read, schemaId }, who);
      return empty;
    },
  },
  {
    method: 'DELETE',
    path: `${one}/schemas/:`,
    handle: ({ registry, tenant, names, who }) => {
      deleteSchema(registry.context, tenant, names[1] ?? '', names[2] ?? '', who);
      return empty;
    },
  },
  // Instances
  {
    method: 'POST',
    path: `${one}/instances`,
    bodyLimit: 5 * kibibyte,
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
    bodyLimit: 3 * kibibyte,
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
  // Dependencies
  ...(['PUT', 'POST'] as const).map((method) => ({
    method,
    path: `${root}/dependencies`,
    handle: ({ registry, tenant, body }: Call) => {
      const { dependencies } = readBody(body, dependenciesBody, unmarshal);
      setDependencies(registry.context, tenant, dependencies ?? [], method === 'PUT');
      return empty;
    },
  })),
  ...(['providers', 'consumers'] as const).map((side) => ({
    method: 'GET',
    path: `${one}/${side}`,
    handle: ({ registry, tenant, names }: Call) =>
      listOf(side, dependencyList(registry.context, tenant, names[1] ?? '', side)),
  })),
  // The server itself
  {
    method: 'GET',
    path: `${root}/version`,
    handle: ({ registry, facts }) => json(describeServer(registry, facts)),
  },
  { method: 'GET', path: '/version', handle: () => json({ apiVersion: '3.0.0' }) },
  { method: 'GET', path: `${root}/health`, handle: health },
  { method: 'GET', path: '/v4/:/admin/dump', handle: dump },
  { method: 'GET', path: '/v4/:/admin/alarms', handle: () => json({}) },
  {
    method: 'GET',
    path: '/v4/:/admin/clusters',
    handle: ({ registry, facts }) =>
      json({ clusters: { [registry.context.name]: [facts.peerUrl] } }),
  },
  // Consoles
  {
    method: 'GET',
    path: '/v4/:/govern/microservices',
    handle: ({ registry, tenant, query }) => {
      const asked = (query.get('options') ?? '').split(',').filter((option) => option !== '');
      const withShared = query.get('withShared') === 'true';
      if (asked.length === 1 && asked[0] === 'statistics') {
        return json({ statistics: statistics(registry.context, tenant, withShared) });
      }
      return listOf('allServicesDetail', governAll(registry.context, tenant, asked));
    },
  },
  {
    method: 'GET',
    path: '/v4/:/govern/microservices/:',
    handle: ({ registry, tenant, names, query }) => {
      const asked = (query.get('options') ?? '').split(',').filter((option) => option !== '');
      return json({ service: governOne(registry.context, tenant, names[1] ?? '', asked) });
    },
  },
  {
    method: 'GET',
    path: '/v4/:/govern/apps',
    handle: ({ registry, tenant, query }) =>
      listOf('appIds', governApps(registry.context, tenant, query.get('env') ?? '')),
  },
  { method: 'GET', path: '/v4/:/govern/relations', handle: () => json({}) },
];

/** The server's own instances; no health test where it does not register itself (§3). */
function health({ registry, facts }: Call): Answer {
  const own = facts.ownServiceId;
  const tenant = { domain: 'default', project: 'default' };
  const record = own === undefined ? undefined : registry.context.store.service(tenant, own);
  if (record === undefined) throw new ApiError(400012, "ServiceCenter's serviceID not exist.");
  return json({ instances: Array.from(record.instances.values(), ({ truth }) => truth) });
}
