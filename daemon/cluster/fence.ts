// A registry driver that writes only while this replica may: asked before every call, so that a
// leader that was paused writes nothing when it wakes.

import type { RegistryDriver, WriteResult } from '../registry/driver.ts';

export interface Fence {
  /** Waits until writing is allowed; false: this replica no longer leads, or `signal` came first. */
  mayWrite(signal: AbortSignal): Promise<boolean>;
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
    write: () => Promise<WriteResult<T>>,
  ): Promise<WriteResult<T>> => ((await fence.mayWrite(signal)) ? write() : fenced);
  return {
    kind: driver.kind,
    renewBatchSize: driver.renewBatchSize,
    facts: () => driver.facts(),
    start: (observer, memory) => driver.start(observer, memory),
    stop: () => driver.stop(),
    wake: () => driver.wake(),
    normalise: (instance) => driver.normalise(instance),
    readInstance: (ref, signal) => driver.readInstance(ref, signal),
    ensureService: (service, cluster, signal) =>
      guarded(signal, () => driver.ensureService(service, cluster, signal)),
    updateService: (service, cluster, signal) =>
      guarded(signal, () => driver.updateService(service, cluster, signal)),
    releaseService: (ref, signal) => guarded(signal, () => driver.releaseService(ref, signal)),
    removeService: (ref, signal) => guarded(signal, () => driver.removeService(ref, signal)),
    putInstance: (key, copy, signal) =>
      guarded(signal, () => driver.putInstance(key, copy, signal)),
    removeInstance: (ref, cluster, signal) =>
      guarded(signal, () => driver.removeInstance(ref, cluster, signal)),
    renew: async (refs, signal) => (fence.mayRenew() ? driver.renew(refs, signal) : fenced),
  };
}
