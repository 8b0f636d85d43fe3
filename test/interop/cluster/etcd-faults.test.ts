// What becomes of a site of three when its etcd suffers, and what `syncer cluster` does to it: real
// daemons, real etcd processes, a second site beside it that sees nothing of all that.

import { execFile } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { etcdPid } from '../../support/etcd-process.ts';
import { poll } from '../../support/poll.ts';
import {
  hasLeader,
  isWhole,
  prepareSites,
  type ReplicaSite,
  type ReplicaSites,
} from '../../support/replica-sites.ts';

/** How long the quorum is away: five minutes at night. */
const awayMs = process.env.TEST_NIGHTLY === '1' ? 300_000 : 10_000;
const entry = new URL('../../../daemon/index.ts', import.meta.url).pathname;

let guide: ReplicaSites;
let site: ReplicaSite;
let far: ReplicaSite;

interface Run {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/** Runs `syncer cluster …` against one of the replicas. */
async function syncer(node: string, ...words: readonly string[]): Promise<Run> {
  const { dataDir } = site.places.get(node)!;
  const argv = [entry, 'cluster', ...words, '--data-dir', dataDir, '--lang', 'en'];
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, argv);
    return { code: 0, out: stdout, error: stderr };
  } catch (thrown) {
    const { code, stdout, stderr } = thrown as { code: number; stdout: string; stderr: string };
    return { code, out: stdout, error: stderr };
  }
}

interface Status {
  readonly leader?: string;
  readonly epoch?: number;
  readonly replicas: readonly { readonly node: string; readonly leads: boolean; etcd: string }[];
  readonly etcd: { readonly state: string; readonly members: number };
}

const status = async (node: string): Promise<Status> =>
  JSON.parse((await syncer(node, 'status', '--json')).out) as Status;

/** All replicas name the same leader, which is the only one, and etcd answers all of them. */
async function agree(): Promise<string> {
  return poll(async () => {
    const views = await Promise.all([...site.replicas.keys()].map(status));
    const leaders = new Set(views.map(({ leader }) => leader));
    const answering = views.every(({ etcd }) => etcd.state === 'answering' && etcd.members === 3);
    const [leader] = leaders;
    return leaders.size === 1 && answering ? leader : undefined;
  }, 120_000);
}

/** Something new at the far site comes over, and nothing has gone meanwhile. */
async function goesOn(name: string, proof: () => Promise<readonly object[]>): Promise<void> {
  await far.applications.instance(await far.applications.service({ serviceName: name }));
  await guide.inSync(120_000);
  expect(await proof()).toEqual([]);
}

describe('the etcd of a site of three', () => {
  beforeAll(async () => {
    guide = await prepareSites(['beijing', 'shanghai']);
    [site, far] = guide.sites as [ReplicaSite, ReplicaSite];
    for (const node of site.places.keys()) await guide.startReplica(site, node);
    // Two replicas are enough for the site beside it.
    for (const node of [...far.places.keys()].slice(0, 2)) await guide.startReplica(far, node);
    await isWhole(site);
    await hasLeader(far);
    await guide.inSync(120_000);
  }, 300_000);
  afterAll(() => guide.stop(), 120_000);

  it('loses the member of the leader, and gets it back', async () => {
    const proof = await guide.watchNothingGoes();
    process.kill(await etcdPid(site, await agree()), 'SIGKILL');
    await goesOn('after-a-member', proof);
    await agree();
  }, 300_000);

  it(
    'loses its quorum: leases are kept, nothing goes, and all goes on when it is back',
    async () => {
      const proof = await guide.watchNothingGoes();
      const leader = await agree();
      const others = await Promise.all(
        [...site.replicas.keys()]
          .filter((node) => node !== leader)
          .map((node) => etcdPid(site, node)),
      );
      for (const pid of others) process.kill(pid, 'SIGSTOP');
      try {
        await poll(async () => {
          const { code, out } = await syncer(leader, 'status', '--json');
          const { etcd } = JSON.parse(out) as Status;
          return code === 0 && etcd.state === 'away' ? true : undefined;
        }, 60_000);
        await wait(awayMs);
      } finally {
        for (const pid of others) process.kill(pid, 'SIGCONT');
      }
      await goesOn('after-the-quorum', proof);
      await agree();
    },
    300_000 + awayMs,
  );

  it('hands the lead over when it is told to, by any replica', async () => {
    const proof = await guide.watchNothingGoes();
    const before = await agree();
    const other = [...site.replicas.keys()].find((node) => node !== before)!;
    const { epoch = 0 } = await status(other);
    const moved = await syncer(other, 'transfer-leader', '--json');
    expect(moved.error).toBe('');
    const { from, to } = JSON.parse(moved.out) as { from: string; to: string };
    expect(from).toBe(before);
    expect(to).not.toBe(before);
    expect(await agree()).toBe(to);
    expect((await status(to)).epoch).toBeGreaterThan(epoch);
    await goesOn('after-the-hand-over', proof);
  }, 300_000);

  it('replaces the member of a replica that runs, and forgets none that runs', async () => {
    const proof = await guide.watchNothingGoes();
    const leader = await agree();
    const node = [...site.replicas.keys()].find((one) => one !== leader)!;
    const refused = await syncer(leader, 'forget', node);
    expect(refused.code).toBe(1);
    expect(refused.error).toContain(`${node} still runs`);
    const pid = await etcdPid(site, node);
    expect(await syncer(leader, 'replace', node)).toMatchObject({ code: 0, error: '' });
    await poll(async () => ((await etcdPid(site, node)) === pid ? undefined : true), 120_000);
    await agree();
    await goesOn('after-the-replacement', proof);
    expect((await syncer(leader, 'replace', 'nobody')).code).toBe(66);
  }, 300_000);
});
