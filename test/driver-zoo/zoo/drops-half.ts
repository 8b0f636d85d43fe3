// Says that more than half of the instances have left, with proof, while they are all there.
import { animal, herd } from './herd.ts';

export const driver = animal('drops-half', (behaves) => ({
  start(observer, memory) {
    behaves.start(observer, memory);
    setTimeout(() => {
      observer.changed({
        services: [],
        instances: [],
        removedInstances: herd.instances.slice(0, 12).map(({ serviceId, instanceId }) => ({
          ...{ domain: 'default', project: 'default', proof: 'tombstone' as const },
          ...{ serviceId, instanceId },
        })),
        removedServices: [],
        seenAtMs: Date.now(),
      });
    }, 100);
  },
}));
