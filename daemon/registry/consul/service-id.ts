// Consul knows services by name and nothing above their instances. A service of the common model is all
// instances of one name that say the same identity; its id is written from that identity, so it can be
// read back without any memory: `orders`, or `orders:shop::1.2.3:production`.

import type { ServiceKey, StringMap } from '../../model/service.ts';

/** A service as its id says it. */
export interface Identity {
  /** Consul's name of it. */
  readonly name: string;
  readonly key: ServiceKey;
}

/** Metadata keys by which an instance names its service; an application may set them too. */
export const identityKeys = {
  app: 'syncer-app',
  name: 'syncer-service',
  version: 'syncer-version',
  environment: 'syncer-environment',
  domain: 'syncer-domain',
  project: 'syncer-project',
} as const;

/** The parts in the order of the id. */
const parts = ['app', 'name', 'version', 'environment', 'domain', 'project'] as const;

/** What an application that says nothing of itself is: ServiceComb's own defaults. */
function defaultKey(name: string): ServiceKey {
  return {
    domain: 'default',
    project: 'default',
    environment: '',
    app: 'default',
    name,
    version: '0.0.1',
  };
}

/** A version that every ServiceCenter takes: one to four numbers. */
const versionPattern = /^\d{1,5}(\.\d{1,5}){0,3}$/;
/** What applications commonly call their version in their metadata. */
const nativeVersionKey = 'version';

/** Gives the service that an instance of `name` with this metadata belongs to. */
export function identityOf(name: string, metadata: StringMap): Identity {
  const base = defaultKey(name);
  const said = metadata[nativeVersionKey];
  const version = said !== undefined && versionPattern.test(said) ? said : base.version;
  return {
    name,
    key: {
      domain: metadata[identityKeys.domain] ?? base.domain,
      project: metadata[identityKeys.project] ?? base.project,
      environment: metadata[identityKeys.environment] ?? base.environment,
      app: metadata[identityKeys.app] ?? base.app,
      name: metadata[identityKeys.name] ?? base.name,
      version: metadata[identityKeys.version] ?? version,
    },
  };
}

/** Gives the metadata that names `key` under `name`; `others` is what else the metadata holds. */
export function identityMetadata({ name, key }: Identity, others: StringMap): StringMap {
  const read = identityOf(name, others).key;
  return Object.fromEntries(
    parts.filter((part) => key[part] !== read[part]).map((part) => [identityKeys[part], key[part]]),
  );
}

/** Gives where a service of this key goes that is not there yet. */
export function identityFor(key: ServiceKey): Identity {
  const { domain, project, environment, app, name, version } = key;
  return { name, key: { domain, project, environment, app, name, version } };
}

/** Gives the id. */
export function serviceIdOf({ name, key }: Identity): string {
  const base = defaultKey(name);
  const texts = parts.map((part) => {
    if (key[part] === base[part]) return '';
    return key[part] === '' ? emptyMark : encodeURIComponent(key[part]);
  });
  return [encodeURIComponent(name), ...texts].join(':').replace(/:+$/, '');
}

/** Stands for an empty text: no escaped one is a single percent sign. */
const emptyMark = '%';

/** Gives what an id says; `undefined`: it is none of ours. */
export function parseServiceId(serviceId: string): Identity | undefined {
  const [first = '', ...rest] = serviceId.split(':');
  try {
    const name = decodeURIComponent(first);
    if (name === '' || rest.length > parts.length) return undefined;
    const base = defaultKey(name);
    const said = parts.map((part, index) => {
      const given = rest[index] ?? '';
      if (given === '') return [part, base[part]];
      return [part, given === emptyMark ? '' : decodeURIComponent(given)];
    });
    const identity = { name, key: Object.fromEntries(said) as unknown as ServiceKey };
    return serviceIdOf(identity) === serviceId ? identity : undefined;
  } catch {
    // Not escaped as ours are.
    return undefined;
  }
}
