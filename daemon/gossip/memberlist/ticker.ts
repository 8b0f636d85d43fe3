// Something that happens again and again, its first time at a random moment of the first interval,
// so that members started together do not act together.

import type { Clock, Timer } from '../../support/clock.ts';
import type { Random } from '../../support/random.ts';

/** Runs `tick` every `intervalMs()` until stopped. Gives the function that stops it. */
export function startTicker(
  clock: Clock,
  random: Random,
  intervalMs: () => number,
  tick: () => void,
): () => void {
  let stopped = false;
  let timer: Timer;
  const arm = (delayMs: number): void => {
    timer = clock.after(delayMs, () => {
      if (stopped) return;
      arm(intervalMs());
      tick();
    });
  };
  arm(random.next() * intervalMs());
  return () => {
    stopped = true;
    timer.cancel();
  };
}
