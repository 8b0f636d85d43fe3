// Two sites of three replicas each, as the original's guide sets them up: real daemons, real etcd,
// lab registries. Their registries' own answers say whether they are in sync.

import { rm } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRegistry } from '../support/checker/read-registry.ts';
import { poll } from '../support/poll.ts';
import {
  hasLeader,
  isWhole,
  leaderOf,
  prepareSites,
  type ReplicaSite,
  type ReplicaSites,
} from '../support/replica-sites.ts';

let guide: ReplicaSites;
let sites: ReplicaSites['sites'];
const startReplica = (site: ReplicaSite, node: string): Promise<void> =>
  guide.startReplica(site, node);
const inSync = (): Promise<void> => guide.inSync();

async function watchNothingGoes(): Promise<() => Promise<void>> {
  const stop = await guide.watchNothingGoes();
  return async () => expect(await stop()).toEqual([]);
}

/** The writer's epoch that each copy carries. */
async function epochsIn(site: ReplicaSite): Promise<Record<string, string | undefined>> {
  const { instances } = await readRegistry(site.registry.url);
  return Object.fromEntries(
    instances.map(({ instanceId, properties }) => [instanceId, properties['syncer-epoch']]),
  );
}

describe('clusters of three', () => {
  beforeAll(async () => {
    guide = await prepareSites(['beijing', 'shanghai']);
    ({ sites } = guide);
    for (const site of sites) {
      for (const node of site.places.keys()) await startReplica(site, node);
    }
  }, 240_000);
  afterAll(() => guide.stop(), 120_000);

  it('come to one leader each and are in sync', async () => {
    for (const site of sites) {
      await hasLeader(site);
      await isWhole(site);
    }
    await inSync();
  }, 180_000);

  it('lose a leader by kill -9, and nobody notices', async () => {
    const [here, there] = [sites[0]!, sites[1]!];
    const killed = await hasLeader(here);
    const proof = await watchNothingGoes();
    const daemon = here.replicas.get(killed)!;
    here.replicas.delete(killed);
    await daemon.stop('SIGKILL');
    const startedMs = performance.now();
    const next = await hasLeader(here);
    console.log(`the next leader after kill -9: ${Math.round(performance.now() - startedMs)} ms`);
    expect(next).not.toBe(killed);
    const service = await there.applications.service({ serviceName: 'after-the-kill' });
    await there.applications.instance(service);
    const mine = await here.applications.service({ serviceName: 'exported-after-the-kill' });
    await here.applications.instance(mine);
    await inSync();
    await startReplica(here, killed);
    await isWhole(here);
    await inSync();
    await proof();
  }, 240_000);

  it('hand the lead over when a leader stops gracefully', async () => {
    const site = sites[1]!;
    const stopped = await hasLeader(site);
    const proof = await watchNothingGoes();
    const daemon = site.replicas.get(stopped)!;
    expect(await daemon.stop()).toBe(0);
    site.replicas.delete(stopped);
    expect(await hasLeader(site)).not.toBe(stopped);
    await sites[0]!.applications.instance(
      await sites[0]!.applications.service({ serviceName: 'after-the-stop' }),
    );
    await inSync();
    await proof();
    await startReplica(site, stopped);
    await isWhole(site);
  }, 240_000);

  it('go on when a leader is paused, which writes nothing when it wakes', async () => {
    const site = sites[0]!;
    const paused = await hasLeader(site);
    const daemon = site.replicas.get(paused)!;
    const proof = await watchNothingGoes();
    daemon.signal('SIGSTOP');
    site.replicas.delete(paused);
    const next = await hasLeader(site);
    expect(next).not.toBe(paused);
    await sites[1]!.applications.instance(
      await sites[1]!.applications.service({ serviceName: 'during-the-pause' }),
    );
    await inSync();
    const epochs = await epochsIn(site);
    await wait(20_000);
    daemon.signal('SIGCONT');
    site.replicas.set(paused, daemon);
    await poll(() => (leaderOf(site) === next ? true : undefined), 60_000);
    await wait(2_000);
    // Every copy is as the new leader left it: the old one has written none.
    expect(await epochsIn(site)).toEqual(epochs);
    await inSync();
    await proof();
  }, 240_000);

  it('come back when all three are killed at once, one of them without its data', async () => {
    const site = sites[1]!;
    const proof = await watchNothingGoes();
    await Promise.all([...site.replicas.values()].map((daemon) => daemon.stop('SIGKILL')));
    site.replicas.clear();
    await rm(site.places.get('syncer023')!.dataDir, { recursive: true, force: true });
    for (const node of site.places.keys()) await startReplica(site, node);
    await hasLeader(site);
    await sites[0]!.applications.instance(
      await sites[0]!.applications.service({ serviceName: 'after-all-were-killed' }),
    );
    await inSync();
    await proof();
  }, 240_000);
});
