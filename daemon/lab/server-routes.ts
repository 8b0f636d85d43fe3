// The calls on the server itself, and those of consoles.

import { listOf, root, type Call, type Route } from './call.ts';
import { dumpCache } from './dump.ts';
import { ApiError } from './errors.ts';
import { governAll, governApps, governOne, statistics } from './govern.ts';
import { json, type Answer } from './http.ts';
import { describeServer } from './server-facts.ts';

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

export const serverRoutes: readonly Route[] = [
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
