// What a consumer of each kind asks for: the instances of one service. A look costs the registry as little
// as it can, so that looking is no part of what is measured.

import type { KindOfSite } from '../../interop/kinds/kind-of-site.ts';

type Json = Record<string, any>;
type Texts = Readonly<Record<string, string>>;

/** A service as it is known at every kind; natives of a ServiceCenter have an app of their own. */
export interface Wanted {
  readonly app: string;
  readonly name: string;
}

/** Gives the properties of the instances that a consumer would be told of; none of an unknown service. */
export async function ask(site: KindOfSite, { app, name }: Wanted): Promise<readonly Texts[]> {
  switch (site.kind) {
    case 'servicecenter': {
      const query = new URLSearchParams({ appId: app, serviceName: name, version: '0.0.0+' });
      const found = await get(`${site.url}/v4/default/registry/instances?${query.toString()}`);
      return ((found?.instances ?? []) as Json[]).map(({ properties }) => properties as Texts);
    }
    case 'eureka': {
      const found = await get(`${site.url}/apps/${name.toUpperCase()}`);
      const instances: Json[] = found?.application?.instance ?? [];
      return instances.map(({ metadata }) => metadata as Texts);
    }
    case 'nacos': {
      const groupName = app === 'default' ? 'DEFAULT_GROUP' : app;
      // With the instances of all clusters, as consumers with the SDK are told of them.
      const query = new URLSearchParams({
        ...{ namespaceId: 'public', pageNo: '1', pageSize: '50', withInstances: 'true' },
        ...{ serviceNameParam: name, groupNameParam: groupName },
      });
      const found = await get(`${site.url}/v3/admin/ns/service/list?${query.toString()}`);
      return (found.data.pageItems as Json[])
        .filter(({ serviceName }) => serviceName === name)
        .flatMap(({ clusterMap }) => Object.values(clusterMap as Json) as Json[])
        .flatMap(({ hosts }) => hosts as Json[])
        .map(({ metadata }) => metadata as Texts);
    }
    case 'consul': {
      const found = await get(`${site.url}/v1/health/service/${name}`);
      return ((found ?? []) as Json[]).map(({ Service }) => (Service.Meta ?? {}) as Texts);
    }
  }
}

/** Gives the answer; `undefined`: there is no such service. */
async function get(url: string): Promise<any> {
  const answer = await fetch(url, {
    headers: { accept: 'application/json', 'x-domain-name': 'default' },
  });
  const text = await answer.text();
  // A ServiceCenter says 400 of a service that nobody has registered, an Eureka 404.
  if (answer.status === 404 || answer.status === 400) return undefined;
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}
