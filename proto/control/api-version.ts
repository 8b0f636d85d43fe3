// The range of control API versions that this build speaks, as server and as client alike. A
// change that an older reader cannot bear raises the maximum; dropping support raises the minimum.

export const controlApi = { min: 2, max: 2 } as const;

export interface ApiRange {
  readonly min: number;
  readonly max: number;
}

/** True when both sides speak a common version. */
export function rangesOverlap(left: ApiRange, right: ApiRange): boolean {
  return Math.max(left.min, right.min) <= Math.min(left.max, right.max);
}
