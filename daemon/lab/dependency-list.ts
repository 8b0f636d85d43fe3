// Who depends on whom, as the two list calls answer it.

import type { Tenant } from './content.ts';
import { withoutEmpty } from './content.ts';
import type { Context } from './context.ts';
import { consumersOf, providersOf } from './dependencies.ts';
import { requireService } from './service-access.ts';

/** A service in a dependency list: its id and name, no version. */
export interface DependencyEntry {
  readonly serviceId: string;
  readonly appId: string;
  readonly serviceName: string;
  readonly environment?: string;
}

/** Gives the providers or the consumers of a service. Throws 400012. */
export function dependencyList(
  context: Context,
  tenant: Tenant,
  serviceId: string,
  side: 'providers' | 'consumers',
): readonly DependencyEntry[] {
  const record = requireService(context, tenant, serviceId);
  const others = side === 'providers' ? providersOf(record) : consumersOf(record);
  return others.map(({ truth }) => {
    const { serviceId: id, appId, serviceName, environment } = truth;
    return withoutEmpty<DependencyEntry>({ serviceId: id, appId, serviceName, environment });
  });
}
