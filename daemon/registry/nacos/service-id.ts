// Nacos knows services by namespace, group and name, and nothing of versions. A service of the common
// model is all instances of one such service that say the same identity; its id is written from it, so
// it can be read back without any memory: `orders`, or `orders:shop::1.2.3:production`.

import type { ServiceKey, StringMap } from '../../model/service.ts';
import type { ServicePlace } from './wire.ts';

/** A service as its id says it. */
export interface Identity {
  readonly place: ServicePlace;
  readonly key: ServiceKey;
}

/** Metadata keys by which an instance names its service; an application may set them too. */
export const identityKeys = {
  version: 'sy-v',
  environment: 'sy-e',
  app: 'sy-a',
  domain: 'sy-d',
  project: 'sy-p',
} as const;

/** The parts in the order of the id, behind name, group and namespace. */
const parts = ['version', 'environment', 'app', 'domain', 'project'] as const;

const defaultGroup = 'DEFAULT_GROUP';
const defaultProject = 'default';
/** A version that every ServiceCenter takes: one to four numbers. */
const versionPattern = /^\d{1,5}(\.\d{1,5}){0,3}$/;
/** What Spring Cloud and Dubbo applications call their version in their metadata. */
const nativeVersionKey = 'version';
/** What Nacos takes as a group (peers.md §5, "Checks"). */
const groupPattern = /^[\w.:-]{1,128}$/;

/** What a service that says nothing of itself is: ServiceComb's own defaults; a group is an app. */
function defaultKey({ project, group, name }: ServicePlace): ServiceKey {
  return {
    domain: 'default',
    project,
    environment: '',
    app: group === defaultGroup ? 'default' : group,
    name,
    version: '0.0.1',
  };
}

/** Gives the service that an instance at `place` with this metadata belongs to. */
export function identityOf({ project, group, name }: ServicePlace, metadata: StringMap): Identity {
  const place = { project, group, name };
  const base = defaultKey(place);
  const said = metadata[nativeVersionKey];
  const version = said !== undefined && versionPattern.test(said) ? said : base.version;
  return {
    place,
    key: {
      name,
      version: metadata[identityKeys.version] ?? version,
      environment: metadata[identityKeys.environment] ?? base.environment,
      app: metadata[identityKeys.app] ?? base.app,
      domain: metadata[identityKeys.domain] ?? base.domain,
      project: metadata[identityKeys.project] ?? base.project,
    },
  };
}

/** Gives the metadata that names `key` at `place`; `properties` is what else the metadata holds. */
export function identityMetadata({ place, key }: Identity, properties: StringMap): StringMap {
  const read = identityOf(place, properties).key;
  return Object.fromEntries(
    parts.filter((part) => key[part] !== read[part]).map((part) => [identityKeys[part], key[part]]),
  );
}

/** Gives where a service of this key goes that is not there yet; `projects` are those with namespaces. */
export function identityFor(key: ServiceKey, projects: readonly string[]): Identity {
  const { app, name, project } = key;
  const isGroup = groupPattern.test(app) && app !== 'default' && app !== defaultGroup;
  return {
    place: {
      project: projects.includes(project) ? project : (projects[0] ?? defaultProject),
      group: isGroup ? app : defaultGroup,
      name,
    },
    key,
  };
}

/** Gives the id. */
export function serviceIdOf({ place, key }: Identity): string {
  const base = defaultKey(place);
  const texts = parts.map((part) => {
    if (key[part] === base[part]) return '';
    return key[part] === '' ? emptyMark : encodeURIComponent(key[part]);
  });
  return [
    encodeURIComponent(place.name),
    place.group === defaultGroup ? '' : encodeURIComponent(place.group),
    place.project === defaultProject ? '' : encodeURIComponent(place.project),
    ...texts,
  ]
    .join(':')
    .replace(/:+$/, '');
}

/** Stands for an empty text: no escaped one is a single percent sign. */
const emptyMark = '%';

/** Gives what an id says; `undefined`: it is none of ours. */
export function parseServiceId(serviceId: string): Identity | undefined {
  const [first = '', group = '', project = '', ...rest] = serviceId.split(':');
  if (first === '' || rest.length > parts.length) return undefined;
  try {
    const place: ServicePlace = {
      name: decodeURIComponent(first),
      group: group === '' ? defaultGroup : decodeURIComponent(group),
      project: project === '' ? defaultProject : decodeURIComponent(project),
    };
    const base = defaultKey(place);
    const said = parts.map((part, index) => {
      const given = rest[index] ?? '';
      if (given === '') return [part, base[part]];
      return [part, given === emptyMark ? '' : decodeURIComponent(given)];
    });
    return { place, key: { ...base, ...(Object.fromEntries(said) as Partial<ServiceKey>) } };
  } catch {
    // Not escaped as ours are.
    return undefined;
  }
}

/** Why Nacos takes no service of this name; `undefined`: it does (peers.md §5, "Checks"). */
export function nameProblem(name: string): string | undefined {
  if (name === '') return 'it is empty';
  if (name.length > 512) return `it has ${name.length} characters, at most 512 are taken`;
  if (/[\s\u4e00-\u9fa5]/.test(name)) return 'white space and Chinese characters are refused';
  if (name.startsWith('@') || name.includes('@@')) return "a leading '@' and '@@' separate groups";
  return undefined;
}
