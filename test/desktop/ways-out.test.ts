// What a shell finds that is not as it should be: a configuration that nobody can read, and a daemon
// that runs already. And the rules of accessibility, on every page as the shell shows it.

import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startDaemon } from '../support/daemon.ts';
import { seriousFindings } from '../ui/flows/accessibility.ts';
import { goTo } from '../ui/flows/flows.ts';
import { isAlive, startShell, waitForProcess } from './shell.ts';
import { daemonConfig, describeShell, setStage, usedSettings, type Stage } from './stage.ts';

describeShell('a shell that finds', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await setStage();
  });

  afterAll(() => stage.close());

  it('a configuration that is no YAML says where, keeps it aside and begins anew', async () => {
    const shell = await startShell(stage.screen, {
      config: 'clusterName: beijing\ngossip: [\n',
      settings: usedSettings,
      environment: {
        SYNCER_BIND_ADDR: '127.0.0.1:0',
        SYNCER_RPC_ADDR: '127.0.0.1:0',
        SYNCER_SC_ADDR: stage.registry.url,
      },
    });
    try {
      const page = await shell.window();
      await waitForProcess(shell, ({ state }) => state === 'failed');
      await page.getByText('its configuration is wrong').first().waitFor();
      await page.getByRole('link', { name: 'Change the settings' }).click();
      await page.getByRole('heading', { level: 1, name: 'Settings' }).waitFor();
      await page.getByRole('button', { name: 'Begin a new file' }).click();
      await page.getByText('The old file is kept as').waitFor();
      const aside = (await readdir(shell.folder)).find((name) => name.includes('.unreadable-'));
      expect(await readFile(path.join(shell.folder, aside ?? ''), 'utf8')).toContain('gossip: [');
      // A change is written by the shell, because nobody else runs.
      const name = page
        .locator('.field')
        .filter({ has: page.getByText('clusterName', { exact: true }) })
        .locator('input');
      await name.fill('tianjin');
      await page.getByRole('button', { name: 'Review and apply' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Apply' }).click();
      await page.getByText('Written, but not in force yet.').waitFor();
      await page.getByRole('button', { name: 'Restart now' }).click();
      await shell.daemonPid();
      await page.getByRole('navigation').getByText('tianjin').waitFor();
    } finally {
      await shell.close();
    }
  });

  it('a daemon that runs shows it, and leaves it running', async () => {
    const daemon = await startDaemon({ cluster: 'lab-1', registries: [stage.registry.url] });
    try {
      const shell = await startShell(stage.screen, {
        environment: { SYNCER_SOCKET: path.join(daemon.dataDir, 'control', 'control.sock') },
      });
      try {
        await waitForProcess(shell, ({ state }) => state === 'attached');
        expect(await shell.daemonPid()).toBe(daemon.pid);
        const page = await shell.window();
        await page.getByRole('navigation').getByText('lab-1').waitFor();
      } finally {
        await shell.close();
      }
      expect(isAlive(daemon.pid)).toBe(true);
    } finally {
      expect(await daemon.stop()).toBe(0);
    }
  });

  it('every page has no serious finding of axe, in both themes', async () => {
    const shell = await startShell(stage.screen, {
      config: daemonConfig(stage.registry),
      settings: usedSettings,
    });
    try {
      await shell.daemonPid();
      const page = await shell.window();
      await goTo(page, 'overview', 'Overview');
      for (const theme of ['light', 'dark'] as const) {
        expect(await seriousFindings(page, theme)).toEqual([]);
      }
    } finally {
      await shell.close();
    }
  });
});
