// A mapping as a row: what crosses to the worker thread and stands in the file. As an object, each would
// carry the names of its fields across, which costs the main thread four times as much.

import type { Mapping } from './ports.ts';

/** In the order of the table's columns (`rows.ts`). */
export type MappingRow = readonly [
  cluster: string,
  originServiceId: string,
  originInstanceId: string,
  domain: string,
  project: string,
  serviceId: string,
  instanceId: string,
  hash: number,
  leaseSeconds: number,
];

export function rowOfMapping(mapping: Mapping): MappingRow {
  return [
    mapping.cluster,
    mapping.originServiceId,
    mapping.originInstanceId,
    mapping.domain,
    mapping.project,
    mapping.serviceId,
    mapping.instanceId,
    mapping.hash,
    mapping.leaseSeconds,
  ];
}

export function mappingOfRow(row: MappingRow): Mapping {
  const [cluster, originServiceId, originInstanceId, domain, project, serviceId, instanceId] = row;
  return {
    ...{ cluster, domain, project, originServiceId, originInstanceId, serviceId, instanceId },
    ...{ hash: row[7], leaseSeconds: row[8] },
  };
}
