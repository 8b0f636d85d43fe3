// Which replication version two sides speak with each other.

export interface VersionRange {
  readonly min: number;
  readonly max: number;
}

/** The highest version that both speak, or `undefined`. */
export function commonVersion(left: VersionRange, right: VersionRange): number | undefined {
  const version = Math.min(left.max, right.max);
  return version >= Math.max(left.min, right.min, 1) ? version : undefined;
}

/** The sentence for a person, seen from `own`. */
export function versionMismatch(own: VersionRange, peer: VersionRange): string {
  const update = peer.min > own.max ? 'update this syncer' : 'update the peer';
  return `no common replication version: here ${show(own)}, there ${show(peer)}; ${update}`;
}

function show({ min, max }: VersionRange): string {
  return min === max ? String(min) : `${min} to ${max}`;
}
