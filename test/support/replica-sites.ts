// Sites of three replicas for tests: real daemons in cluster mode with an etcd member each, beside a lab
// or a real registry, and what every such test asks: who leads, is all in sync, has anything gone.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startApplications, type Applications } from './application.ts';
import { compareSites } from './checker/compare.ts';
import { monitorSites } from './checker/monitor.ts';
import { readRegistry } from './checker/read-registry.ts';
import { startDaemon, type TestDaemon } from './daemon.ts';
import { freePort } from './free-port.ts';
import type { Host } from './netns.ts';
import { poll } from './poll.ts';
import { startRegistry, type RegistryKind, type TestRegistry } from './registry.ts';

export interface ReplicaSite {
  readonly cluster: string;
  readonly registry: TestRegistry;
  readonly applications: Applications;
  /** Those that run. */
  readonly replicas: Map<string, TestDaemon>;
  readonly places: ReadonlyMap<string, ReplicaPlace>;
}

/** Where a site's parts run, when not on loopback: hosts of `netns.ts`. */
export interface SiteHosts {
  readonly registry: Host;
  readonly replicas: readonly Host[];
}

interface ReplicaPlace {
  readonly host: Host | undefined;
  readonly dataDir: string;
  readonly gossip: number;
  readonly rpc: number;
  readonly etcd: number;
}

/** What differs from the usual start of a replica. */
export interface ReplicaWish {
  readonly flags?: readonly string[];
  readonly join?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly wrap?: (command: readonly string[]) => readonly string[];
  /** The registry as this replica is to reach it. */
  readonly registry?: string;
}

export interface ReplicaSites {
  readonly sites: readonly ReplicaSite[];
  startReplica(site: ReplicaSite, node: string, more?: ReplicaWish): Promise<void>;
  /** Waits until the native instances are as they should be and each site has the other's. */
  inSync(limitMs?: number): Promise<void>;
  /** Watches that nothing of what is there now goes; ends with what has gone. */
  watchNothingGoes(): Promise<() => Promise<readonly object[]>>;
  stop(): Promise<void>;
}

/** Places for the sites, each with a registry and five instances; no replica runs yet. */
export async function prepareSites(
  names: readonly string[],
  kind: RegistryKind = 'lab',
  hosts: Readonly<Record<string, SiteHosts>> = {},
  /** Where the first replica of the first site keeps its data, instead of beside the others. */
  firstDisk?: string,
): Promise<ReplicaSites> {
  const root = await mkdtemp(path.join(tmpdir(), 'syncer-walk-'));
  const sites: ReplicaSite[] = [];
  for (const [index, cluster] of names.entries()) {
    const at = hosts[cluster];
    const registry = await startRegistry(
      kind,
      at === undefined ? {} : { host: at.registry.address, wrap: at.registry.wrap },
    );
    const applications = startApplications(registry.url);
    const places = new Map<string, ReplicaPlace>();
    for (const replica of [1, 2, 3]) {
      const node = `syncer0${index + 1}${replica}`;
      const ports = { gossip: await freePort(), rpc: await freePort(), etcd: await freePort() };
      const host = at?.replicas[replica - 1];
      const own = index === 0 && replica === 1 ? firstDisk : undefined;
      places.set(node, { host, dataDir: path.join(own ?? root, node), ...ports });
    }
    sites.push({ cluster, registry, applications, replicas: new Map(), places });
    const service = await applications.service({ serviceName: `shop-${cluster}` });
    for (let count = 0; count < 5; count += 1) await applications.instance(service);
  }
  const first = sites[0]?.places.values().next().value;
  return {
    sites,

    async startReplica(site, node, more = {}) {
      const place = site.places.get(node);
      if (place === undefined) throw new Error(`no place for ${node}`);
      const daemon = await startDaemon({
        ...{ cluster: site.cluster, node, registries: [more.registry ?? site.registry.url] },
        ...{ dataDir: place.dataDir, gossipPort: place.gossip, rpcPort: place.rpc },
        ...(place.host === undefined ? {} : { host: place.host.address, wrap: place.host.wrap }),
        join: more.join ?? [`${first?.host?.address ?? '127.0.0.1'}:${first?.gossip ?? 0}`],
        flags: [
          ...['--mode', 'cluster', '--cluster-port', String(place.etcd), '--profile', 'local'],
          ...(more.flags ?? []),
        ],
        ...(more.env === undefined ? {} : { env: more.env }),
        ...(more.wrap === undefined ? {} : { wrap: more.wrap }),
      });
      site.replicas.set(node, daemon);
    },

    async inSync(limitMs = 60_000) {
      await poll(async () => {
        const read = await Promise.all(
          sites.map(async ({ cluster, registry }) => ({
            cluster,
            content: await readRegistry(registry.url),
          })),
        );
        const native = sites.flatMap(({ applications }, index) => {
          const content = read[index]?.content;
          return content === undefined ? [] : applications.differences(content);
        });
        const findings = [...native, ...compareSites(read).map((one) => JSON.stringify(one))];
        if (findings.length > 0) throw new Error(findings.slice(0, 8).join('\n'));
        return true;
      }, limitMs);
    },

    async watchNothingGoes() {
      const monitor = monitorSites(
        sites.map(({ cluster, registry }) => ({ cluster, url: registry.url })),
      );
      for (const { cluster, registry } of sites) {
        const { instances } = await readRegistry(registry.url);
        const ids = instances.map(({ serviceId, instanceId }) => `${serviceId}/${instanceId}`);
        monitor.expect(cluster, ids);
      }
      return () => monitor.stop();
    },

    async stop() {
      for (const { replicas, applications, registry } of sites) {
        await Promise.all([...replicas.values()].map((daemon) => daemon.stop()));
        applications.stop();
        await registry.close();
      }
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** The replica whose log said last that it leads, and not that it leads no more. */
export function leaderOf(site: ReplicaSite): string | undefined {
  const said = [...site.replicas].flatMap(([node, { log }]) =>
    log
      .filter(({ msg }) => msg === `${node} leads` || msg.startsWith(`${node} leads no more`))
      .slice(-1)
      .filter(({ msg }) => msg === `${node} leads`)
      .map(() => node),
  );
  return said.length === 1 ? said[0] : undefined;
}

/** The site's leader, as soon as there is one; what its replicas said, if there is none. */
export async function hasLeader(site: ReplicaSite): Promise<string> {
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

/** Waits until every replica's etcd has all three: the loss of one costs no quorum. */
export async function isWhole(site: ReplicaSite): Promise<void> {
  const all = `the members of etcd: ${[...site.places.keys()].sort().join(', ')}`;
  await poll(() => {
    const whole = [...site.replicas.values()].every(
      ({ log }) => log.findLast(({ msg }) => msg.startsWith('the members of etcd: '))?.msg === all,
    );
    return whole ? true : undefined;
  }, 120_000);
}
