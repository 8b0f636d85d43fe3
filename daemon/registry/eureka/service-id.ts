// Eureka knows applications by name and nothing above their instances. A service of the common model
// is all instances of one application that say the same identity; its id is written from that identity,
// so it can be read back without any memory: `ORDERS`, or `ORDERS:shop:Orders:1.2.3:production`.

import type { ServiceKey, StringMap } from '../../model/service.ts';

/** A service as its id says it. */
export interface Identity {
  /** Eureka's name, in upper case. */
  readonly app: string;
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
function defaultKey(app: string): ServiceKey {
  return {
    domain: 'default',
    project: 'default',
    environment: '',
    app: 'default',
    name: app.toLowerCase(),
    version: '0.0.1',
  };
}

/** A version that every ServiceCenter takes: one to four numbers. */
const versionPattern = /^\d{1,5}(\.\d{1,5}){0,3}$/;
/** What Spring Cloud applications call their version in their metadata. */
const nativeVersionKey = 'version';

/** Gives the service that an instance of `app` with this metadata belongs to. */
export function identityOf(app: string, metadata: StringMap): Identity {
  const base = defaultKey(app);
  const said = metadata[nativeVersionKey];
  const version = said !== undefined && versionPattern.test(said) ? said : base.version;
  return {
    app,
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

/** Gives the metadata that names `key` under `app`; `properties` is what else the metadata holds. */
export function identityMetadata({ app, key }: Identity, properties: StringMap): StringMap {
  const read = identityOf(app, properties).key;
  return Object.fromEntries(
    parts.filter((part) => key[part] !== read[part]).map((part) => [identityKeys[part], key[part]]),
  );
}

/** Gives where a service of this key goes that is not there yet. */
export function identityFor(key: ServiceKey): Identity {
  return { app: key.name.toUpperCase(), key };
}

/** Gives the id. */
export function serviceIdOf({ app, key }: Identity): string {
  const base = defaultKey(app);
  const texts = parts.map((part) => {
    if (key[part] === base[part]) return '';
    return key[part] === '' ? emptyMark : encodeURIComponent(key[part]);
  });
  return [encodeURIComponent(app), ...texts].join(':').replace(/:+$/, '');
}

/** Stands for an empty text: no escaped one is a single percent sign. */
const emptyMark = '%';

/** Gives what an id says; `undefined`: it is none of ours. */
export function parseServiceId(serviceId: string): Identity | undefined {
  const [first = '', ...rest] = serviceId.split(':');
  try {
    const app = decodeURIComponent(first);
    if (app === '' || app !== app.toUpperCase() || rest.length > parts.length) return undefined;
    const base = defaultKey(app);
    const said = parts.map((part, index) => {
      const given = rest[index] ?? '';
      if (given === '') return [part, base[part]];
      return [part, given === emptyMark ? '' : decodeURIComponent(given)];
    });
    return { app, key: Object.fromEntries(said) as unknown as ServiceKey };
  } catch {
    // Not escaped as ours are.
    return undefined;
  }
}
