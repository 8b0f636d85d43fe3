// A syncer that is alone becomes a cluster of three and is alone again, on a running site: no copy is
// registered twice, none lapses, none is removed, and the site beside it notices nothing.

import { execFile } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EtcdMember } from '../../../daemon/cluster/etcd-member.ts';
import { goesOn, wasUnnoticed } from '../../support/cluster-checks.ts';
import { startDaemon, type TestDaemon } from '../../support/daemon.ts';
import { startLoneEtcd } from '../../support/lone-etcd.ts';
import { mappingsAgree } from '../../support/mapping-check.ts';
import { poll } from '../../support/poll.ts';
import {
  hasLeader,
  leaderOf,
  prepareSites,
  type ReplicaSite,
  type ReplicaSites,
} from '../../support/replica-sites.ts';

const entry = new URL('../../../daemon/index.ts', import.meta.url).pathname;
const copies = 40;

let guide: ReplicaSites;
let site: ReplicaSite;
let far: TestDaemon;
let farSite: ReplicaSite;
let etcd: EtcdMember;
let alone: TestDaemon;

async function startAlone(): Promise<TestDaemon> {
  const place = site.places.get('syncer011')!;
  return startDaemon({
    ...{ cluster: site.cluster, node: 'syncer011', registries: [site.registry.url] },
    ...{ dataDir: place.dataDir, gossipPort: place.gossip, rpcPort: place.rpc },
    join: [far.gossip],
    flags: ['--profile', 'local'],
  });
}

/** Runs a command against the replica syncer012. */
async function ask(...words: readonly string[]): Promise<string> {
  const { dataDir } = site.places.get('syncer012')!;
  const argv = [entry, ...words, '--json', '--lang', 'en', '--data-dir', dataDir];
  // `cluster status` ends with 1 while nobody leads, and says all the same.
  return promisify(execFile)(process.execPath, argv).then(
    ({ stdout }) => stdout,
    (thrown: unknown) => (thrown as { stdout: string }).stdout,
  );
}

/**
 * The one that is alone is not heard for a while, and the pool takes it for failed: the replicas cannot tell
 * that from a cut, beside which it would write, and win no term.
 */
async function isNotSucceeded(): Promise<void> {
  alone.signal('SIGSTOP');
  try {
    await poll(async () => {
      const { members } = JSON.parse(await ask('members')) as {
        members: readonly { name: string; status: string }[];
      };
      const at = members.find(({ name }) => name === 'syncer011');
      return at?.status === 'failed' ? true : undefined;
    }, 60_000);
    // Longer than an election, and than a lease of the leader's key.
    await wait(8_000);
    expect(leaderOf(site)).toBeUndefined();
    const { trouble } = JSON.parse(await ask('cluster', 'status')) as { trouble: string };
    expect(trouble).toMatch(/^syncer011 of this cluster runs in mode single/);
  } finally {
    alone.signal('SIGCONT');
  }
  await goesOn(guide, 'after-it-was-not-heard');
}

/** Runs `syncer cluster migrate` for the directory of the one that is, or was, alone. */
async function migrate(target: 'etcd' | 'sqlite'): Promise<Record<string, unknown>> {
  const { dataDir } = site.places.get('syncer011')!;
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...[entry, 'cluster', 'migrate', target, '--json', '--data-dir', dataDir],
    ...['--cluster-name', site.cluster, '--etcd-addr', etcd.clientUrl],
  ]);
  return JSON.parse(stdout) as Record<string, unknown>;
}

describe('a site on the way to a cluster and back', () => {
  beforeAll(async () => {
    guide = await prepareSites(['beijing', 'shanghai']);
    [site, farSite] = guide.sites as [ReplicaSite, ReplicaSite];
    etcd = await startLoneEtcd(`${site.places.get('syncer011')!.dataDir}-etcd`);
    far = await startDaemon({
      ...{ cluster: farSite.cluster, registries: [farSite.registry.url] },
      flags: ['--profile', 'local'],
    });
    const service = await farSite.applications.service({ serviceName: 'many' });
    for (let count = 0; count < copies; count += 1) await farSite.applications.instance(service);
    alone = await startAlone();
    await guide.inSync(120_000);
  }, 300_000);
  afterAll(async () => {
    await alone.stop();
    await far.stop();
    await guide.stop();
    await etcd.stop();
  }, 120_000);

  it('becomes a cluster of three, each copy registered once', async () => {
    const proof = await guide.watchNothingGoes();
    expect(await migrate('etcd')).toMatchObject({ total: copies + 5, differing: 0 });
    const flags = ['--etcd-addr', etcd.clientUrl];
    for (const node of ['syncer012', 'syncer013']) {
      await guide.startReplica(site, node, { flags, join: [far.gossip] });
    }
    // They wait for the one that is alone, and write nothing.
    await poll(() => {
      const waiting = [...site.replicas.values()].filter(({ log }) =>
        log.some(({ msg }) => msg.startsWith('syncer011 of this cluster runs in mode single')),
      );
      return waiting.length === 2 ? true : undefined;
    }, 60_000);
    await goesOn(guide, 'while-they-wait');
    expect(leaderOf(site)).toBeUndefined();
    await isNotSucceeded();
    expect(await alone.stop()).toBe(0);
    await hasLeader(site);
    await guide.startReplica(site, 'syncer011', { flags, join: [far.gossip] });
    await goesOn(guide, 'of-three');
    await mappingsAgree(site, etcd.clientUrl);
    await wasUnnoticed(guide, proof);
  }, 300_000);

  it('is alone again, and the replicas give way to it', async () => {
    const proof = await guide.watchNothingGoes();
    expect(await site.replicas.get('syncer011')!.stop()).toBe(0);
    site.replicas.delete('syncer011');
    await hasLeader(site);
    expect(await migrate('sqlite')).toMatchObject({ differing: 0 });
    alone = await startAlone();
    await poll(() => (leaderOf(site) === undefined ? true : undefined), 60_000);
    await goesOn(guide, 'alone-again');
    for (const daemon of site.replicas.values()) expect(await daemon.stop()).toBe(0);
    site.replicas.clear();
    await goesOn(guide, 'alone-at-last');
    await wasUnnoticed(guide, proof);
  }, 300_000);
});
