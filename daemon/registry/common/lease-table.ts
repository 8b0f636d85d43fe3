// Leases of copies in a registry that has none of its own: until when each is kept.

export interface LeaseTable {
  /** Kept for `leaseMs` from now on. */
  keep(key: string, leaseMs: number): void;
  /** Renews for its own length; `false`: it is not known. */
  renew(key: string): boolean;
  forget(key: string): void;
  /** Keys whose time is over; they stay until they are forgotten or renewed. */
  ended(): readonly string[];
  /** When it ends, by the clock of `nowMs`; `undefined`: not known. */
  untilMs(key: string): number | undefined;
}

/** Gives an empty table. `nowMs`: the wall clock where the times are written down, else any clock. */
export function createLeaseTable(nowMs: () => number): LeaseTable {
  const leases = new Map<string, { readonly leaseMs: number; readonly untilMs: number }>();
  const keep = (key: string, leaseMs: number): void => {
    leases.set(key, { leaseMs, untilMs: nowMs() + leaseMs });
  };
  return {
    keep,
    renew(key) {
      const lease = leases.get(key);
      if (lease !== undefined) keep(key, lease.leaseMs);
      return lease !== undefined;
    },
    forget(key) {
      leases.delete(key);
    },
    ended: () => [...leases].flatMap(([key, { untilMs }]) => (untilMs <= nowMs() ? [key] : [])),
    untilMs: (key) => leases.get(key)?.untilMs,
  };
}
