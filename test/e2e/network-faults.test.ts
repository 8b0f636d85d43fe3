// Cables that are cut, in one direction or both, between hosts of the test's own.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startApplications } from '../support/application.ts';
import { compareSites } from '../support/checker/compare.ts';
import { monitorSites } from '../support/checker/monitor.ts';
import { readRegistry } from '../support/checker/read-registry.ts';
import { startDaemon } from '../support/daemon.ts';
import { createNetwork, hostsUnavailable, type Host } from '../support/netns.ts';
import { poll } from '../support/poll.ts';
import { startRegistry } from '../support/registry.ts';

const cutMs = process.env.TEST_NIGHTLY === '1' ? 120_000 : 20_000;

describe('a cut cable', () => {
  it.for([
    ['in both directions', true, true],
    ['from the first to the second', true, false],
    ['from the second to the first', false, true],
  ] as const)(
    '%s: nothing vanishes, and all is in sync once it is mended',
    { timeout: 180_000 + 2 * cutMs },
    async ([, there, back], context) => {
      const reason = hostsUnavailable();
      if (reason !== undefined) context.skip(reason);
      const network = createNetwork(2);
      onTestFinished(() => network.close());
      const hosts = network.hosts as readonly [Host, Host];
      const first = await startSite('beijing', hosts[0]);
      const second = await startSite('shanghai', hosts[1], first.daemon.gossip);
      const sites = [first, second];
      const inSync = (limitMs: number): Promise<boolean> =>
        poll(async () => {
          const read = await Promise.all(
            sites.map(async ({ cluster, url }) => ({ cluster, content: await readRegistry(url) })),
          );
          const findings = compareSites(read).map(
            ({ kind, site, detail }) => `${site} ${kind} ${detail}`,
          );
          if (findings.length > 0) throw new Error(findings.slice(0, 5).join('\n'));
          return true;
        }, limitMs);
      await inSync(30_000);

      const monitor = monitorSites(sites);
      for (const { cluster, url } of sites) {
        const { instances } = await readRegistry(url);
        expect(instances).toHaveLength(12);
        monitor.expect(
          cluster,
          instances.map((one) => `${one.serviceId}/${one.instanceId}`),
        );
      }
      if (there) network.cut(hosts[0], hosts[1]);
      if (back) network.cut(hosts[1], hosts[0]);
      await wait(cutMs / 2);
      const late = await first.applications.service({ serviceName: 'during-the-cut' });
      await first.applications.instance(late);
      await wait(cutMs / 2);
      if (there) network.heal(hosts[0], hosts[1]);
      if (back) network.heal(hosts[1], hosts[0]);
      await inSync(90_000);
      expect(await monitor.stop()).toEqual([]);
      expect(monitor.readings).toBeGreaterThan(10);
    },
  );
});

async function startSite(cluster: string, host: Host, join_?: string) {
  const registry = await startRegistry('lab', { host: host.address, wrap: host.wrap });
  onTestFinished(() => registry.close());
  const applications = startApplications(registry.url);
  onTestFinished(() => applications.stop());
  const serviceId = await applications.service({ serviceName: `of-${cluster}` });
  for (let n = 0; n < 6; n += 1)
    await applications.instance(serviceId, { hostName: `${cluster}-${n}` });
  const dataDir = await mkdtemp(join(tmpdir(), `syncer-${cluster}-`));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
  const daemon = await startDaemon({
    cluster,
    registries: [registry.url],
    host: host.address,
    wrap: host.wrap,
    dataDir,
    ...(join_ === undefined ? {} : { join: [join_] }),
  });
  onTestFinished(async () => {
    await daemon.stop();
  });
  return { cluster, url: registry.url, applications, daemon };
}
