// What must not happen when things break: after each fault the registries are as they should be, no
// native instance was changed, and nothing vanished that should have stayed. Real processes, judged
// by the registries' own answers (test/support/checker).

import { readdir, writeFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readRegistry } from '../support/checker/read-registry.ts';
import { registryUnavailable, type RegistryKind } from '../support/registry.ts';
import { serviceCenterBinary } from '../support/servicecenter.ts';
import { countCopies, startSites, type Site, type Sites } from './sites.ts';

/** The long form of what the ordinary run does in short. */
const nightly = process.env.TEST_NIGHTLY === '1';
/** How long a dead daemon stays away. */
const absenceMs = nightly ? 300_000 : 15_000;
/** How long a process is frozen; a lease of the test's applications outlives it. */
const frozenMs = nightly ? 60_000 : 12_000;

/** Starts two sites with some ordinary content in each (20 instances), in sync. */
export async function busySites(
  kind: RegistryKind,
  more: Parameters<typeof startSites>[2] = () => ({}),
): Promise<Sites> {
  const sites = await startSites(kind, 2, more);
  onTestFinished(() => sites.close());
  for (const [index, { applications }] of sites.all.entries()) await populate(applications, index);
  await sites.inSync();
  return sites;
}

async function populate(applications: Site['applications'], index: number): Promise<void> {
  for (let service = 0; service < 4; service += 1) {
    const serviceId = await applications.service({
      serviceName: `service-${service}`,
      appId: `app-${index}`,
    });
    for (let instance = 0; instance < 5; instance += 1) {
      await applications.instance(serviceId, {
        hostName: `h-${index}-${instance}`,
        properties: { n: String(instance) },
      });
    }
  }
}

/** Declares the tests for registries of one kind. */
export function describeFaults(kind: RegistryKind): void {
  const fault = (
    name: string,
    run: () => Promise<void>,
    limitMs = 180_000 + 2 * absenceMs,
  ): void => {
    it(name, { timeout: limitMs }, async (context) => {
      const reason = registryUnavailable(kind);
      if (reason !== undefined) context.skip(reason);
      await run();
    });
  };

  describe(`faults on ${kind} registries`, () => {
    fault(
      'a daemon is killed and stays away: nothing vanishes, and it finds its place again',
      async () => {
        const sites = await busySites(kind);
        for (const site of sites.all) {
          const watched = await sites.watchNothingGoes();
          await site.daemon.stop('SIGKILL');
          await wait(absenceMs);
          await site.startAgain();
          await sites.inSync();
          await watched.end();
        }
      },
    );

    fault('a daemon is stopped gracefully: it removes nothing, and says that it left', async () => {
      const sites = await busySites(kind);
      const [here] = sites.all as [Site, Site];
      const watched = await sites.watchNothingGoes();
      expect(await here.daemon.stop()).toBe(0);
      await wait(3_000);
      await here.startAgain();
      await sites.inSync();
      await watched.end();
    });

    fault('both daemons restart at once', async () => {
      const sites = await busySites(kind);
      const watched = await sites.watchNothingGoes();
      await Promise.all(sites.all.map(({ daemon }) => daemon.stop('SIGKILL')));
      await Promise.all(sites.all.map((site) => site.startAgain()));
      await sites.inSync();
      await watched.end();
    });

    fault('a registry restarts with its data: nobody loses anything', async () => {
      const sites = await busySites(kind);
      const watched = await sites.watchNothingGoes();
      for (const { registry } of sites.all) {
        await registry.restart({ emptyData: false, downMs: 2_000 });
        await sites.inSync();
      }
      await watched.end();
    });

    fault(
      'a registry comes up empty: the other site keeps every copy, and the owners come back',
      async () => {
        const sites = await busySites(kind);
        const [here, there] = sites.all as [Site, Site];
        const watched = await sites.watchNothingGoes();
        const content = await readRegistry(here.registry.url);
        // What the empty registry itself has lost is its own affair; the other site must keep all.
        watched.monitor.release(
          here.cluster,
          content.instances.map((one) => `${one.serviceId}/${one.instanceId}`),
        );
        await here.registry.restart({ emptyData: true, downMs: 1_000 });
        await wait(8_000);
        expect((await countCopies([there]))[0]).toBe(20);
        await here.applications.reviveLost();
        await sites.inSync(90_000);
        await watched.end();
      },
    );

    fault('a daemon is frozen and goes on', async () => {
      const sites = await busySites(kind);
      const watched = await sites.watchNothingGoes();
      for (const { daemon } of sites.all) {
        daemon.signal('SIGSTOP');
        await wait(frozenMs);
        daemon.signal('SIGCONT');
        await sites.inSync(60_000);
      }
      await watched.end();
    });

    fault('a registry is frozen and goes on', async () => {
      const sites = await busySites(kind);
      const watched = await sites.watchNothingGoes();
      for (const { registry } of sites.all) {
        await registry.freeze(frozenMs);
        await sites.inSync(60_000);
      }
      await watched.end();
    });

    fault(
      'the database is deleted, then garbled: no duplicate, no orphan, nothing vanishes',
      async () => {
        const sites = await busySites(kind);
        const [here] = sites.all as [Site, Site];
        const watched = await sites.watchNothingGoes();
        for (const damage of [deleteDatabase, garbleDatabase]) {
          await here.daemon.stop('SIGKILL');
          await damage(here.dataDir);
          await here.startAgain();
          await sites.inSync();
        }
        await watched.end();
      },
    );

    fault('an instance moves from one site to the other', async () => {
      const sites = await busySites(kind);
      const [here, there] = sites.all as [Site, Site];
      const wish = { serviceName: 'mover', appId: 'moving' };
      const serviceHere = await here.applications.service(wish);
      const instanceId = 'mover-1';
      await here.applications.instance(serviceHere, { instanceId });
      await sites.inSync();
      const serviceThere = await there.applications.service(wish);
      await there.applications.instance(serviceThere, { instanceId });
      await here.applications.remove(serviceHere, instanceId);
      await sites.inSync();
      await there.applications.remove(serviceThere, instanceId);
      await sites.inSync();
    });

    fault('a mass restart of 1,000 instances ends in sync', async () => {
      const sites = await startSites(kind, 2);
      onTestFinished(() => sites.close());
      const [here] = sites.all as [Site, Site];
      const serviceId = await here.applications.service({ serviceName: 'swarm' });
      const register = async (generation: number): Promise<string[]> => {
        const ids: string[] = [];
        for (let at = 0; at < 1_000; at += 20) {
          const batch = Array.from({ length: 20 }, (_, n) => ({
            instanceId: `swarm-${at + n}-${generation}`,
          }));
          ids.push(
            ...(await Promise.all(batch.map((one) => here.applications.instance(serviceId, one)))),
          );
        }
        return ids;
      };
      const before = await register(1);
      await sites.inSync(60_000);
      await Promise.all(before.map((id) => here.applications.remove(serviceId, id)));
      await register(2);
      await sites.inSync(keepsTheLost(kind) ? 300_000 : 60_000);
    });
  });
}

