// Verdicts about others wait for what has arrived already (serf-wire.md §10, trap 6). When this
// process stalls, timers fire before the sockets are read: the ack or the refutation may be
// waiting there. So a verdict comes one round of input later, and after a stall later still.

import type { Clock, Timer } from '../../support/clock.ts';

/** A timer that fires this late betrays a stall of this process rather than a busy moment. */
const stallMs = 250;

export interface PatienceOptions {
  readonly clock: Clock;
  /** Runs after the input that is waiting (`Transport.defer`). */
  readonly defer: (run: () => void) => void;
  /** Told of each stall. */
  readonly stalled: (lateMs: number) => void;
  /** After a stall the verdict waits for this long again, that answers may come in. */
  readonly graceMs: number;
}

export type PatientTimer = Timer;

/** Calls `run` once after `delayMs` and after all input that had arrived by then. */
export function patientTimer(
  options: PatienceOptions,
  delayMs: number,
  run: () => void,
): PatientTimer {
  const { clock, defer, stalled, graceMs } = options;
  let cancelled = false;
  let timer: Timer;
  const arm = (waitMs: number): Timer => {
    const dueMs = clock.monotonicMs() + waitMs;
    return clock.after(waitMs, () => {
      const lateMs = clock.monotonicMs() - dueMs;
      if (lateMs > stallMs) {
        stalled(lateMs);
        timer = arm(graceMs);
        return;
      }
      defer(() => {
        if (!cancelled) run();
      });
    });
  };
  timer = arm(delayMs);
  return {
    cancel() {
      cancelled = true;
      timer.cancel();
    },
  };
}
