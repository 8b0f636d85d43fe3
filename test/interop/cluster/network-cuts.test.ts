// The cables of a site of three: its leader cut off from the other two, from the registry alone, from
// etcd alone. Each part has a host of its own (network namespaces), so that every other way stays open.

import { describe, it, onTestFinished } from 'vitest';
import { goesOn, nextLeader, nothingHappened } from '../../support/cluster-checks.ts';
import { startDaemon, type TestDaemon } from '../../support/daemon.ts';
import { createNetwork, hostsUnavailable, type Host, type Network } from '../../support/netns.ts';
import { startHostEtcd, type HostEtcd } from '../../support/host-etcd.ts';
import {
  hasLeader,
  isWhole,
  prepareSites,
  type ReplicaSite,
  type ReplicaSites,
} from '../../support/replica-sites.ts';

const reason = hostsUnavailable();

/** How to end what runs. */
const undo: (() => unknown)[] = [];
let network: Network;
let guide: ReplicaSites;
let site: ReplicaSite;
let farSite: ReplicaSite;
let far: TestDaemon;
let etcd: HostEtcd | undefined;

const hostOf = (node: string): Host => site.places.get(node)!.host!;
const registryHost = (): Host => network.hosts[3]!;
const etcdHost = (): Host => network.hosts[4]!;

/** Three replicas on a host each, the registry and, if wanted, an etcd on others; a site beside them. */
async function startAll(withEtcd: boolean): Promise<void> {
  onTestFinished(endAll, 120_000);
  network = createNetwork(5);
  undo.push(() => network.close());
  const hosts = { beijing: { registry: registryHost(), replicas: network.hosts.slice(0, 3) } };
  guide = await prepareSites(['beijing', 'shanghai'], 'lab', hosts);
  undo.push(() => guide.stop());
  [site, farSite] = guide.sites as [ReplicaSite, ReplicaSite];
  etcd = withEtcd ? await startHostEtcd(etcdHost()) : undefined;
  undo.push(() => etcd?.stop());
  far = await startDaemon({
    ...{ cluster: farSite.cluster, registries: [farSite.registry.url], host: network.ownAddress },
    flags: ['--profile', 'local'],
  });
  undo.push(() => far.stop());
  const flags = etcd === undefined ? [] : ['--etcd-addr', etcd.clientUrl];
  for (const node of site.places.keys()) {
    await guide.startReplica(site, node, { flags, join: [far.gossip] });
  }
  await hasLeader(site);
  if (etcd === undefined) await isWhole(site);
  await guide.inSync(120_000);
}

/** Both directions. */
function cut(one: Host, others: readonly Host[]): () => void {
  for (const other of others) {
    network.cut(one, other);
    network.cut(other, one);
  }
  return () => {
    for (const other of others) {
      network.heal(one, other);
      network.heal(other, one);
    }
  };
}

/** Ends what `startAll` has begun, the last first. */
async function endAll(): Promise<void> {
  for (const end of undo.splice(0).reverse()) await end();
}

describe('the leader of three is cut off', () => {
  it('from the other two, then from the registry', { timeout: 420_000 }, async (context) => {
    if (reason !== undefined) context.skip(reason);
    await startAll(false);
    const proof = await guide.watchNothingGoes();
    const cutOff = await hasLeader(site);
    const others = [...site.places.keys()].filter((node) => node !== cutOff);
    let heal = cut(hostOf(cutOff), others.map(hostOf));
    await nextLeader(site, cutOff);
    await goesOn(guide, 'while-apart');
    heal();
    await nothingHappened(guide, site, proof, etcd?.clientUrl);

    const again = await guide.watchNothingGoes();
    const blind = await hasLeader(site);
    heal = cut(hostOf(blind), [registryHost()]);
    await nextLeader(site, blind);
    await goesOn(guide, 'while-blind');
    heal();
    await nothingHappened(guide, site, again, etcd?.clientUrl);
  });

  it('from etcd alone', { timeout: 420_000 }, async (context) => {
    if (reason !== undefined) context.skip(reason);
    await startAll(true);
    const proof = await guide.watchNothingGoes();
    const cutOff = await hasLeader(site);
    const heal = cut(hostOf(cutOff), [etcdHost()]);
    await nextLeader(site, cutOff);
    await goesOn(guide, 'without-etcd');
    heal();
    await nothingHappened(guide, site, proof, etcd?.clientUrl);
  });
});
