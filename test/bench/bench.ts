// What a bench is: figures of one run, beside a peer or a limit of the same run.

import { registryUnavailable, type RegistryKind } from '../support/registry.ts';

export interface BenchContext {
  /** A short variant: fewer samples, smaller sets; where that changes what is measured, no goal is judged. */
  readonly quick: boolean;
  /** Aborted by Ctrl-C; a bench ends what it has started and rejects. */
  readonly signal: AbortSignal;
  /** Flags of Node for the daemons that are measured (`--cpu-prof`). */
  readonly nodeFlags: readonly string[];
  /** Progress, on stderr: results alone go to stdout. */
  say(text: string): void;
}

/** Runs and gives what goes into the result file, all figures with their unit in the name. */
export type Bench = (context: BenchContext) => Promise<object>;

/** A figure that is to be at most, or at least, so much. */
export interface Goal {
  readonly figure: string;
  readonly atMost?: number;
  readonly atLeast?: number;
  /** `undefined`: not measured in this run. */
  readonly measured: number | undefined;
  /** `undefined`: not judged, because the run was a short one or nothing was measured. */
  readonly met: boolean | undefined;
}

/** Judges one figure. A short run with a smaller set proves nothing of the goal: `judged` false. */
export function goal(
  figure: string,
  bound: { readonly atMost: number } | { readonly atLeast: number },
  measured: number | undefined,
  judged = true,
): Goal {
  const value = measured === undefined || !Number.isFinite(measured) ? undefined : measured;
  if (value === undefined || !judged) return { figure, ...bound, measured: value, met: undefined };
  const met = 'atMost' in bound ? value <= bound.atMost : value >= bound.atLeast;
  return { figure, ...bound, measured: value, met };
}

/** A real ServiceCenter where SERVICECENTER_BIN names one, else the lab; the result says which. */
export function benchRegistryKind(): RegistryKind {
  return registryUnavailable('servicecenter') === undefined ? 'servicecenter' : 'lab';
}
