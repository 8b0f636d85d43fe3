// What must hold of a site of three and of the site beside it after a fault: registries as they should be,
// nothing gone, nothing touched, no copy twice, one leader, one mapping everywhere.

import { expect } from 'vitest';
import { blameless, judgeHistory, readHistory } from './checker/history.ts';
import { mappingsAgree } from './mapping-check.ts';
import { poll } from './poll.ts';
import { leaderOf, type ReplicaSite, type ReplicaSites } from './replica-sites.ts';

/** An instance that is registered at each site comes to the other. */
export async function goesOn(guide: ReplicaSites, name: string): Promise<void> {
  for (const { cluster, applications } of guide.sites) {
    // Of another name at each: two native services of one name would be one service.
    const service = await applications.service({ serviceName: `${name}-${cluster}` });
    await applications.instance(service);
  }
  await guide.inSync(120_000);
}

/** Waits until all is well, and asserts that it was all the time. `proof`: of `watchNothingGoes`. */
export async function nothingHappened(
  guide: ReplicaSites,
  site: ReplicaSite,
  proof: () => Promise<readonly object[]>,
  etcdUrl?: string,
): Promise<void> {
  await poll(() => (leaderOf(site) === undefined ? undefined : true), 90_000);
  await guide.inSync(120_000);
  await mappingsAgree(site, etcdUrl);
  await wasUnnoticed(guide, proof);
}

/** Nothing has gone for a moment, and the registries' histories blame nobody. */
export async function wasUnnoticed(
  guide: ReplicaSites,
  proof: () => Promise<readonly object[]>,
): Promise<void> {
  expect(await proof()).toEqual([]);
  for (const { registry } of guide.sites) {
    expect(judgeHistory(await readHistory(registry.url))).toEqual(blameless);
  }
}

/** Another replica says that it leads; the one before may not know yet. */
export function nextLeader(site: ReplicaSite, before: string): Promise<string> {
  return poll(
    () =>
      [...site.replicas].find(
        ([node, { log }]) =>
          node !== before &&
          log.findLast(({ msg }) => msg.startsWith(`${node} leads`))?.msg === `${node} leads`,
      )?.[0],
    90_000,
  );
}
