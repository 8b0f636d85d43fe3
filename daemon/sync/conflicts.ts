// Who wins where two claim the same: stated rules (README.md, "Conflicts"), as pure functions.

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
 * as long as a lease); then those of the cluster whose name sorts first. Copies of one cluster never
 * compete: they mirror their origin.
 */
export function losingClaims(
  claims: readonly Claim[],
  nativeEndpoints: ReadonlySet<string>,
): ReadonlyMap<string, string> {
  const lost = new Map<string, string>();
  const owners = new Map<string, string>();
  const sorted = [...claims].sort(byStrength);
  for (const { cluster, copyId, endpoints } of sorted) {
    const native = endpoints.find((endpoint) => nativeEndpoints.has(endpoint));
    if (native !== undefined) {
      lost.set(copyId, `a native instance serves ${native}`);
      continue;
    }
    const taken = endpoints.find((endpoint) => (owners.get(endpoint) ?? cluster) !== cluster);
    if (taken !== undefined) {
      lost.set(copyId, `cluster ${owners.get(taken) ?? ''} already provides ${taken}`);
      continue;
    }
    for (const endpoint of endpoints) owners.set(endpoint, cluster);
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

function byStrength(left: Claim, right: Claim): number {
  if (left.vouched !== right.vouched) return left.vouched ? -1 : 1;
  if (left.present !== right.present) return left.present ? -1 : 1;
  if (left.cluster !== right.cluster) return left.cluster < right.cluster ? -1 : 1;
  return left.copyId < right.copyId ? -1 : left.copyId > right.copyId ? 1 : 0;
}
