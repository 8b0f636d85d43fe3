// The page in a real Chromium, served by a real daemon: what a person does day by day on a machine
// without a desktop, against two registries; and the rules of accessibility on every page of it.

import type { Browser, Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApplications, type Applications } from '../support/application.ts';
import { copiesIn } from '../support/copies-in.ts';
import { startDaemon, type TestDaemon } from '../support/daemon.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import {
  approveHeld,
  changeLanguageAndTheme,
  flowPatienceMs,
  followAnInstance,
  goTo,
  pauseALink,
  reloadInPlace,
} from '../ui/flows/flows.ts';
import { seriousFindings } from '../ui/flows/accessibility.ts';
import { browserMissing, launchBrowser } from '../ui/support/browser.ts';
import { ensurePage } from '../web/page.ts';
import { syncer } from '../web/ui-session.ts';

const missing = browserMissing();

describe.skipIf(missing !== undefined)(
  `the page of a daemon in Chromium${missing === undefined ? '' : ` (skipped: ${missing})`}`,
  { timeout: 300_000 },
  () => {
    const registries: TestRegistry[] = [];
    let browser: Browser;
    let page: Page;
    let beijing: TestDaemon;
    let shanghai: TestDaemon;
    let applications: Applications;
    const complaints: string[] = [];

    beforeAll(async () => {
      ensurePage();
      registries.push(await startRegistry('lab'), await startRegistry('lab'));
      const [here, there] = registries as [TestRegistry, TestRegistry];
      shanghai = await startDaemon({ cluster: 'shanghai', registries: [there.url] });
      applications = startApplications(there.url);
      const serviceId = await applications.service({ serviceName: 'orders' });
      for (let count = 0; count < 3; count += 1) {
        await applications.instance(serviceId, { endpoints: [`rest://10.1.1.${count}:8080`] });
      }
      beijing = await startDaemon({
        cluster: 'beijing',
        registries: [here.url],
        join: [shanghai.gossip],
        flags: ['--ui-addr', '127.0.0.1:0'],
        env: { SYNCER_GUARD_COUNT: '0' },
      });
      browser = await launchBrowser();
      const context = await browser.newContext({ locale: 'en-GB', colorScheme: 'dark' });
      page = await context.newPage();
      page.setDefaultTimeout(flowPatienceMs);
      page.on('pageerror', (error) => complaints.push(error.message));
      await page.goto(await syncer(beijing.dataDir, 'ui'));
    }, 300_000);

    afterAll(async () => {
      await browser.close();
      applications.stop();
      await beijing.stop();
      await shanghai.stop();
      for (const registry of registries) await registry.close();
    }, 300_000);

    it('opens by the link of `syncer ui`, and shows the whole in one sentence', async () => {
      await page.getByText(/In sync with 1 cluster/).waitFor();
    });

    it('shows an instance that comes, changes and goes at the other site', () =>
      followAnInstance(page, applications, 'shanghai'));

    it('keeps page and filter over a reload', () => reloadInPlace(page));

    it('changes language and theme at once', () => changeLanguageAndTheme(page));

    it('pauses a link, and resumes it', () =>
      pauseALink(page, applications, 'shanghai', 'beijing'));

    it.each(['light', 'dark'] as const)(
      'has no serious finding of axe on any page in the %s theme',
      async (theme) => {
        expect(await seriousFindings(page, theme)).toEqual([]);
      },
    );

    it('says that the registry is dead, and goes on when it is back', async () => {
      const pid = registries[0]?.pid ?? 0;
      await goTo(page, 'overview', 'Overview');
      process.kill(pid, 'SIGSTOP');
      try {
        await page.getByText('The registry does not answer').first().waitFor();
      } finally {
        process.kill(pid, 'SIGCONT');
      }
      await page.getByText(/In sync with 1 cluster/).waitFor();
    });

    it('holds removals that nothing proves, until a person approves them', async () => {
      const url = registries[0]?.url ?? '';
      const copies = await copiesIn(url);
      // Two instances go while their syncer is away, and it comes back without a memory of them.
      const gossipPort = Number(shanghai.gossip.split(':')[1]);
      await shanghai.stop();
      for (const id of applications.ids().slice(0, 2)) {
        const [serviceId = '', instanceId = ''] = id.split('/');
        await applications.remove(serviceId, instanceId);
      }
      shanghai = await startDaemon({
        cluster: 'shanghai',
        registries: [registries[1]?.url ?? ''],
        gossipPort,
      });
      await approveHeld(page, 2);
      await expect.poll(() => copiesIn(url), { timeout: flowPatienceMs }).toBe(copies - 2);
    });

    it('says that the daemon has gone, with the age of what is shown', async () => {
      await goTo(page, 'overview', 'Overview');
      expect(await beijing.stop()).toBe(0);
      await page.locator('.notice').first().waitFor();
      expect(complaints).toEqual([]);
    });
  },
);
