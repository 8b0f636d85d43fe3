// What this process has written and the feed has not shown yet: of these entries the mirror is old.

import type { Entry, Mirror } from './mirror.ts';

/** Writes remembered before those that the feed has shown are let go. */
const remembered = 4_096;

export interface OwnWrites {
  /** The entry was written, and has this index now. */
  wrote(ref: Pick<Entry, 'serviceId' | 'instanceId'>, modifyIndex: number): void;
  /** The entry of this index was removed. */
  removed(ref: Pick<Entry, 'serviceId' | 'instanceId'>, modifyIndex: number): void;
  /** The mirror shows what was last written there, or something newer. */
  isShown(ref: Pick<Entry, 'serviceId' | 'instanceId'>): boolean;
}

interface Write {
  readonly ref: Pick<Entry, 'serviceId' | 'instanceId'>;
  readonly modifyIndex: number;
  readonly removed: boolean;
}

/** Gives an empty memory. */
export function createOwnWrites(mirror: Mirror): OwnWrites {
  const writes = new Map<string, Write>();
  const isShown = ({ ref, modifyIndex, removed }: Write): boolean => {
    const entry = mirror.entry(ref.serviceId, ref.instanceId);
    if (entry === undefined) return removed;
    return removed ? entry.modifyIndex > modifyIndex : entry.modifyIndex >= modifyIndex;
  };
  const note = (write: Write): void => {
    writes.set(keyOf(write.ref), write);
    if (writes.size <= remembered) return;
    for (const [key, each] of writes) if (isShown(each)) writes.delete(key);
  };
  return {
    wrote: (ref, modifyIndex) => note({ ref, modifyIndex, removed: false }),
    removed: (ref, modifyIndex) => note({ ref, modifyIndex, removed: true }),
    isShown(ref) {
      const write = writes.get(keyOf(ref));
      if (write === undefined) return true;
      if (!isShown(write)) return false;
      writes.delete(keyOf(ref));
      return true;
    },
  };
}

function keyOf({ serviceId, instanceId }: Pick<Entry, 'serviceId' | 'instanceId'>): string {
  return `${serviceId}/${instanceId}`;
}
