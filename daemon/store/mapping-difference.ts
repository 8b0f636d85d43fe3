// What has to be written so that one place holds the mapping of another. A pure function: run again
// after an interruption it gives what is still missing, so nothing has to be remembered on the way.

import { factsKey } from './etcd-mapping.ts';
import type { MappingChange } from './operations.ts';
import type { Mapping } from './ports.ts';

export interface MappingDifference {
  /** Removals first: two mappings may share one of the original's keys, and what is put must stay. */
  readonly changes: readonly MappingChange[];
  readonly puts: number;
  readonly deletes: number;
  /** Mappings that are the same already. */
  readonly equal: number;
}

/** Gives the changes that make `to` equal to `from`, in the order of `from`. */
export function mappingDifference(
  from: readonly Mapping[],
  to: readonly Mapping[],
): MappingDifference {
  const there = new Map(to.map((mapping) => [factsKey(mapping), mapping]));
  const puts: MappingChange[] = [];
  let equal = 0;
  for (const mapping of from) {
    const key = factsKey(mapping);
    const before = there.get(key);
    there.delete(key);
    if (before !== undefined && isSame(before, mapping)) equal += 1;
    else puts.push({ put: mapping });
  }
  const deletes = [...there.values()].map((mapping) => ({ delete: mapping }));
  return { changes: [...deletes, ...puts], puts: puts.length, deletes: deletes.length, equal };
}

/** Two mappings of one key. */
function isSame(one: Mapping, other: Mapping): boolean {
  return (
    one.domain === other.domain &&
    one.project === other.project &&
    one.serviceId === other.serviceId &&
    one.instanceId === other.instanceId &&
    one.hash === other.hash &&
    one.leaseSeconds === other.leaseSeconds
  );
}
