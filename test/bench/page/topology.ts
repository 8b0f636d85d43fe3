// The topology with 50 clusters, in a real Chromium, once it stands still: figures come as from a
// daemon that is in sync.

import { setTimeout as wait } from 'node:timers/promises';
import { chromium } from 'playwright';
import { createFakeDaemon } from '../../ui/fake-host/daemon.ts';
import { createFakeDesktop } from '../../ui/fake-host/desktop.ts';
import { startFakeHost } from '../../ui/fake-host/server.ts';
import { browserFlags, browserPath } from '../../ui/support/browser.ts';
import type { BenchContext } from '../bench.ts';
import { treeCores } from './process-tree.ts';

/** Until the layout stands still and what was loaded is compiled. */
const settleMs = 10_000;

/** Gives the cores that the whole browser takes, over so many seconds. */
export async function measureTopology(
  { signal, say }: BenchContext,
  pageFolder: string,
  seconds: number,
): Promise<number> {
  await using stack = new AsyncDisposableStack();
  const host = stack.use(
    await startFakeHost({
      pageFolder,
      daemon: createFakeDaemon({ scenario: 'clusters-50' }),
      desktop: createFakeDesktop({ wizardDone: true }),
    }),
  );
  const server = await chromium.launchServer({ executablePath: browserPath, args: browserFlags });
  stack.defer(() => server.close());
  const browser = await chromium.connect(server.wsEndpoint());
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(`${host.url}/#/overview`);
  await page.locator('main h1').waitFor();
  await page.locator('svg').first().waitFor();
  await wait(settleMs, undefined, { signal });
  say(`topology: measuring for ${seconds} s`);
  return await treeCores(server.process().pid ?? 0, seconds, signal);
}
