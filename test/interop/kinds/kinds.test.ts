// Sites of all kinds in one pool: what crosses, what never comes home, and what must not vanish when a
// registry forgets, is cut off, or lets a lease run out.

import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { consulTool, requireToolAtNight } from '../consul/consul-server.ts';
import { eurekaTool, requireToolInCi as requireEureka } from '../eureka/eureka-server.ts';
import { nacosTool, requireToolInCi as requireNacos } from '../nacos/nacos-server.ts';
import type { TestDaemon } from '../../support/daemon.ts';
import { poll } from '../../support/poll.ts';
import { consulSite } from './consul-site.ts';
import { eurekaSite } from './eureka-site.ts';
import { nacosSite } from './nacos-site.ts';
import { serviceCenterSite } from './servicecenter-site.ts';
import { copiesAt, look, revisions, startPool, type KindSite, type Pool } from './sites.ts';

requireEureka();
requireNacos();
requireToolAtNight();
const missing = [eurekaTool, nacosTool].flatMap((tool) =>
  'missing' in tool ? [tool.missing] : [],
);
const skipped = missing.length === 0 ? '' : ` (skipped: ${missing.join('; ')})`;
const hasConsul = !('missing' in consulTool);
const title =
  'missing' in consulTool
    ? `sites of three kinds (without Consul: ${consulTool.missing})`
    : 'sites of four kinds';

/** Instances that each site has of its own. */
const own = 4;
/** Machines are busy: the limit only ends a wait for what never comes. */
const limitMs = 60_000;
/** Longer than a daemon needs to believe a loss that is none. */
const doubtMs = 6_000;

describe.skipIf(skipped !== '')(title + skipped, () => {
  let pool: Pool;
  let sites: readonly KindSite[];
  /** Of each site, the ids of its applications. */
  const ids = new Map<KindSite, string[]>();

  beforeAll(async () => {
    pool = await startPool([
      serviceCenterSite,
      eurekaSite,
      nacosSite,
      ...(hasConsul ? [consulSite] : []),
    ]);
    ({ sites } = pool);
  }, 900_000);

  afterAll(() => pool.close(), 120_000);

  it('every instance is readable at every other site, with what the tables say survives', async () => {
    for (const [index, site] of sites.entries()) {
      const registered: string[] = [];
      for (let n = 0; n < own; n += 1) {
        registered.push(
          await site.register({
            // The third has a version of its own, the fourth is a name that every site has.
            name: n === 3 ? 'everywhere' : `${site.kind}-app-${Math.floor(n / 2)}`,
            host: `10.${index + 1}.0.${n + 1}`,
            port: 8_080,
            ...(n === 2 ? { version: '2.1.0' } : {}),
            properties: { zone: `z${n}`, note: 'ä "quoted" \\' },
          }),
        );
      }
      ids.set(site, registered);
    }
    await pool.inSync();
    for (const site of sites) expect(await copiesAt(site)).toBe(own * (sites.length - 1));
  });

  it('a change reaches all other sites', async () => {
    for (const site of sites) {
      await site.natives.change(ids.get(site)![0]!, { zone: 'changed', more: 'x' });
    }
    await pool.inSync();
  });

  it('a registry that is cut off from its syncer loses nothing, nor does anybody else', async () => {
    const watched = await pool.watch();
    await Promise.all(sites.map((site) => site.cut()));
    await wait(doubtMs);
    await Promise.all(sites.map((site) => site.mend()));
    await pool.inSync();
    await watched.end();
  });

  it('a registry that comes up empty takes nothing from the others, and is filled again', async () => {
    for (const site of sites) {
      const watched = await pool.watch();
      // What it has itself lost is its own affair.
      await watched.release(site);
      await site.forget();
      await wait(doubtMs);
      for (const other of sites) {
        if (other !== site) expect(await copiesAt(other)).toBe(own * (sites.length - 1));
      }
      await site.natives.reviveLost();
      await pool.inSync();
      await watched.end();
    }
  });

  it('an instance whose lease runs out, or that leaves, goes everywhere, and it alone', async () => {
    const watched = await pool.watch();
    const abandoned: (() => void)[] = [];
    for (const site of sites) {
      const id = ids.get(site)!.pop()!;
      await watched.releaseInstance(site.kind, id);
      await site.natives.remove(id);
      // Consul has no leases.
      if (site.kind === 'consul') continue;
      const lapsing = await site.register({
        name: 'lapsing',
        host: `10.9.0.${1 + sites.indexOf(site)}`,
        port: 9_000,
        properties: {},
        leaseSeconds: 20,
      });
      abandoned.push(() => site.natives.abandon(lapsing));
    }
    await pool.inSync();
    for (const abandon of abandoned) abandon();
    expect(await look(sites)).not.toEqual([]);
    await pool.inSync();
    await watched.end();
  });

  it.each([
    ['under the same name', (site: KindSite) => site.kind as string],
    ['under a name of its own', (site: KindSite) => `${site.kind}-again`],
  ] as const)(
    'a site with a second syncer %s makes no loop, and no native comes home',
    async (_how, nameOf) => {
      const site = sites.find(({ kind }) => kind === 'eureka')!;
      const cluster = nameOf(site);
      const second = await pool.addDaemon(site, { cluster, node: 'second' });
      try {
        // It takes part: it pulls what the others have, and under a name of its own they pull from it.
        const pulls = ({ log }: TestDaemon, peer: string): true | undefined =>
          log.some(({ msg }) => msg === `import from ${peer}: connected`) || undefined;
        await poll(() => pulls(second, 'servicecenter'), limitMs);
        if (cluster !== site.kind) {
          for (const { daemon } of sites) await poll(() => pulls(daemon, cluster), limitMs);
        }
        await site.natives.change(ids.get(site)![0]!, { zone: cluster });
        await pool.inSync();
        const before = await revisions(sites);
        await wait(doubtMs);
        expect(await look(sites)).toEqual([]);
        // Nobody writes to anything any more.
        expect(await revisions(sites)).toEqual(before);
        const { instances } = await site.read();
        const home = instances.filter(({ properties }) =>
          [site.kind, cluster].includes(properties['syncer-origin-cluster'] ?? ''),
        );
        expect(home).toEqual([]);
      } finally {
        await second.stop();
      }
      await pool.inSync();
    },
  );
});
