// From a clean profile: the wizard leads to the first synced instance, with every wrong turn said and
// its way out taken. Then what a person does day by day, against two registries.

import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import type { Page } from 'playwright';
import { afterAll, beforeAll, expect, it } from 'vitest';
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
import { isAlive, startShell, waitForProcess, type Shell } from './shell.ts';
import { describeShell, setStage, type Stage } from './stage.ts';

describeShell('the first run', () => {
  let stage: Stage;
  let shell: Shell;
  let page: Page;
  let elsewhere: TestRegistry;
  let applications: Applications;
  let shanghai: TestDaemon;
  let busy: Server;
  let busyAddress = '';

  beforeAll(async () => {
    stage = await setStage();
    elsewhere = await startRegistry('lab');
    shanghai = await startDaemon({ cluster: 'shanghai', registries: [elsewhere.url] });
    applications = startApplications(elsewhere.url);
    const serviceId = await applications.service({ serviceName: 'orders' });
    for (let count = 0; count < 3; count += 1) {
      await applications.instance(serviceId, { endpoints: [`rest://10.1.1.${count}:8080`] });
    }
    busy = createServer().listen(0, '127.0.0.1');
    await once(busy, 'listening');
    busyAddress = `127.0.0.1:${(busy.address() as { port: number }).port}`;
    shell = await startShell(stage.screen, { settings: 'version: 1\nkeepDaemonOnQuit: false\n' });
    page = await shell.window();
  });

  afterAll(async () => {
    await shell.close();
    applications.stop();
    await shanghai.stop();
    busy.close();
    await elsewhere.close();
    await stage.close();
  });

  /** Two instances go while their syncer is away, and it comes back without a memory of them. */
  const loseTwoWithoutProof = async (): Promise<void> => {
    const gossipPort = Number(shanghai.gossip.split(':')[1]);
    await shanghai.stop();
    for (const id of applications.ids().slice(0, 2)) {
      const [serviceId = '', instanceId = ''] = id.split('/');
      await applications.remove(serviceId, instanceId);
    }
    shanghai = await startDaemon({ cluster: 'shanghai', registries: [elsewhere.url], gossipPort });
  };
  const next = async (heading: string): Promise<void> => {
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByRole('heading', { level: 2, name: heading }).waitFor();
  };
  const field = (label: string) => page.getByLabel(label, { exact: true });

  it('opens the wizard, and starts nothing that nobody has asked for', async () => {
    await page.getByRole('heading', { level: 1, name: 'First steps' }).waitFor();
    const process = await shell.process();
    expect(process).toMatchObject({ state: 'stopped', pid: undefined });
    await next('Where is your registry?');
  });

  it('says what is wrong with an address of a registry, and what answers at the right one', async () => {
    const address = field('Address of the registry');
    await address.fill('http://127.0.0.1:1');
    await page.getByText('Nothing answers at http://127.0.0.1:1').waitFor();
    await page.getByText('Check that the registry runs').waitFor();
    // A syncer's own port is open, and no registry.
    await address.fill(`http://${shanghai.rpc}`);
    await page.getByText(`http://${shanghai.rpc}`).first().waitFor();
    await page.locator('.checked').getByText('Check').first().waitFor();
    await address.fill(stage.registry.url);
    await page.getByText(`${stage.registry.url} answers: ServiceCenter`).waitFor();
    await next('A new pool, or one that exists?');
  });

  it('recognises the RPC port of a syncer, and a pool', async () => {
    await page.getByLabel('Join a pool').check();
    const addresses = field('Address or invitation');
    await addresses.fill(shanghai.rpc);
    await page.getByText(`${shanghai.rpc} is the RPC port of a syncer`).waitFor();
    const host = shanghai.rpc.replace(/:\d+$/, '');
    await page.getByRole('button', { name: `Use ${host}:30190` }).click();
    expect(await addresses.inputValue()).toBe(`${host}:30190`);
    await addresses.fill(`syncer-join:${shanghai.gossip}`);
    await page.getByText(`A member of a pool answers at ${shanghai.gossip}`).waitFor();
    await field('Name of this site').fill('beijing');
    await field('Address for replication').fill('127.0.0.1:0');
  });

  it('shows the last lines when a port is in use, and lets it be changed', async () => {
    await field('Where this syncer listens for others').fill(busyAddress);
    await next('One machine or three?');
    await next('This is what it comes to');
    await page.getByText(`--bind-addr ${busyAddress}`).waitFor();
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    await waitForProcess(shell, ({ state }) => state === 'failed');
    await page.getByText('the system refused it').first().waitFor();
    await page.locator('details pre').filter({ hasText: busyAddress }).waitFor();

    await page.getByRole('button', { name: 'Change it' }).click();
    await page.getByRole('link', { name: 'Pool' }).click();
    await field('Where this syncer listens for others').fill('127.0.0.1:0');
    await next('One machine or three?');
    await next('This is what it comes to');
  });

  it('waits until the first foreign instance is readable, and says how long that took', async () => {
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    await page.getByText('The first foreign instance was readable here after').waitFor();
    expect(await copiesIn(stage.registry.url)).toBeGreaterThan(0);
    await page.getByRole('button', { name: 'Open the overview' }).click();
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    await page.getByText(/In sync with 1 cluster/).waitFor();
  });

  it('shows an instance that comes, changes and goes at the other site', () =>
    followAnInstance(page, applications, 'shanghai'));

  it('keeps page and filter over a reload', () => reloadInPlace(page));

  it('changes language and theme at once', () => changeLanguageAndTheme(page));

  it('pauses a link, and resumes it', () => pauseALink(page, applications, 'shanghai', 'beijing'));

  it('says that the registry is dead, and goes on when it is back', async () => {
    await goTo(page, 'overview', 'Overview');
    // It accepts connections, and answers nothing.
    process.kill(stage.registry.pid, 'SIGSTOP');
    try {
      const trouble = page
        .locator('.condition')
        .filter({ hasText: 'The registry does not answer' });
      await trouble.locator('summary').click();
      await trouble.locator('p').waitFor();
      await page.getByText(/Unknown: the registry does not give a complete answer/).waitFor();
    } finally {
      process.kill(stage.registry.pid, 'SIGCONT');
    }
    await page.getByText(/In sync with 1 cluster/).waitFor();
  });

  it('goes back to the settings before, when a change has done harm', async () => {
    const before = await shell.daemonPid();
    await goTo(page, 'settings?section=registry', 'Settings');
    const addresses = page
      .locator('.field')
      .filter({ has: page.getByText('registry.addresses', { exact: true }) })
      .locator('textarea');
    await addresses.fill('http://127.0.0.1:1');
    await page.getByRole('button', { name: 'Review and apply' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Apply' }).click();
    await page.getByText('Written, but not in force yet.').waitFor();
    await page.getByRole('button', { name: 'Restart now' }).click();
    await page.getByText('Since the change it is').waitFor();
    expect(await shell.daemonPid()).not.toBe(before);
    await page.getByRole('button', { name: 'Go back' }).click();
    await expect
      .poll(() => addresses.inputValue(), { timeout: flowPatienceMs })
      .toBe(stage.registry.url);
    await goTo(page, 'overview', 'Overview');
    await page.getByText(/In sync with 1 cluster/).waitFor();
  });

  it('holds removals that nothing proves, until a person approves them', async () => {
    await goTo(page, 'settings?section=rules', 'Settings');
    const value = (key: string) =>
      page
        .locator('.field')
        .filter({ has: page.getByText(key, { exact: true }) })
        .locator('input');
    await value('guard.count').fill('0');
    await page.getByRole('button', { name: 'Review and apply' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Apply' }).click();
    await page.getByText('Applied.').first().waitFor();
    await loseTwoWithoutProof();
    await stage.tray.waitFor('Held Removals (2)…');
    const copies = await copiesIn(stage.registry.url);
    await approveHeld(page, 2);
    await expect
      .poll(() => copiesIn(stage.registry.url), { timeout: flowPatienceMs })
      .toBe(copies - 2);
  });

  it('leaves nothing behind', async () => {
    const daemon = await shell.daemonPid();
    await shell.close();
    expect(isAlive(daemon)).toBe(false);
  });
});
