// Registries as the pace of writes sees them: calls wait in line, some are worked on side by side, each
// takes its time. An application calls now and then, and waits in the same line.

import { sleep, type Clock } from '../support/clock.ts';

/** A registry that works on so many calls side by side. */
export interface Station {
  /** Resolves when a call with so many writes is answered. */
  call(writes: number): Promise<void>;
  /** Time spent working until now, over all that it works on side by side; milliseconds. */
  readonly workedMs: number;
}

/** `serviceMs`: what one call with so many writes takes, asked when it begins. */
export function createStation(
  clock: Clock,
  sideBySide: number,
  serviceMs: (writes: number) => number,
): Station {
  const waiting: (() => void)[] = [];
  let busy = 0;
  let workedMs = 0;
  return {
    get workedMs() {
      return workedMs;
    },
    async call(writes) {
      if (busy < sideBySide) busy += 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      const takesMs = serviceMs(writes);
      await sleep(clock, takesMs);
      workedMs += takesMs;
      const next = waiting.shift();
      if (next === undefined) busy -= 1;
      else next();
    },
  };
}

/** Gives a writer that puts what waits together into one call, as a driver for Consul does. */
export function createBatches(
  station: Station,
  most: number,
  underWayAtMost: number,
): () => Promise<void> {
  const waiting: (() => void)[] = [];
  let underWay = 0;
  const send = async (): Promise<void> => {
    while (waiting.length > 0 && underWay < underWayAtMost) {
      const batch = waiting.splice(0, most);
      underWay += 1;
      await station.call(batch.length);
      underWay -= 1;
      for (const done of batch) done();
    }
  };
  return () =>
    new Promise<void>((resolve) => {
      waiting.push(resolve);
      setImmediate(() => void send());
    });
}
