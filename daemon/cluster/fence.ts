// A registry driver that writes only while this replica may: asked before every call and before every
// request of one, so that a leader that was paused writes nothing when it wakes; and with the epoch of
// its own term alone.

import { readInstanceStamp } from '../model/stamp.ts';
import type { RegistryDriver, WriteResult } from '../registry/driver.ts';
import type { WritePermit } from './permits.ts';

export interface Fence {
  /** Waits until a write may begin; `undefined`: this replica no longer leads, or `signal` came first. */
  begin(signal: AbortSignal): Promise<WritePermit | undefined>;
  mayRenew(): boolean;
}

const fenced: WriteResult<never> = {
  ok: false,
  failure: { code: 'timeout', retry: true, detail: 'this replica may not write now' },
};

/** Gives the driver behind the fence. */
export function fenceDriver(driver: RegistryDriver, fence: Fence): RegistryDriver {
  const guarded = async <T>(
    signal: AbortSignal,
    write: (permit: WritePermit) => Promise<WriteResult<T>>,
  ): Promise<WriteResult<T>> => {
    const permit = await fence.begin(signal);
    if (permit === undefined) return fenced;
    try {
      return await write(permit);
    } catch (error) {
      if (permit.signal.aborted && !signal.aborted) return fenced;
      throw error;
    } finally {
      permit.end();
    }
  };
  return {
    kind: driver.kind,
    renewBatchSize: driver.renewBatchSize,
    facts: () => driver.facts(),
    start: (observer, memory) => driver.start(observer, memory),
    stop: () => driver.stop(),
    wake: () => driver.wake(),
    normalise: (instance) => driver.normalise(instance),
    readInstance: (ref, signal) => driver.readInstance(ref, signal),
    ensureService: (service, cluster, asking) =>
      guarded(asking, ({ signal }) => driver.ensureService(service, cluster, signal)),
    updateService: (service, cluster, asking) =>
      guarded(asking, ({ signal }) => driver.updateService(service, cluster, signal)),
    releaseService: (ref, asking) =>
      guarded(asking, ({ signal }) => driver.releaseService(ref, signal)),
    removeService: (ref, asking) =>
      guarded(asking, ({ signal }) => driver.removeService(ref, signal)),
    putInstance: (key, copy, asking) =>
      guarded(asking, async ({ signal, epoch }) =>
        // Stamped in a term before this one, and kept waiting since.
        readInstanceStamp(copy.properties)?.epoch === epoch
          ? driver.putInstance(key, copy, signal)
          : fenced,
      ),
    removeInstance: (ref, cluster, asking) =>
      guarded(asking, ({ signal }) => driver.removeInstance(ref, cluster, signal)),
    renew: async (refs, signal) => (fence.mayRenew() ? driver.renew(refs, signal) : fenced),
  };
}
