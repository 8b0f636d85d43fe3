// From a clean profile: the window opens, the page renders against a daemon that the shell started,
// and when the shell ends no process is left.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { isAlive, startShell, waitUntilGone, type Shell } from './shell.ts';
import { daemonConfig, describeShell, setStage, usedSettings, type Stage } from './stage.ts';

describeShell('the life of the shell', () => {
  let stage: Stage;
  let shell: Shell;

  beforeAll(async () => {
    stage = await setStage();
    shell = await startShell(stage.screen, {
      config: daemonConfig(stage.registry),
      settings: usedSettings,
    });
  }, 300_000);

  afterAll(async () => {
    await shell.close();
    await stage.close();
  }, 120_000);

  it('opens its page under a scheme of its own', async () => {
    const page = await shell.window();
    expect(page.url()).toMatch(/^app:\/\/syncer\//);
    await page.getByRole('heading', { level: 1 }).waitFor();
    expect(await page.title()).not.toBe('');
  });

  it('starts a daemon, and the page shows what it says', async () => {
    const pid = await shell.daemonPid();
    expect(isAlive(pid)).toBe(true);
    const page = await shell.window();
    await page.getByText('beijing').first().waitFor();
  });

  it('ends its daemon and itself when the session ends', async () => {
    const daemon = await shell.daemonPid();
    await shell.close({ keep: true });
    expect(isAlive(shell.pid)).toBe(false);
    await waitUntilGone(daemon);
  });
});
