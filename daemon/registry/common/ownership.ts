// Whether a copy may be written over what is there, and whether what is there may be removed: nothing
// native is ever touched, nothing of another origin, nothing that a newer writer has written.

import type { Instance } from '../../model/service.ts';
import { readInstanceStamp } from '../../model/stamp.ts';
import { notOurs, type Failed } from './write-failure.ts';

type Found = Pick<Instance, 'instanceId' | 'properties'> | undefined;

/** Gives why `copy` must not replace `found`; `undefined`: it may. Throws for a copy without a stamp. */
export function refusalToReplace(found: Found, copy: Instance): Failed | undefined {
  const stamp = readInstanceStamp(copy.properties);
  if (stamp === undefined) throw new TypeError(`copy ${copy.instanceId} carries no stamp`);
  if (found === undefined) return undefined;
  const there = readInstanceStamp(found.properties);
  if (there === undefined) return notOurs(`${found.instanceId} was registered by an application`);
  const { originCluster, originInstance, epoch } = there;
  if (originCluster !== stamp.originCluster || originInstance !== stamp.originInstance) {
    return notOurs(`${found.instanceId} is the copy of ${originCluster}/${originInstance}`);
  }
  if (epoch <= stamp.epoch) return undefined;
  const detail = `${found.instanceId} was written in epoch ${epoch}, ours is ${stamp.epoch}`;
  return { ok: false, failure: { code: 'fenced', retry: false, detail } };
}

/** Gives why `found` must not be removed as a copy from `originCluster`; `undefined`: it may. */
export function refusalToRemove(found: Found, originCluster: string): Failed | undefined {
  if (found === undefined) return undefined;
  const there = readInstanceStamp(found.properties);
  if (there === undefined) return notOurs(`${found.instanceId} was registered by an application`);
  return there.originCluster === originCluster
    ? undefined
    : notOurs(`${found.instanceId} is the copy of ${there.originCluster}/${there.originInstance}`);
}
