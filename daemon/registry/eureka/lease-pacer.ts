// Renews what we keep more often than its lease asks for. Eureka expects one renewal each 30 s of every
// instance and, below 85 % of that, stops evicting anybody (peers.md §3, "Self-preservation"): copies
// with long leases would keep dead natives alive. So each copy that the caller keeps is renewed here in
// between, until the caller has been silent about it for one lease.

import type { Clock, Timer } from '../../support/clock.ts';
import type { InstanceRef } from '../driver.ts';

interface Kept {
  readonly ref: InstanceRef;
  /** When the caller last wrote or renewed it, and for how long that holds. */
  untilMs: number;
  renewedMs: number;
}

/** The pacer's beat. Each beat renews what has become due: a thirtieth of all copies, as a rule. */
const beatMs = 1_000;

export interface LeasePacer {
  /** The caller wrote or renewed it just now; `leaseMs`: `undefined` if it was not told. */
  kept(ref: InstanceRef, leaseMs: number | undefined): void;
  /** Removed, or unknown to the registry. */
  forget(ref: InstanceRef): void;
  /** Kept, and so registered by us. */
  knows(ref: InstanceRef): boolean;
  stop(): void;
}

export interface LeasePacerOptions {
  readonly everyMs: number;
  readonly clock: Clock;
  /** Renews these; failures are the next beat's business. Gives those that the registry does not know. */
  renew(refs: readonly InstanceRef[]): Promise<readonly InstanceRef[]>;
  /** Called with an instance that the registry lost: a hint to read soon. */
  lost(ref: InstanceRef): void;
}

/** A lease whose length nobody told: the default of the common model. */
const usualLeaseMs = 120_000;

/** Gives the pacer; it beats while it has something to keep. */
export function createLeasePacer(options: LeasePacerOptions): LeasePacer {
  const { clock, everyMs } = options;
  const all = new Map<string, Kept>();
  const leases = new Map<string, number>();
  let timer: Timer | undefined;
  let renewing = false;
  let stopped = false;

  const beat = async (): Promise<void> => {
    const nowMs = clock.monotonicMs();
    const due: Kept[] = [];
    for (const [key, kept] of all) {
      if (kept.untilMs <= nowMs) drop(key);
      else if (nowMs - kept.renewedMs >= everyMs) due.push(kept);
    }
    if (due.length === 0) return;
    for (const kept of due) kept.renewedMs = nowMs;
    const missing = await options.renew(due.map(({ ref }) => ref));
    for (const ref of missing) {
      drop(keyOf(ref));
      options.lost(ref);
    }
  };

  const drop = (key: string): void => {
    all.delete(key);
    leases.delete(key);
  };

  const schedule = (): void => {
    if (stopped || timer !== undefined || all.size === 0) return;
    timer = clock.after(Math.min(beatMs, everyMs), () => {
      timer = undefined;
      if (!renewing) {
        renewing = true;
        // Aborted when the driver stops.
        void beat()
          .catch(() => undefined)
          .finally(() => {
            renewing = false;
          });
      }
      schedule();
    });
  };

  return {
    kept(ref, leaseMs) {
      const key = keyOf(ref);
      const nowMs = clock.monotonicMs();
      if (leaseMs !== undefined) leases.set(key, leaseMs);
      const untilMs = nowMs + (leases.get(key) ?? usualLeaseMs);
      all.set(key, { ref, untilMs, renewedMs: nowMs });
      schedule();
    },
    forget: (ref) => drop(keyOf(ref)),
    knows: (ref) => all.has(keyOf(ref)),
    stop() {
      stopped = true;
      timer?.cancel();
      all.clear();
    },
  };
}

function keyOf({ serviceId, instanceId }: InstanceRef): string {
  return `${serviceId}/${instanceId}`;
}
