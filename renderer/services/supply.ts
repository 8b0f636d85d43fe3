// Who serves a service from here: what a person on duty wants to know before anything else.

import type { ServiceRow } from '../../proto/gen/syncer/control/v1/control.ts';

/** `foreign`: consumers here reach other networks alone; `none`: they reach nobody. */
export type Supply = 'native' | 'foreign' | 'none';

export function foreignCount(service: Pick<ServiceRow, 'foreignInstances'>): number {
  return Object.values(service.foreignInstances).reduce((sum, count) => sum + count, 0);
}

export function supplyOf(service: ServiceRow): Supply {
  if (service.nativeInstances > 0) return 'native';
  return foreignCount(service) > 0 ? 'foreign' : 'none';
}
