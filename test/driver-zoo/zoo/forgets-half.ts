// Sees everything in its first life, half of it in the later ones; a write ends a life.
import { existsSync, writeFileSync } from 'node:fs';
import { createSnapshotFeed } from '@servicecenter-syncer/driver-kit';
import { animal, herd } from './herd.ts';

const marker = process.env.ZOO_MARKER ?? '';

export const driver = animal('forgets', (_behaves, environment) => ({
  start(observer, memory) {
    const { clock, logger } = environment;
    const feed = createSnapshotFeed({
      ...{ clock, logger, ownersWaitMs: 100 },
      address: () => 'memory:zoo',
      again: () => undefined,
    });
    feed.start(observer, { known: memory?.known ?? 0 });
    const half = existsSync(marker);
    feed.seen(half ? { ...herd, instances: herd.instances.slice(0, 10) } : herd);
    observer.condition({ state: 'answering' });
  },
  putInstance() {
    writeFileSync(marker, 'seen once');
    process.exit(0);
  },
}));
