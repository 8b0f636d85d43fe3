// A lab registry in a process of its own that also tells, when its parent asks, how many renewals it
// has taken and how many instances live: proof from the registry's own side.

import { startLabRegistry } from '../../../daemon/lab/lab.ts';

/** Answer to any message. */
export interface LeaseCount {
  readonly renewals: number;
  readonly alive: number;
}

if (import.meta.main) {
  const lab = await startLabRegistry({
    // As many as the bench asks for; what a quota does is tested elsewhere.
    quotas: { instance: 1_000_000 },
    historyLimit: 1_000,
  });
  process.on('message', () => {
    const { instances } = lab.registry.state();
    const renewals = instances.reduce((sum, instance) => sum + instance.renewals, 0);
    process.send?.({ renewals, alive: instances.length } satisfies LeaseCount);
  });
  process.once('SIGTERM', () => process.exit());
  process.once('disconnect', () => process.exit());
  process.send?.(lab.url);
}
