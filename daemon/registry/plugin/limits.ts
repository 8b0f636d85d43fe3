// How much a driver from outside may take before it is stopped and begun anew.

export interface PluginLimits {
  /** Deadline of one call. Raising it lets a slow registry answer, and a driver that hangs hold a write. */
  readonly callMs: number;
  /** Calls in a row that give nothing. Raising it bears more from a driver before it is begun anew. */
  readonly badCalls: number;
  /** Time between two questions whether its thread turns. */
  readonly pingEveryMs: number;
  /** Unanswered ones in a row. Raising it bears longer work in one piece, and finds a loop later. */
  readonly silentPings: number;
  /** How long `stop` may take. */
  readonly stopMs: number;
  /** Wait before the first restart; the next ones double it up to the longest. */
  readonly restartMs: number;
  readonly longestRestartMs: number;
  /** A thread that lived for so long begins anew with the first wait. */
  readonly calmMs: number;
  /** Heap of the thread, MiB. */
  readonly memoryMb: number;
  /** Services, instances and removals in one change. */
  readonly changeItems: number;
}

export const usualLimits: PluginLimits = {
  callMs: 30_000,
  badCalls: 5,
  pingEveryMs: 5_000,
  silentPings: 6,
  stopMs: 5_000,
  restartMs: 1_000,
  longestRestartMs: 60_000,
  calmMs: 120_000,
  memoryMb: 1_024,
  changeItems: 2_000_000,
};
