// What a member does on its own from time to time: forget the long gone, dial the failed again,
// keep the queues short (serf-wire.md §8 "Background").

import type { Clock, Timer } from '../../support/clock.ts';
import { randomInt, type Random } from '../../support/random.ts';
import type { TransmitLimitedQueue } from '../memberlist/broadcast-queue.ts';
import type { Member, MemberTable } from './members.ts';

/** serf's ReapInterval. Raising it only lets the list be shortened later. */
const reapIntervalMs = 15_000;
/** serf's ReconnectInterval. Lowering it heals a partition sooner, for dials that fail. */
const reconnectIntervalMs = 30_000;
const queueCheckIntervalMs = 30_000;
/** serf's MaxQueueDepth: what waits above it will not spread in time anyway. */
const maxQueueDepth = 4096;

interface BackgroundOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly members: MemberTable;
  readonly queues: readonly TransmitLimitedQueue[];
  readonly reconnect: (member: Member) => void;
  readonly count: (counter: string, amount: number) => void;
}

/** Starts the periodic work; the function returned stops it. */
export function startBackground(options: BackgroundOptions): () => void {
  const { clock, members, queues, random } = options;
  const timers = new Set<Timer>();
  const every = (intervalMs: number, run: () => void): void => {
    const tick = (): void => {
      timers.delete(timer);
      run();
      every(intervalMs, run);
    };
    const timer = clock.after(intervalMs, tick);
    timers.add(timer);
  };

  every(reapIntervalMs, () => members.reap());

  every(reconnectIntervalMs, () => {
    const failed = members.withStatus('failed');
    const left = members.withStatus('left').length;
    const alive = Math.max(1, members.size - failed.length - left);
    // The fewer are left to try, the more often each tries: the pool as a whole dials steadily.
    if (random.next() > failed.length / alive) return;
    const chosen = failed[randomInt(random, failed.length)];
    if (chosen !== undefined) options.reconnect(chosen);
  });

  every(queueCheckIntervalMs, () => {
    for (const queue of queues) {
      const excess = queue.numQueued - maxQueueDepth;
      if (excess <= 0) continue;
      queue.prune(maxQueueDepth);
      options.count('broadcasts_pruned', excess);
    }
  });

  return () => {
    for (const timer of timers) timer.cancel();
    timers.clear();
  };
}
