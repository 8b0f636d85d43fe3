// Who wins where two claim the same: stated rules (README.md, "Conflicts"), as pure functions.

import { because, type Reason } from '../model/reason.ts';

/** A copy that wants to be under one service, as far as conflicts care. */
export interface Claim {
  readonly cluster: string;
  /** The cluster is heard, and its registry answers for what it names. */
  readonly vouched: boolean;
  /** The copy is in the registry already. */
  readonly present: boolean;
  readonly copyId: string;
  /** `endpointKeys` of the copy. */
  readonly endpoints: readonly string[];
}

/**
 * Gives the claims that lose, with the reason. A native instance wins over every copy that shares
 * an endpoint with it. Of copies from several clusters that share an endpoint, those that their cluster
 * vouches for win over those that are only kept (an application that moved while its old site was
 * down lives at the new one); then those that are there (the old site comes back and still names it for
 * as long as a lease); then those of the cluster whose name sorts first. Where both are there and nobody
 * vouches for either, both stay: a guess would take out the living one. Copies of one cluster never
 * compete: they mirror their origin.
 */
export function losingClaims(
  claims: readonly Claim[],
  nativeEndpoints: ReadonlySet<string>,
): ReadonlyMap<string, Reason> {
  const lost = new Map<string, Reason>();
  const holders = new Map<string, Claim[]>();
  const sorted = [...claims].sort(byStrength);
  for (const claim of sorted) {
    const { copyId, endpoints } = claim;
    const native = endpoints.find((endpoint) => nativeEndpoints.has(endpoint));
    if (native !== undefined) {
      lost.set(copyId, because('endpoint-native', { endpoint: native }));
      continue;
    }
    const stronger = endpoints.flatMap((endpoint) =>
      (holders.get(endpoint) ?? [])
        .filter((holder) => yields(claim, holder))
        .map(({ cluster }) => ({ cluster, endpoint })),
    )[0];
    if (stronger !== undefined) {
      const { cluster, endpoint } = stronger;
      lost.set(copyId, because('endpoint-of-cluster', { cluster, endpoint }));
      continue;
    }
    for (const endpoint of endpoints) {
      const held = holders.get(endpoint);
      if (held === undefined) holders.set(endpoint, [claim]);
      else held.push(claim);
    }
  }
  return lost;
}

/**
 * Gives the cluster whose content a service of ours carries: the one that it was made from, as long
 * as that names the service; else the one whose name sorts first. `undefined` when none names it.
 */
export function contentOwner(
  present: string | undefined,
  clusters: readonly string[],
): string | undefined {
  if (present !== undefined && clusters.includes(present)) return present;
  return [...clusters].sort()[0];
}

/** Whether the weaker of two claims on one endpoint leaves it to the stronger. */
function yields(weaker: Claim, stronger: Claim): boolean {
  if (stronger.cluster === weaker.cluster) return false;
  return stronger.vouched || !weaker.present;
}

function byStrength(left: Claim, right: Claim): number {
  if (left.vouched !== right.vouched) return left.vouched ? -1 : 1;
  if (left.present !== right.present) return left.present ? -1 : 1;
  if (left.cluster !== right.cluster) return left.cluster < right.cluster ? -1 : 1;
  return left.copyId < right.copyId ? -1 : left.copyId > right.copyId ? 1 : 0;
}
