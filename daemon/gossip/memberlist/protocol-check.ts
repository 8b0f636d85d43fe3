// Whether all members of a pool understand each other's versions (serf-wire.md §6).

import type { PushNodeState } from '../wire/messages.ts';
import { decodeVersions, type Node, type Versions } from './node.ts';

interface Spoken {
  readonly name: string;
  readonly versions: Versions;
}

/**
 * Why the two states must not be merged, or `undefined`: the version that each live node speaks
 * must be one that every live node understands, of memberlist and of the layer above.
 */
export function refusedVersions(
  remote: readonly PushNodeState[],
  local: readonly Node[],
): string | undefined {
  const spoken: Spoken[] = [];
  for (const { name, state, vsn } of remote) {
    const versions = decodeVersions(vsn);
    if (state === 0 && versions !== undefined) spoken.push({ name, versions });
  }
  for (const { name, state, versions } of local)
    if (state === 'alive') spoken.push({ name, versions });

  let [pMin, pMax, dMin, dMax] = [0, 255, 0, 255];
  for (const { versions } of spoken) {
    pMin = Math.max(pMin, versions.pMin);
    pMax = Math.min(pMax, versions.pMax);
    dMin = Math.max(dMin, versions.dMin);
    dMax = Math.min(dMax, versions.dMax);
  }
  for (const { name, versions } of spoken) {
    if (versions.pCur < pMin || versions.pCur > pMax) {
      return `"${name}" speaks memberlist protocol ${versions.pCur}, all together understand [${pMin}, ${pMax}]`;
    }
    if (versions.dCur < dMin || versions.dCur > dMax) {
      return `"${name}" speaks delegate protocol ${versions.dCur}, all together understand [${dMin}, ${dMax}]`;
    }
  }
  return undefined;
}
