// The etcd process that a replica supervises, for tests that kill or pause it.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { poll } from './poll.ts';
import type { ReplicaSite } from './replica-sites.ts';

/** Gives its process id, once it runs: one that was killed is started again after a while. */
export function etcdPid(site: ReplicaSite, node: string): Promise<number> {
  const file = path.join(site.places.get(node)?.dataDir ?? '', 'etcd', 'etcd.pid');
  return poll(() => {
    const pid = Number(readFileSync(file, 'utf8'));
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'etcd' ? pid : undefined;
  }, 60_000);
}

/** Waits until the etcd of every replica that runs is there: the next fault costs one of three. */
export async function membersRun(site: ReplicaSite): Promise<void> {
  for (const node of site.replicas.keys()) await etcdPid(site, node);
}
