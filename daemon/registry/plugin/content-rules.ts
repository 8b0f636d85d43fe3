// What becomes of content that a registry cannot hold, as data: comparing wanted with found happens on
// the syncer's thread for every instance, where nobody asks another thread. Applying the rules twice is
// applying them once, whatever they say.

import type { Instance, InstanceStatus } from '../../model/service.ts';

/** The rules; an empty object: the registry holds everything as it is. */
export interface ContentRules {
  /** Fields that the registry does not hold: they come back empty. */
  readonly drops?:
    readonly ('hostName' | 'healthCheck' | 'dataCenterInfo' | 'properties')[] | undefined;
  /** Status words that the registry holds; any other one comes back as `otherStatus`. */
  readonly statuses?: readonly InstanceStatus[] | undefined;
  /** `DOWN` unless given. One of `statuses`. */
  readonly otherStatus?: InstanceStatus | undefined;
  /** The shortest interval of a health check, seconds. */
  readonly shortestIntervalSeconds?: number | undefined;
}

/** Gives `instance` as a registry with these rules gives it back. Idempotent. */
export function applyContentRules(instance: Instance, rules: ContentRules): Instance {
  const { drops = [], statuses, shortestIntervalSeconds = 0 } = rules;
  const { healthCheck: check } = instance;
  const short = check !== undefined && check.interval < shortestIntervalSeconds;
  const held = statuses === undefined || statuses.includes(instance.status);
  if (drops.length === 0 && held && !short) return instance;
  return {
    ...instance,
    ...(held ? {} : { status: rules.otherStatus ?? 'DOWN' }),
    ...(short ? { healthCheck: { ...check, interval: shortestIntervalSeconds } } : {}),
    ...(drops.includes('hostName') ? { hostName: '' } : {}),
    ...(drops.includes('healthCheck') ? { healthCheck: undefined } : {}),
    ...(drops.includes('dataCenterInfo') ? { dataCenterInfo: undefined } : {}),
    // A copy without its stamp would be a native: stamps are kept by every driver.
    ...(drops.includes('properties') ? { properties: stampsOf(instance) } : {}),
  };
}

function stampsOf({ properties }: Instance): Instance['properties'] {
  return Object.fromEntries(
    Object.entries(properties).filter(([name]) => name.startsWith('syncer-')),
  );
}
