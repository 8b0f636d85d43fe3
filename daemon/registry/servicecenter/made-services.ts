// Services that this process has made and the feed has not shown yet. Nothing can be under them but
// what was put there since, so a first registration needs no look first: half the calls of an import.

import type { Tenant } from './options.ts';

/** Services remembered at most; beyond that the oldest are looked at like any other. */
const capacity = 20_000;

export interface MadeServices {
  /** A service was made just now, and was not there before. */
  made(tenant: Tenant, serviceId: string): void;
  /**
   * True the first time that this instance is asked for under a service that was made here. Another
   * writer's copy under the same id would be renewed by the registration, and the feed tells the rest.
   */
  isFirst(tenant: Tenant, serviceId: string, instanceId: string): boolean;
  /** The feed knows the service: from now on it says what is there. */
  seen(tenant: Tenant, serviceId: string): void;
}

/** Gives an empty memory. */
export function createMadeServices(): MadeServices {
  const services = new Map<string, Set<string>>();
  const keyOf = ({ domain, project }: Tenant, serviceId: string): string =>
    `${domain} ${project} ${serviceId}`;

  return {
    made(tenant, serviceId) {
      services.set(keyOf(tenant, serviceId), new Set());
      if (services.size <= capacity) return;
      const oldest = services.keys().next();
      if (oldest.done !== true) services.delete(oldest.value);
    },
    isFirst(tenant, serviceId, instanceId) {
      const put = services.get(keyOf(tenant, serviceId));
      if (put === undefined || put.has(instanceId)) return false;
      put.add(instanceId);
      return true;
    },
    seen: (tenant, serviceId) => void services.delete(keyOf(tenant, serviceId)),
  };
}
