// Distributions as a reader wants them.

export interface Distribution {
  readonly samples: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly worst: number;
}

/** Gives the distribution of what was measured; figures of no sample are NaN (null in JSON). */
export function distribution(samples: readonly number[]): Distribution {
  const sorted = samples.toSorted((left, right) => left - right);
  const at = (share: number): number => {
    const index = Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1);
    return round(sorted[Math.max(0, index)] ?? Number.NaN);
  };
  return { samples: sorted.length, p50: at(0.5), p90: at(0.9), p99: at(0.99), worst: at(1) };
}

/** Gives a figure with `digits` behind the point. */
export function round(value: number, digits = 1): number {
  return Number(value.toFixed(digits));
}
