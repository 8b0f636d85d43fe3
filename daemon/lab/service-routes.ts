// The calls on services, their tags, schemas and dependencies.

import {
  createServiceBody,
  deleteServicesBody,
  dependenciesBody,
  propertiesBody,
  readBody,
  schemaBody,
  schemasBody,
  tagsBody,
} from './bodies.ts';
import { listOf, one, queryKey, root, unmarshal, type Call, type Route } from './call.ts';
import { setDependencies } from './dependencies.ts';
import { dependencyList } from './dependency-list.ts';
import { invalid } from './errors.ts';
import { findServiceId } from './find.ts';
import { empty, json, type Answer } from './http.ts';
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

/** The largest body of new properties (servicecenter-api.md §14). */
const propertiesBytes = 3 * 1024;

/** `force` must read as a truth value of Go. */
function readForce(query: URLSearchParams): boolean {
  const force = query.get('force') ?? '';
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(force)) return true;
  if (['', '0', 'f', 'F', 'false', 'FALSE', 'False'].includes(force)) return false;
  throw invalid('parameter force must be false or true');
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

export const serviceRoutes: readonly Route[] = [
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
    bodyLimit: propertiesBytes,
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
];
