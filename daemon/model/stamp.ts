// The provenance stamp: the properties that mark a foreign copy, and a service that we made.
// Hyphens, because Consul takes no dots; short, because Nacos has 1,024 characters for everything.

import type { HealthCheck, StringMap } from './service.ts';

export const stampKeys = {
  originCluster: 'syncer-origin-cluster',
  originService: 'syncer-origin-service',
  originInstance: 'syncer-origin-instance',
  /** Writer's term: a writer with an older epoch never overwrites a newer one. */
  epoch: 'syncer-epoch',
  /** The origin's own health check (`push/30/3`), because the copy's lease is ours. */
  originHealth: 'syncer-origin-health',
} as const;

const allKeys = new Set<string>(Object.values(stampKeys));

/** Where a foreign copy comes from. */
export interface InstanceStamp {
  readonly originCluster: string;
  readonly originService: string;
  readonly originInstance: string;
  readonly epoch: number;
}

/** Gives the stamp that an instance carries, or `undefined` for a native one. */
export function readInstanceStamp(properties: StringMap): InstanceStamp | undefined {
  const originCluster = properties[stampKeys.originCluster];
  const originInstance = properties[stampKeys.originInstance];
  if (originCluster === undefined || originInstance === undefined) return undefined;
  const epoch = Number(properties[stampKeys.epoch] ?? '0');
  return {
    originCluster,
    originInstance,
    originService: properties[stampKeys.originService] ?? '',
    epoch: Number.isSafeInteger(epoch) && epoch >= 0 ? epoch : 0,
  };
}

/** Gives the cluster that a service was created from, or `undefined` for a native service. */
export function readServiceStamp(properties: StringMap): string | undefined {
  return properties[stampKeys.originCluster];
}

/** Gives the properties with the stamp of an instance added. */
export function stampInstance(
  properties: StringMap,
  stamp: InstanceStamp,
  health: HealthCheck | undefined,
): StringMap {
  return {
    ...properties,
    [stampKeys.originCluster]: stamp.originCluster,
    [stampKeys.originService]: stamp.originService,
    [stampKeys.originInstance]: stamp.originInstance,
    [stampKeys.epoch]: String(stamp.epoch),
    ...(health === undefined
      ? {}
      : { [stampKeys.originHealth]: `${health.mode}/${health.interval}/${health.times}` }),
  };
}

/** Gives the properties of a service that we make, marked as ours. */
export function stampService(properties: StringMap, originCluster: string): StringMap {
  return { ...properties, [stampKeys.originCluster]: originCluster };
}

/** Gives the properties without any stamp: what an application wrote. */
export function withoutStamp(properties: StringMap): StringMap {
  return Object.fromEntries(Object.entries(properties).filter(([key]) => !allKeys.has(key)));
}
