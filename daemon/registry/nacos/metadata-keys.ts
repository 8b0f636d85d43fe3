// The keys that the driver keeps in an instance's metadata for what Nacos has no field for, and how they
// are told from an application's own. Short: keys and values of an instance may have 1,024 characters
// together (peers.md §5, "Metadata").

import type { StringMap } from '../../model/service.ts';
import { stampKeys } from '../../model/stamp.ts';
import { identityKeys } from './service-id.ts';

export const contentKeys = {
  /** The id; marks an instance that was written from the common model: all else is its properties. */
  id: 'sy',
  /** The stamp of a copy, packed. */
  from: 'sy-from',
  endpoints: 'sy-ep',
  hostName: 'sy-h',
  status: 'sy-s',
  health: 'sy-l',
  dataCenter: 'sy-dc',
  service: 'sy-svc',
} as const;

/** What Spring Cloud Alibaba reads to dial with TLS. */
export const secureKey = 'secure';

/** By these the server knows when an instance is unhealthy and when it is gone, in milliseconds. */
export const leaseKeys = {
  interval: 'preserved.heart.beat.interval',
  unhealthy: 'preserved.heart.beat.timeout',
  gone: 'preserved.ip.delete.timeout',
} as const;

/** Before a property whose key is one of ours. */
const keptPrefix = 'sy-k:';

const leases = new Set<string>(Object.values(leaseKeys));
const ours = new Set<string>([
  ...Object.values(contentKeys),
  ...Object.values(identityKeys),
  ...leases,
  secureKey,
]);
const packed = [
  stampKeys.originCluster,
  stampKeys.originService,
  stampKeys.originInstance,
  stampKeys.epoch,
] as const;

/** Gives properties as metadata: keys of ours in them are set aside, a whole stamp is packed. */
export function propertiesToMetadata(properties: StringMap): StringMap {
  const entries = Object.entries(properties);
  const stamp = packed.map((key) => properties[key]);
  if (stamp.some((part) => part === undefined)) return Object.fromEntries(entries.map(setAside));
  const health = properties[stampKeys.originHealth];
  const parts = health === undefined ? stamp : [...stamp, health];
  const rest = entries.filter(([key]) => !isStampKey(key));
  return Object.fromEntries([
    ...rest.map(setAside),
    [contentKeys.from, parts.map((part) => escaped(part ?? '')).join('|')],
  ]);
}

/** Gives the properties in the metadata of an instance that was written from the common model. */
export function metadataToProperties(metadata: StringMap): StringMap {
  const own = Object.entries(metadata).flatMap(([key, value]): [string, string][] => {
    if (ours.has(key)) return [];
    return [[key.startsWith(keptPrefix) ? key.slice(keptPrefix.length) : key, value]];
  });
  return { ...Object.fromEntries(own), ...unpacked(metadata[contentKeys.from]) };
}

/** Gives the properties in the metadata of an application that knows nothing of us. */
export function nativeProperties(metadata: StringMap): StringMap {
  const own = Object.entries(metadata).filter(
    ([key]) => !leases.has(key) && (key === secureKey || !ours.has(key)),
  );
  return Object.fromEntries(own);
}

/** Gives the characters that a server counts. */
export function lengthOf(metadata: StringMap): number {
  return Object.entries(metadata).reduce((sum, [key, value]) => sum + key.length + value.length, 0);
}

function setAside([key, value]: [string, string]): [string, string] {
  return ours.has(key) || key.startsWith(keptPrefix) ? [keptPrefix + key, value] : [key, value];
}

function isStampKey(key: string): boolean {
  return key === stampKeys.originHealth || (packed as readonly string[]).includes(key);
}

function unpacked(text: string | undefined): StringMap {
  const parts = text?.split('|') ?? [];
  if (parts.length !== packed.length && parts.length !== packed.length + 1) return {};
  const keys = [...packed, stampKeys.originHealth];
  return Object.fromEntries(parts.map((part, index) => [keys[index] ?? '', unescaped(part)]));
}

/** `|` separates; a percent sign that means itself is doubled. */
function escaped(part: string): string {
  return part.replaceAll('%', '%%').replaceAll('|', '%p');
}

function unescaped(part: string): string {
  return part.replace(/%([%p])/g, (_all, mark) => (mark === 'p' ? '|' : '%'));
}
