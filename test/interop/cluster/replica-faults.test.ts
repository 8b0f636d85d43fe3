// What a machine does to one replica of three: its disk is full, its clock jumps, its etcd answers in
// gasps, and all are replaced one after the other with another configuration.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { goesOn, nothingHappened } from '../../support/cluster-checks.ts';
import { startDaemon, type LogLine, type TestDaemon } from '../../support/daemon.ts';
import { etcdPid } from '../../support/etcd-process.ts';
import { poll } from '../../support/poll.ts';
import {
  hasLeader,
  isWhole,
  prepareSites,
  type ReplicaSite,
  type ReplicaSites,
  type ReplicaWish,
} from '../../support/replica-sites.ts';

/** Beside the site, which is on loopback. */
let far: TestDaemon;
let guide: ReplicaSites;
let site: ReplicaSite;
let clocks: string;
const undo: (() => unknown)[] = [];

const fakeTime = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/local/lib']
  .map((directory) => path.join(directory, 'faketime', 'libfaketimeMT.so.1'))
  .find((file) => existsSync(file));

/** A clock of its own for each replica, as far as the machine can fake one. */
function clockOf(node: string): ReplicaWish {
  if (fakeTime === undefined) return { join: [far.gossip] };
  step(node, '+0');
  return {
    join: [far.gossip],
    env: {
      LD_PRELOAD: fakeTime,
      FAKETIME_TIMESTAMP_FILE: path.join(clocks, node),
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    },
  };
}
const step = (node: string, offset: string): void => writeFileSync(path.join(clocks, node), offset);

/** Nothing but root mounts a disk that is small enough to be filled. */
const disk = mkdtemp('disk');
const mounted =
  process.getuid?.() === 0 &&
  spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=320m', 'none', disk]).status === 0;

function mkdtemp(name: string): string {
  const directory = path.join(tmpdir(), `syncer-${name}-${process.pid}`);
  mkdirSync(directory, { recursive: true });
  return directory;
}

describe('one replica of three', () => {
  beforeAll(async () => {
    clocks = mkdtemp('clocks');
    undo.push(() => rmSync(clocks, { recursive: true }));
    undo.push(() => {
      if (mounted) execFileSync('umount', ['-l', disk]);
      rmSync(disk, { recursive: true, force: true });
    });
    guide = await prepareSites(['beijing', 'shanghai'], 'lab', {}, mounted ? disk : undefined);
    undo.push(() => guide.stop());
    const [here, there] = guide.sites as [ReplicaSite, ReplicaSite];
    site = here;
    far = await startDaemon({
      ...{ cluster: there.cluster, registries: [there.registry.url] },
      flags: ['--profile', 'local'],
    });
    undo.push(() => far.stop());
    for (const node of site.places.keys()) await guide.startReplica(site, node, clockOf(node));
    await isWhole(site);
    await guide.inSync(120_000);
  }, 300_000);
  afterAll(async () => {
    for (const end of undo.splice(0).reverse()) await end();
  }, 120_000);

  it(
    'has a clock that jumps an hour ahead and an hour back',
    { timeout: 300_000 },
    async (context) => {
      if (fakeTime === undefined) context.skip('libfaketime is not installed');
      const proof = await guide.watchNothingGoes();
      const node = await hasLeader(site);
      for (const [offset, name] of [
        ['+3600', 'an-hour-ahead'],
        ['-3600', 'an-hour-back'],
        ['+0', 'right-again'],
      ] as const) {
        const before = Date.now();
        const since = site.replicas.get(node)!.log.length;
        step(node, offset);
        // Its own log shows that the clock has jumped.
        await poll(() => {
          const last = site.replicas.get(node)!.log.slice(since).at(-1)?.time;
          const aheadMs = Number(last) - before;
          const wantedMs = Number(offset) * 1_000;
          return last !== undefined && Math.abs(aheadMs - wantedMs) < 600_000 ? true : undefined;
        }, 60_000);
        await goesOn(guide, name);
      }
      await nothingHappened(guide, site, proof);
    },
  );

  it('has an etcd that answers in gasps', { timeout: 300_000 }, async () => {
    const proof = await guide.watchNothingGoes();
    const pid = await etcdPid(site, await hasLeader(site));
    for (let gasp = 0; gasp < 8; gasp += 1) {
      process.kill(pid, 'SIGSTOP');
      await wait(1_800);
      process.kill(pid, 'SIGCONT');
      await wait(400);
      // Something to be written meanwhile.
      if (gasp === 3) {
        const { applications } = guide.sites[1]!;
        await applications.instance(await applications.service({ serviceName: 'gasp' }));
      }
    }
    await goesOn(guide, 'after-the-gasps');
    await nothingHappened(guide, site, proof);
  });

  it('has a full disk', { timeout: 300_000 }, async (context) => {
    if (!mounted) context.skip('a small disk (tmpfs) can be mounted by root alone');
    const proof = await guide.watchNothingGoes();
    const full = path.join(disk, 'full');
    const node = 'syncer011';
    const since = site.replicas.get(node)!.log.length;
    const said = (): readonly LogLine[] => site.replicas.get(node)!.log.slice(since);
    const { bavail, bsize } = statfsSync(disk);
    expect(bavail * bsize).toBeGreaterThan(0);
    try {
      writeFileSync(full, Buffer.alloc(bavail * bsize + bsize));
      expect.unreachable('the disk took more than it has room for');
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
    }
    const { applications } = guide.sites[1]!;
    const service = await applications.service({ serviceName: 'on-a-full-disk' });
    for (let count = 0; count < 40; count += 1) await applications.instance(service);
    await goesOn(guide, 'full');
    // It says so: its state waits in memory, or its etcd has ended.
    const refusal = /state cannot be written|etcd does not run/;
    await poll(() => said().some(({ msg }) => refusal.test(msg)) || undefined, 60_000);
    rmSync(full);
    await isWhole(site);
    await goesOn(guide, 'room-again');
    await nothingHappened(guide, site, proof);
  });

  it(
    'is replaced with another configuration, one after the other',
    { timeout: 300_000 },
    async () => {
      const proof = await guide.watchNothingGoes();
      const leader = await hasLeader(site);
      const order = [...site.places.keys()].sort((node) => (node === leader ? 1 : -1));
      for (const node of order) {
        expect(await site.replicas.get(node)!.stop()).toBe(0);
        site.replicas.delete(node);
        const changed = ['--metrics-addr', '127.0.0.1:0', '--log-level', 'info'];
        await guide.startReplica(site, node, { ...clockOf(node), flags: changed });
        const { log } = site.replicas.get(node)!;
        expect(log.find(({ msg }) => msg === 'ready')?.metrics).toMatch(/^127\.0\.0\.1:\d+$/);
        await isWhole(site);
        await hasLeader(site);
        await goesOn(guide, `with-${node}`);
      }
      await nothingHappened(guide, site, proof);
    },
  );
});
