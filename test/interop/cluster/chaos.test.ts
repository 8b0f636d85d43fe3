// A site of three under a random sequence of deaths, pauses and hand-overs, while instances come and
// change at the site beside it. Judged by the registries' own histories: nothing twice, nothing gone,
// nothing native touched, and never a write of an older term after one of a newer.
// `TEST_CHAOS_SEED` repeats a run.

import { execFile } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { randomInt, seededRandom } from '../../../daemon/support/random.ts';
import { goesOn, nothingHappened } from '../../support/cluster-checks.ts';
import { startDaemon, type TestDaemon } from '../../support/daemon.ts';
import { etcdPid, membersRun } from '../../support/etcd-process.ts';
import { poll } from '../../support/poll.ts';
import {
  hasLeader,
  isWhole,
  prepareSites,
  type ReplicaSite,
  type ReplicaSites,
} from '../../support/replica-sites.ts';

const nightly = process.env.TEST_NIGHTLY === '1';
const rounds = nightly ? 200 : 5;
/** By day the same sequence each time: what fails then was broken by a change. */
const seed = Number(process.env.TEST_CHAOS_SEED ?? (nightly ? Date.now() % 2 ** 31 : 7));
const random = seededRandom(seed);
const entry = new URL('../../../daemon/index.ts', import.meta.url).pathname;

let guide: ReplicaSites;
let site: ReplicaSite;
let farSite: ReplicaSite;
let far: TestDaemon;
const undo: (() => unknown)[] = [];

const pick = <T>(list: readonly T[]): T => list[randomInt(random, list.length)]!;
const start = (node: string): Promise<void> =>
  guide.startReplica(site, node, { join: [far.gossip] });

/** Pauses a process for up to so long. */
async function pause(pid: number, limitMs: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  try {
    await wait(300 + randomInt(random, limitMs));
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}

/** What may befall one replica; each gives the site back with three that run. */
const misfortunes = {
  async killed(node: string) {
    const daemon = site.replicas.get(node)!;
    site.replicas.delete(node);
    await daemon.stop('SIGKILL');
    await wait(randomInt(random, 3_000));
    await start(node);
  },
  async stopped(node: string) {
    const daemon = site.replicas.get(node)!;
    site.replicas.delete(node);
    expect(await daemon.stop()).toBe(0);
    await wait(randomInt(random, 3_000));
    await start(node);
  },
  paused: (node: string) => pause(site.replicas.get(node)!.pid, 9_000),
  async etcdKilled(node: string) {
    process.kill(await etcdPid(site, node), 'SIGKILL');
  },
  etcdPaused: async (node: string) => pause(await etcdPid(site, node), 6_000),
  async relieved(node: string) {
    const { dataDir } = site.places.get(node)!;
    const words = ['cluster', 'transfer-leader', '--data-dir', dataDir];
    // Refused while nobody leads, which may be what the round before has left for a moment.
    await poll(() => promisify(execFile)(process.execPath, [entry, ...words]), 60_000, 1_000);
  },
};
const kinds = Object.keys(misfortunes) as (keyof typeof misfortunes)[];

beforeAll(async () => {
  guide = await prepareSites(['beijing', 'shanghai']);
  undo.push(() => guide.stop());
  [site, farSite] = guide.sites as [ReplicaSite, ReplicaSite];
  far = await startDaemon({
    ...{ cluster: farSite.cluster, registries: [farSite.registry.url] },
    flags: ['--profile', 'local'],
  });
  undo.push(() => far.stop());
  for (const node of site.places.keys()) await start(node);
  await isWhole(site);
  await guide.inSync(120_000);
}, 300_000);
afterAll(async () => {
  for (const end of undo.splice(0).reverse()) await end();
}, 120_000);

it(
  `stands ${rounds} rounds of chaos (seed ${seed})`,
  async () => {
    const service = await farSite.applications.service({ serviceName: 'restless' });
    const first = await farSite.applications.instance(service);
    await guide.inSync(120_000);
    const proof = await guide.watchNothingGoes();
    const story: string[] = [];
    try {
      for (let round = 1; round <= rounds; round += 1) {
        const leader = await hasLeader(site);
        // The leader's misfortune is the more interesting one.
        const node = randomInt(random, 3) === 0 ? pick([...site.places.keys()]) : leader;
        const kind = pick(kinds);
        story.push(`${round}: ${node}${node === leader ? ' (leads)' : ''} ${kind}`);
        const over = misfortunes[kind](node);
        // Instances come and change while it happens.
        over.catch(() => undefined);
        await farSite.applications.instance(service, { hostName: `round-${round}` });
        await farSite.applications.setProperties(service, first, { round: String(round) });
        await over;
        await goesOn(guide, `round-${round}`);
        await hasLeader(site);
        // A second one while a member is missing would cost the quorum: three before the next.
        await isWhole(site);
        await membersRun(site);
      }
      await nothingHappened(guide, site, proof);
    } catch (cause) {
      throw new Error(`seed ${seed}; ${story.join('; ')}`, { cause });
    }
  },
  120_000 + rounds * 90_000,
);
