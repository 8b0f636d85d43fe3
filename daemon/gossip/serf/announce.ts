// Our own intents: that we join, that a member leaves.

import type { Clock } from '../../support/clock.ts';
import type { TransmitLimitedQueue } from '../memberlist/broadcast-queue.ts';
import type { LamportClock } from './lamport.ts';
import type { MemberTable } from './members.ts';
import { joinIntent, leaveIntent } from './messages.ts';

interface AnnouncePort {
  readonly self: string;
  readonly clock: Clock;
  readonly lamport: LamportClock;
  readonly members: MemberTable;
  readonly queue: TransmitLimitedQueue;
  /** Is somebody there to hear it? */
  hasOthers(): boolean;
}

/**
 * Says that we are here, newer than anything said of us so far: also than a leave of ours that
 * others merge from a push/pull, which adds one to its time.
 */
export function announceJoin({ self, lamport, members, queue }: AnnouncePort): void {
  const lTime = lamport.increment();
  members.joinIntent(self, lTime);
  queue.queue({ message: joinIntent.encode({ lTime, node: self }) });
}

/** Says that `node` leaves; resolves once it was sent often enough, or after `timeoutMs`. */
export async function announceLeave(
  port: AnnouncePort,
  node: string,
  prune: boolean,
  timeoutMs: number,
): Promise<void> {
  const { clock, lamport, members, queue } = port;
  const lTime = lamport.time;
  lamport.increment();
  members.leaveIntent(node, lTime, prune);
  if (!port.hasOthers()) return;
  const message = leaveIntent.encode({ lTime, node, ...(prune ? { prune } : {}) });
  await new Promise<void>((resolve) => {
    const timer = clock.after(timeoutMs, resolve);
    const finished = (): void => {
      timer.cancel();
      resolve();
    };
    queue.queue({ message, finished });
  });
}
