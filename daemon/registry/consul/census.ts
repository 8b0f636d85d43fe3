// Which services changed, by where all of their instances stand. Each write of Consul's has an index that is
// larger than all before: a service whose number of instances and largest index are the same, on nodes
// of the same addresses, was not written to.

import { hash52 } from '../../support/hash.ts';
import type { Standing } from './wire.ts';

/** The standing of one service, as a text; empty for no instance. */
export function standingOf(instances: Iterable<Omit<Standing, 'name'>>): string {
  let count = 0;
  let newest = 0;
  let places = 0;
  for (const { node, nodeAddress, modifyIndex } of instances) {
    count += 1;
    newest = Math.max(newest, modifyIndex);
    // The same in any order; two numbers of 52 bits add up exactly.
    places = (places + hash52(`${node} ${nodeAddress}`)) % 2 ** 52;
  }
  return count === 0 ? '' : `${count} ${newest} ${places}`;
}

/** Gives the standing of each service. */
export function takeCensus(standings: readonly Standing[]): ReadonlyMap<string, string> {
  const groups = Map.groupBy(standings, ({ name }) => name);
  return new Map([...groups].map(([name, group]) => [name, standingOf(group)]));
}
