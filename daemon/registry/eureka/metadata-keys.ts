// The keys that the driver keeps in an instance's metadata for what Eureka has no field for, and how
// they are told from an application's own.

import type { StringMap } from '../../model/service.ts';
import { identityKeys } from './service-id.ts';

export const contentKeys = {
  /** Marks an instance that was written from the common model: all else is its properties. */
  model: 'syncer-model',
  endpoints: 'syncer-endpoints',
  hostName: 'syncer-host',
  status: 'syncer-status',
  health: 'syncer-health',
  dataCenter: 'syncer-data-center',
  service: 'syncer-service-content',
} as const;

export const modelVersion = '1';

/** Before a property whose key is one of ours, or one that the server keeps for itself. */
const keptPrefix = 'syncer-kept:';

const ours = new Set<string>([
  ...Object.values(contentKeys),
  ...Object.values(identityKeys),
  '@class',
]);

/** Gives properties as metadata: keys of ours in them are set aside. */
export function propertiesToMetadata(properties: StringMap): StringMap {
  return mapKeys(properties, (key) =>
    ours.has(key) || key.startsWith(keptPrefix) ? keptPrefix + key : key,
  );
}

/** Gives the properties in metadata: without our keys, those that were set aside in their place. */
export function metadataToProperties(metadata: StringMap): StringMap {
  const own = Object.entries(metadata).filter(([key]) => !ours.has(key));
  return mapKeys(Object.fromEntries(own), (key) =>
    key.startsWith(keptPrefix) ? key.slice(keptPrefix.length) : key,
  );
}

function mapKeys(map: StringMap, change: (key: string) => string): StringMap {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [change(key), value]));
}
