// The plan for one service: what should be there, minus what is there. Pure.

import { contentOwner } from './conflicts.ts';
import { serviceContentHash } from './copy.ts';
import type { Contribution, DesiredInstance, DesiredService } from './desired.ts';
import type { RemovalGround } from './guard.ts';
import type { LocalCopy, LocalService } from './local-view.ts';

/** A copy that is there and not wanted, and why. */
export interface Unwanted {
  readonly copy: LocalCopy;
  readonly ground: RemovalGround;
}

export interface ServicePlan {
  readonly keyText: string;
  /** The service is missing, and made from this. */
  readonly create: Contribution | undefined;
  /** It is ours, and its content differs from this. */
  readonly update: Contribution | undefined;
  /** It is ours, and an application has registered in it. */
  readonly release: boolean;
  /** It is ours, empty, and no peer names it. */
  readonly remove: boolean;
  readonly adds: readonly DesiredInstance[];
  readonly updates: readonly { readonly wanted: DesiredInstance; readonly actual: LocalCopy }[];
  readonly unchanged: readonly { readonly wanted: DesiredInstance; readonly actual: LocalCopy }[];
  readonly unwanted: readonly Unwanted[];
  /** Wanted by peers and left out. */
  readonly desired: DesiredService;
}

export interface PlanInput {
  readonly keyText: string;
  readonly local: LocalService | undefined;
  readonly desired: DesiredService;
  /** Peers' services that go here, those that a rule excludes left aside. */
  readonly contributions: readonly Contribution[];
  /** The cluster that the service was made from no longer exports it, for sure. */
  readonly abandoned: boolean;
  readonly ground: (copy: LocalCopy, local: LocalService) => RemovalGround;
}

/** Compares; adds before updates before removals is the write queue's part. */
export function planService(input: PlanInput): ServicePlan {
  const { keyText, local, desired, contributions } = input;
  const adds: DesiredInstance[] = [];
  const updates: { wanted: DesiredInstance; actual: LocalCopy }[] = [];
  const unchanged: { wanted: DesiredInstance; actual: LocalCopy }[] = [];
  const wantedIds = new Set<string>();
  for (const wanted of desired.instances) {
    wantedIds.add(wanted.copyId);
    const actual = local?.copies.get(wanted.copyId);
    if (actual === undefined) adds.push(wanted);
    else if (actual.hash === wanted.hash) unchanged.push({ wanted, actual });
    else updates.push({ wanted, actual });
  }
  const unwanted: Unwanted[] = [];
  if (local !== undefined) {
    for (const copy of local.copies.values()) {
      if (wantedIds.has(copy.instance.instanceId)) continue;
      unwanted.push({ copy, ground: input.ground(copy, local) });
    }
  }
  const owner = ownerOf(local, contributions);
  const ours = local?.madeBy !== undefined;
  const release = ours && local.natives.size > 0;
  const empty = local?.natives.size === 0 && local.copies.size === 0;
  return {
    keyText,
    create: local === undefined && adds.length > 0 ? owner : undefined,
    update: ours && !release && owner !== undefined && differs(local, owner) ? owner : undefined,
    release,
    remove: ours && empty && input.abandoned && contributions.length === 0,
    adds,
    updates,
    unchanged,
    unwanted,
    desired,
  };
}

/** The contribution whose content a service of ours carries (conflicts.ts). */
function ownerOf(
  local: LocalService | undefined,
  contributions: readonly Contribution[],
): Contribution | undefined {
  const cluster = contentOwner(
    local?.madeBy,
    contributions.map(({ peer }) => peer.cluster),
  );
  // Two services of one cluster may go to one name by a rule: the first id decides.
  return contributions
    .filter(({ peer }) => peer.cluster === cluster)
    .sort((left, right) => (left.source.serviceId < right.source.serviceId ? -1 : 1))[0];
}

function differs(local: LocalService, owner: Contribution): boolean {
  return (
    local.madeBy !== owner.peer.cluster ||
    serviceContentHash(local.service) !== serviceContentHash(owner.service)
  );
}
