// Two sites of three replicas each, as the original's guide sets them up: real daemons, real etcd,
// lab registries. Their registries' own answers say whether they are in sync.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApplications, type Applications } from '../support/application.ts';
import { compareSites } from '../support/checker/compare.ts';
import { monitorSites } from '../support/checker/monitor.ts';
import { readRegistry } from '../support/checker/read-registry.ts';
import { startDaemon, type TestDaemon } from '../support/daemon.ts';
import { freePort } from '../support/free-port.ts';
import { poll } from '../support/poll.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';

interface Site {
  readonly cluster: string;
  readonly registry: TestRegistry;
  readonly applications: Applications;
  readonly replicas: Map<string, TestDaemon>;
  readonly places: Map<string, { dataDir: string; gossip: number; rpc: number; etcd: number }>;
}

const sites: Site[] = [];
let root: string;
let join = '';

async function startReplica(site: Site, node: string): Promise<void> {
  const place = site.places.get(node)!;
  const daemon = await startDaemon({
    ...{ cluster: site.cluster, node, registries: [site.registry.url], dataDir: place.dataDir },
    ...{ gossipPort: place.gossip, rpcPort: place.rpc, join: [join] },
    flags: ['--mode', 'cluster', '--cluster-port', String(place.etcd), '--profile', 'local'],
  });
  site.replicas.set(node, daemon);
}

/** The replica whose log said last that it leads, and not that it leads no more. */
function leaderOf(site: Site): string | undefined {
  const said = [...site.replicas].flatMap(([node, { log }]) =>
    log
      .filter(({ msg }) => msg === `${node} leads` || msg.startsWith(`${node} leads no more`))
      .slice(-1)
      .filter(({ msg }) => msg === `${node} leads`)
      .map(() => node),
  );
  return said.length === 1 ? said[0] : undefined;
}

/** Every replica's etcd has all three: the loss of one costs no quorum. */
async function isWhole(site: Site): Promise<void> {
  const all = `the members of etcd: ${[...site.places.keys()].sort().join(', ')}`;
  await poll(() => {
    const whole = [...site.replicas.values()].every(
      ({ log }) => log.findLast(({ msg }) => msg.startsWith('the members of etcd: '))?.msg === all,
    );
    return whole ? true : undefined;
  }, 120_000);
}

/** The site's leader, as soon as there is one; what its replicas said, if there is none. */
async function hasLeader(site: Site): Promise<string> {
  try {
    return await poll(() => leaderOf(site), 90_000);
  } catch (cause) {
    const said = [...site.replicas].flatMap(([node, { log }]) => [
      `${node}:`,
      ...log
        .filter(({ part }) => part === 'cluster')
        .slice(-15)
        .map((line) => JSON.stringify(line)),
    ]);
    throw new Error(`no leader, or more than one:\n${said.join('\n')}`, { cause });
  }
}

async function inSync(limitMs = 60_000): Promise<void> {
  await poll(async () => {
    const read = await Promise.all(
      sites.map(async ({ cluster, registry }) => ({
        cluster,
        content: await readRegistry(registry.url),
      })),
    );
    const native = sites.flatMap(({ applications }, index) =>
      applications.differences(read[index]!.content),
    );
    const findings = [...native, ...compareSites(read).map((one) => JSON.stringify(one))];
    if (findings.length > 0) throw new Error(findings.slice(0, 8).join('\n'));
    return true;
  }, limitMs);
}

/** Watches that nothing of what is there now goes; ends with the proof. */
async function watchNothingGoes(): Promise<() => Promise<void>> {
  const monitor = monitorSites(
    sites.map(({ cluster, registry }) => ({ cluster, url: registry.url })),
  );
  for (const { cluster, registry } of sites) {
    const { instances } = await readRegistry(registry.url);
    monitor.expect(
      cluster,
      instances.map(({ serviceId, instanceId }) => `${serviceId}/${instanceId}`),
    );
  }
  return async () => expect(await monitor.stop()).toEqual([]);
}

/** The writer's epoch that each copy carries. */
async function epochsIn(site: Site): Promise<Record<string, string | undefined>> {
  const { instances } = await readRegistry(site.registry.url);
  return Object.fromEntries(
    instances.map(({ instanceId, properties }) => [instanceId, properties['syncer-epoch']]),
  );
}

describe('clusters of three', () => {
  beforeAll(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'syncer-walk-'));
    for (const [index, cluster] of ['beijing', 'shanghai'].entries()) {
      const registry = await startRegistry('lab');
      const applications = startApplications(registry.url);
      const places = new Map();
      for (const replica of [1, 2, 3]) {
        const node = `syncer0${index + 1}${replica}`;
        const dataDir = path.join(root, node);
        const ports = { gossip: await freePort(), rpc: await freePort(), etcd: await freePort() };
        places.set(node, { dataDir, ...ports });
      }
      sites.push({ cluster, registry, applications, replicas: new Map(), places });
    }
    join = `127.0.0.1:${sites[0]!.places.get('syncer011')!.gossip}`;
    for (const { applications } of sites) {
      const service = await applications.service({
        serviceName: `shop-${applications.url.slice(-4)}`,
      });
      for (let count = 0; count < 5; count += 1) await applications.instance(service);
    }
    for (const site of sites) {
      for (const node of site.places.keys()) await startReplica(site, node);
    }
  }, 240_000);
  afterAll(async () => {
    for (const { replicas, applications, registry } of sites) {
      await Promise.all([...replicas.values()].map((daemon) => daemon.stop()));
      applications.stop();
      await registry.close();
    }
    await rm(root, { recursive: true, force: true });
  }, 120_000);

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
