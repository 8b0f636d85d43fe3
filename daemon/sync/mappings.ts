// The mapping of origin ids to local ids, brought in line with the stamps: the registry is the
// truth, and a lost store is rebuilt from it.

import { leaseSecondsOf } from '../model/service.ts';
import type { Mapping, MappingStore } from '../store/ports.ts';
import type { LocalView } from './local-view.ts';

/** Puts the mappings that the stamps show and the store lacks, and deletes those of copies that are gone. */
export function rebuildMappings(
  store: MappingStore,
  kept: readonly Mapping[],
  view: LocalView,
): void {
  const known = new Map(kept.map((mapping) => [mappingId(mapping), mapping]));
  for (const { service, copies } of view.services()) {
    for (const { stamp, instance, hash } of copies.values()) {
      const mapping: Mapping = {
        cluster: stamp.originCluster,
        domain: service.domain,
        project: service.project,
        originServiceId: stamp.originService,
        originInstanceId: stamp.originInstance,
        serviceId: service.serviceId,
        instanceId: instance.instanceId,
        hash,
        leaseSeconds: leaseSecondsOf(instance),
      };
      const id = mappingId(mapping);
      const before = known.get(id);
      known.delete(id);
      const same =
        before?.serviceId === mapping.serviceId &&
        before.instanceId === mapping.instanceId &&
        before.hash === hash &&
        before.leaseSeconds === mapping.leaseSeconds;
      if (!same) store.putMapping(mapping);
    }
  }
  for (const mapping of known.values()) store.deleteMapping(mapping);
}

function mappingId(
  mapping: Pick<Mapping, 'cluster' | 'originServiceId' | 'originInstanceId'>,
): string {
  return [mapping.cluster, mapping.originServiceId, mapping.originInstanceId].join('\n');
}
