// One thing at a time per key: two read-modify-writes of one instance would undo each other
// (servicecenter-api.md §5).

export interface KeyedLock {
  /** Runs `work` when all earlier work of this key has ended. */
  run<T>(key: string, work: () => Promise<T>): Promise<T>;
}

/** Gives a lock; keys without waiting work take no memory. */
export function createKeyedLock(): KeyedLock {
  const tails = new Map<string, Promise<unknown>>();
  return {
    async run(key, work) {
      const before = tails.get(key);
      const current = (async () => {
        // Failures of earlier work are its own caller's.
        await before?.catch(() => undefined);
        return work();
      })();
      tails.set(key, current);
      try {
        return await current;
      } finally {
        if (tails.get(key) === current) tails.delete(key);
      }
    },
  };
}
