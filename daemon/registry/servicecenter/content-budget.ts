// How much content the feed lets a registry write into answers: a name that changes is answered with
// all of its instances, so a first import or a deployment would make each round a full reading.

/** What one instance in an answer costs the server, milliseconds, sending included. */
const instanceCostMs = 0.02;
/** The part of a core that content may take. Raising it shows changes of large services sooner. */
const share = 0.05;
/** So many instances may come at once before anything rests: a restart of an application is seen live. */
const burst = 4_000;
/** No name rests longer, whatever is owed: what applications change is seen within this time. */
const longestRestMs = 5_000;

export interface ContentBudget {
  /** `instances` came in one answer. */
  spend(instances: number, nowMs: number): void;
  /**
   * True while the budget is overdrawn: a name that changed a short time ago is then left out until
   * `longestRestMs` after it was read. All others answer "unchanged", which costs next to nothing.
   */
  rests(lastReadMs: number, nowMs: number): boolean;
}

export function createContentBudget(): ContentBudget {
  const refillPerMs = share / instanceCostMs;
  let left = burst;
  let countedMs = 0;
  const refill = (nowMs: number): void => {
    left = Math.min(burst, left + (nowMs - countedMs) * refillPerMs);
    countedMs = nowMs;
  };
  return {
    spend(instances, nowMs) {
      refill(nowMs);
      left -= instances;
    },
    rests(lastReadMs, nowMs) {
      refill(nowMs);
      return left < 0 && nowMs - lastReadMs < longestRestMs;
    },
  };
}
