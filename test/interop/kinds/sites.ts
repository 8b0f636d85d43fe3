// Sites of several kinds in one pool, each with its registry, its applications and its daemon. The checker
// of the fault tests (test/support/checker) alone decides whether they are in sync.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compareSites, nativesOf } from '../../support/checker/compare.ts';
import { monitorSites, type Monitor } from '../../support/checker/monitor.ts';
import { startDaemon, type DaemonOptions, type TestDaemon } from '../../support/daemon.ts';
import { poll } from '../../support/poll.ts';
import type { KindOfSite } from './kind-of-site.ts';

export interface KindSite extends KindOfSite {
  /** Its cluster's name is that of its kind. */
  readonly daemon: TestDaemon;
}

export interface Pool {
  readonly sites: readonly KindSite[];
  /** Waits until every registry holds exactly what it should. */
  inSync(limitMs?: number): Promise<void>;
  /** Watches from now on that nothing which is there now goes, but what is released. */
  watch(): Promise<Watch>;
  /** Starts another daemon beside the registry of this site. */
  addDaemon(site: KindSite, more: Partial<DaemonOptions>): Promise<TestDaemon>;
  close(): Promise<void>;
}

export interface Watch {
  /** What the registry of this site holds now may go there. */
  release(site: KindSite): Promise<void>;
  /** The copies of this instance may go everywhere, and it itself. */
  releaseInstance(cluster: string, id: string): Promise<void>;
  /** Ends, with the proof that nothing else went. */
  end(): Promise<void>;
}

/** Machines are busy: the limit only ends a wait for what never comes. */
const syncLimitMs = 120_000;
const readLimitMs = 30_000;

/**
 * Starts the registries together, then the daemons; each joins the first. `startOne`: how a daemon is
 * started.
 */
export async function startPool(
  kinds: readonly (() => Promise<KindOfSite>)[],
  startOne: (options: DaemonOptions) => Promise<TestDaemon> = startDaemon,
): Promise<Pool> {
  const closers: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.reverse()) await closer();
  };
  const addDaemon = async (
    { address, flags, kind }: KindOfSite,
    more: Partial<DaemonOptions> = {},
  ): Promise<TestDaemon> => {
    const dataDir = await mkdtemp(join(tmpdir(), `syncer-${kind}-`));
    closers.push(() => rm(dataDir, { recursive: true, force: true }));
    const options = { cluster: kind, registries: [address], dataDir, flags, ...more };
    const daemon = await startOne(options);
    closers.push(() => daemon.stop());
    return daemon;
  };
  try {
    const registries = await Promise.allSettled(kinds.map((start) => start()));
    for (const each of registries) {
      if (each.status === 'fulfilled') closers.push(() => each.value.close());
    }
    const sites: KindSite[] = [];
    for (const each of registries) {
      if (each.status === 'rejected') throw each.reason;
      const first = sites[0]?.daemon.gossip;
      const daemon = await addDaemon(each.value, first === undefined ? {} : { join: [first] });
      sites.push({ ...each.value, daemon });
    }
    const join = [sites[0]?.daemon.gossip ?? ''];
    return {
      sites,
      inSync: (limitMs) => waitInSync(sites, limitMs),
      watch: () => watch(sites),
      addDaemon: (site, more) => addDaemon(site, { join, ...more }),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function waitInSync(sites: readonly KindSite[], limitMs = syncLimitMs): Promise<void> {
  await poll(
    async () => {
      const findings = await look(sites);
      if (findings.length > 0) throw new Error(findings.slice(0, 10).join('\n'));
      return true;
    },
    limitMs,
    250,
  );
}

/** What is wrong now, by the registries' own answers. */
export async function look(sites: readonly KindSite[]): Promise<readonly string[]> {
  const read = await Promise.all(
    sites.map(async (site) => ({ cluster: site.kind, content: await site.read() })),
  );
  const native = sites.flatMap(({ kind, natives }, index) =>
    natives.differences(read[index]!.content).map((text) => `${kind}: native ${text}`),
  );
  const copies = compareSites(read).map(({ kind, site, detail }) => `${site}: ${kind}: ${detail}`);
  return [...native, ...copies];
}

async function watch(sites: readonly KindSite[]): Promise<Watch> {
  const monitor: Monitor = monitorSites(
    sites.map((site) => ({ cluster: site.kind, url: site.address, read: () => site.read() })),
  );
  const idsOf = async (site: KindSite): Promise<readonly string[]> =>
    (await site.read()).instances.map((one) => `${one.serviceId}/${one.instanceId}`);
  for (const site of sites) monitor.expect(site.kind, await idsOf(site));
  return {
    async release(site) {
      monitor.release(site.kind, await idsOf(site));
    },
    async releaseInstance(cluster, id) {
      for (const site of sites) {
        const { instances } = await site.read();
        const gone = instances.filter(({ serviceId, instanceId, properties }) => {
          const origin = `${properties['syncer-origin-service']}/${properties['syncer-origin-instance']}`;
          return site.kind === cluster
            ? `${serviceId}/${instanceId}` === id
            : properties['syncer-origin-cluster'] === cluster && origin === id;
        });
        monitor.release(
          site.kind,
          gone.map((one) => `${one.serviceId}/${one.instanceId}`),
        );
      }
    },
    async end() {
      const violations = await monitor.stop();
      if (violations.length === 0) return;
      const lines = violations.map(
        ({ site, atMs, detail }) => `${new Date(atMs).toISOString()} ${site} ${detail}`,
      );
      throw new Error(`vanished while nothing should:\n${lines.join('\n')}`);
    },
  };
}

/** Number of copies at a site, by the registry's own answer. */
export async function copiesAt(site: KindSite): Promise<number> {
  // A service that goes while it is read is no answer.
  const content = await poll(() => site.read(), readLimitMs);
  return content.instances.length - nativesOf(content).length;
}

/** What every instance was last written as, where the registry tells: a write makes it another one. */
export async function revisions(sites: readonly KindSite[]): Promise<readonly string[]> {
  const read = await Promise.all(sites.map((site) => site.read()));
  return read.flatMap(({ instances }, index) =>
    instances
      .map((one) => `${sites[index]!.kind} ${one.serviceId}/${one.instanceId} ${one.revision}`)
      .sort(),
  );
}
