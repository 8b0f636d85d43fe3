// Sites for tests from end to end: a registry, its applications, and a daemon beside it, each a
// process of its own. The checker alone decides whether they are in sync.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApplications, type Applications } from '../support/application.ts';
import { compareSites } from '../support/checker/compare.ts';
import { monitorSites, type Monitor } from '../support/checker/monitor.ts';
import { copiesIn } from '../support/copies-in.ts';
import { readRegistry } from '../support/checker/read-registry.ts';
import { startDaemon, type DaemonOptions, type TestDaemon } from '../support/daemon.ts';
import { poll } from '../support/poll.ts';
import { startRegistry, type RegistryKind, type TestRegistry } from '../support/registry.ts';

export interface Site {
  readonly cluster: string;
  readonly registry: TestRegistry;
  readonly applications: Applications;
  readonly daemon: TestDaemon;
  readonly dataDir: string;
  /** Starts the daemon again after it has ended, on the same ports and data. */
  startAgain(more?: Partial<DaemonOptions>): Promise<void>;
}

export interface Sites {
  readonly all: readonly Site[];
  /** Waits until the registries hold exactly what they should; gives how long that took, milliseconds. */
  inSync(limitMs?: number): Promise<number>;
  /** Watches from now on that nothing which is there now goes; ends with the proof that nothing did. */
  watchNothingGoes(): Promise<{ end(): Promise<void>; readonly monitor: Monitor }>;
  close(): Promise<void>;
}

const clusters = ['beijing', 'shanghai', 'lab-1', 'edge-2'];

/** Starts `count` sites of one kind; each joins the first. `more` gives what a daemon has beside. */
export async function startSites(
  kind: RegistryKind,
  count: number,
  more: (index: number) => Partial<DaemonOptions> = () => ({}),
): Promise<Sites> {
  const all: Site[] = [];
  const closers: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.reverse()) await closer();
  };
  try {
    for (const [index, cluster] of clusters.slice(0, count).entries()) {
      const registry = await startRegistry(kind);
      closers.push(() => registry.close());
      const applications = startApplications(registry.url);
      closers.push(async () => applications.stop());
      const dataDir = await mkdtemp(join(tmpdir(), `syncer-${cluster}-`));
      closers.push(() => rm(dataDir, { recursive: true, force: true }));
      const first = all[0];
      const options: DaemonOptions = {
        cluster,
        registries: [registry.url],
        dataDir,
        ...(first === undefined ? {} : { join: [first.daemon.gossip] }),
        ...more(index),
      };
      let daemon = await startDaemon(options);
      closers.push(async () => {
        await daemon.stop();
      });
      all.push({
        cluster,
        registry,
        applications,
        dataDir: options.dataDir ?? dataDir,
        get daemon() {
          return daemon;
        },
        async startAgain(changed = {}) {
          daemon = await startDaemon({
            ...options,
            gossipPort: portOf(daemon.gossip),
            rpcPort: portOf(daemon.rpc),
            ...changed,
          });
        },
      });
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    all,
    inSync: (limitMs) => waitInSync(all, limitMs),
    watchNothingGoes: () => watch(all),
    close,
  };
}

async function waitInSync(all: readonly Site[], limitMs = 30_000): Promise<number> {
  const start = performance.now();
  await poll(async () => {
    const findings = await look(all);
    if (findings.length > 0) throw new Error(findings.slice(0, 10).join('\n'));
    return true;
  }, limitMs);
  return performance.now() - start;
}

/** What is wrong now, by the registries' own answers. */
async function look(all: readonly Site[]): Promise<readonly string[]> {
  const read = await Promise.all(
    all.map(async ({ cluster, registry }) => ({
      cluster,
      content: await readRegistry(registry.url),
    })),
  );
  const native = all.flatMap(({ cluster, applications }, index) =>
    applications.differences(read[index]!.content).map((text) => `${cluster}: native ${text}`),
  );
  const copies = compareSites(read).map(({ kind, site, detail }) => `${site}: ${kind}: ${detail}`);
  return [...native, ...copies];
}

async function watch(all: readonly Site[]): ReturnType<Sites['watchNothingGoes']> {
  const monitor = monitorSites(
    all.map(({ cluster, registry }) => ({ cluster, url: registry.url })),
  );
  for (const { cluster, registry } of all) {
    const { instances } = await readRegistry(registry.url);
    monitor.expect(
      cluster,
      instances.map(({ serviceId, instanceId }) => `${serviceId}/${instanceId}`),
    );
  }
  return {
    monitor,
    async end() {
      const violations = await monitor.stop();
      if (violations.length > 0) {
        const lines = violations.map(
          ({ site, atMs, detail }) => `${new Date(atMs).toISOString()} ${site} ${detail}`,
        );
        throw new Error(`vanished while nothing should:\n${lines.join('\n')}`);
      }
    },
  };
}

/** Number of copies in each registry, by the registries' own answers. */
export async function countCopies(all: readonly Site[]): Promise<readonly number[]> {
  return Promise.all(all.map(({ registry }) => copiesIn(registry.url)));
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1));
}
