// Sites of all kinds in one pool: what crosses, what never comes home, and what must not vanish when a
// registry forgets, is cut off, or lets a lease run out.

import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { consulTool, requireToolAtNight } from '../consul/consul-server.ts';
import { eurekaTool, requireToolInCi as requireEureka } from '../eureka/eureka-server.ts';
import { nacosTool, requireToolInCi as requireNacos } from '../nacos/nacos-server.ts';
import { poll } from '../../support/poll.ts';
import { consulSite } from './consul-site.ts';
import { eurekaSite } from './eureka-site.ts';
import { nacosSite } from './nacos-site.ts';
import { serviceCenterSite } from './servicecenter-site.ts';
import { copiesAt, look, startPool, type KindSite, type Pool } from './sites.ts';

requireEureka();
requireNacos();
requireToolAtNight();
const missing = [eurekaTool, nacosTool].flatMap((tool) =>
  'missing' in tool ? [tool.missing] : [],
);
const skipped = missing.length === 0 ? '' : ` (skipped: ${missing.join('; ')})`;
const hasConsul = !('missing' in consulTool);
const title = hasConsul
  ? 'sites of four kinds'
  : `sites of three kinds (without Consul: ${consulTool.missing})`;

/** Instances that each site has of its own. */
const own = 4;
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

  afterAll(() => pool?.close(), 120_000);

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
    for (const site of sites) {
      // Consul has no leases: there it leaves.
      const id = ids.get(site)!.pop()!;
      await watched.releaseInstance(site.kind, id);
      await site.natives.remove(id);
      if (site.kind === 'consul') continue;
      const lapsing = await site.register({
        name: 'lapsing',
        host: '10.9.0.1',
        port: 9_000 + sites.indexOf(site),
        properties: {},
        leaseSeconds: 20,
      });
      site.natives.abandon(lapsing);
    }
    // Its copies came, or will have come, and went.
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
      const second = await pool.addDaemon(site, { cluster: nameOf(site), node: 'second' });
      try {
        await wait(doubtMs);
        const homecomers = async (): Promise<readonly string[]> => {
          const { instances } = await site.read();
          return instances.flatMap(({ instanceId, properties }) =>
            properties['syncer-origin-cluster']?.startsWith(site.kind) ? [instanceId] : [],
          );
        };
        await poll(async () => ((await look(sites)).length === 0 ? true : undefined), 60_000);
        expect(await homecomers()).toEqual([]);
      } finally {
        await second.stop();
      }
      await pool.inSync();
    },
  );
});
