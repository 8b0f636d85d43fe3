// Tells a view, and then an instance without an id in a change that also removes everything.
import { animal, herd } from './herd.ts';

export const driver = animal('garbage', (behaves) => ({
  start(observer, memory) {
    behaves.start(observer, memory);
    setTimeout(() => {
      observer.changed({
        services: [],
        instances: [{ ...herd.instances[0], instanceId: 7 } as never],
        removedInstances: herd.instances.map(({ serviceId, instanceId }) => ({
          ...{ domain: 'default', project: 'default', proof: 'tombstone' as const },
          ...{ serviceId, instanceId },
        })),
        removedServices: [],
        seenAtMs: Date.now(),
      });
    }, 100);
  },
}));