/**
 * A ServiceCenter 2.x that loses most of its instances at once goes on counting them for one lease (its
 * self-preservation), and what its totals contradict is not told as gone.
 */
function keepsTheLost(kind: RegistryKind): boolean {
  return kind === 'servicecenter' && 'is2x' in serviceCenterBinary && serviceCenterBinary.is2x;
}

/** Faults that only the lab can be told to have. */
export function describeInjectedFaults(): void {
  describe('a registry in trouble', () => {
    it.for([
      ['answers 500', { errorShare: 1, errorStatus: 500 }],
      ['answers half of the calls with 503', { errorShare: 0.5, errorStatus: 503 }],
      ['hangs', { hangShare: 1 }],
      ['breaks off its answers', { cutShare: 0.7 }],
      ['has a cold cache that shows nothing', { visibleShare: 0 }],
      ['has a cold cache that shows a part', { visibleShare: 0.3 }],
      ['says "not modified" whatever happened', { staleNotModified: true }],
      ['takes two seconds for each answer', { latencyMs: 2_000 }],
    ] as const)(
      '%s: nothing vanishes, and all is in sync afterwards',
      { timeout: 180_000 },
      async ([, faults]) => {
        const sites = await busySites('lab');
        const [here, there] = sites.all as [Site, Site];
        const watched = await sites.watchNothingGoes();
        await here.registry.faults(faults);
        await wait(8_000);
        // Applications of the other site go on meanwhile.
        const serviceId = await there.applications.service({ serviceName: 'late', appId: 'late' });
        await there.applications.instance(serviceId);
        expect((await countCopies([there]))[0]).toBe(20);
        await here.registry.faults({ clear: true });
        await sites.inSync(90_000);
        await watched.end();
      },
    );
  });
}

async function databaseFiles(dataDir: string): Promise<readonly string[]> {
  const names = await readdir(dataDir, { recursive: true });
  const files = names
    .filter((name) => /\.(db|sqlite)(-wal|-shm)?$/.test(name))
    .map((name) => join(dataDir, name));
  if (files.length === 0) throw new Error(`no database below ${dataDir}: ${names.join(' ')}`);
  return files;
}

async function deleteDatabase(dataDir: string): Promise<void> {
  for (const file of await databaseFiles(dataDir)) await rm(file);
}

async function garbleDatabase(dataDir: string): Promise<void> {
  for (const file of await databaseFiles(dataDir))
    await writeFile(file, 'this is no database '.repeat(500));
}
