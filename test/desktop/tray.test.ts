// The tray over the session bus, as a panel sees it: what it says, starting and stopping from its
// menu, its language.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { poll } from '../support/poll.ts';
import { isAlive, patienceMs, startShell, waitUntilGone, type Shell } from './shell.ts';
import { daemonConfig, describeShell, setStage, usedSettings, type Stage } from './stage.ts';

describeShell('the tray', () => {
  let stage: Stage;
  let shell: Shell;

  beforeAll(async () => {
    stage = await setStage();
    shell = await startShell(stage.screen, {
      config: daemonConfig(stage.registry),
      settings: usedSettings,
    });
  });

  afterAll(async () => {
    await shell.close();
    await stage.close();
  });

  it('shows the whole in one sentence, in the tooltip and above the menu', async () => {
    const { tray } = stage;
    const sentence = await tray.waitFor('No other cluster is in the pool yet.');
    expect(sentence.enabled).toBe(false);
    await poll(
      async () => ((await tray.tooltip()) === sentence.label ? true : undefined),
      patienceMs,
    );
    expect(await tray.labels()).toEqual([
      'No other cluster is in the pool yet.',
      'Open ServiceCenter Syncer',
      'Pause Synchronisation',
      'Stop Syncer',
      'Restart Syncer',
      'Copy Diagnostics',
      'Settings…',
      'Quit',
    ]);
  });

  it('stops the syncer, and starts it again', async () => {
    const { tray } = stage;
    const before = await shell.daemonPid();
    const running = await iconOf(stage);
    await tray.click('Stop Syncer');
    await tray.waitFor('Start Syncer');
    await waitUntilGone(before);
    await tray.waitFor('The syncer is stopped.');
    expect(await tray.labels()).not.toContain('Stop Syncer');
    expect(await iconOf(stage)).not.toBe(running);

    await tray.click('Start Syncer');
    await tray.waitFor('Stop Syncer');
    const after = await shell.daemonPid();
    expect(after).not.toBe(before);
    expect(isAlive(after)).toBe(true);
    await tray.waitFor('No other cluster is in the pool yet.');
  });

  it('restarts it', async () => {
    const before = await shell.daemonPid();
    await stage.tray.click('Restart Syncer');
    await waitUntilGone(before);
    expect(await shell.daemonPid()).not.toBe(before);
  });

  it('pauses and resumes', async () => {
    const { tray } = stage;
    await tray.click('Pause Synchronisation');
    await tray.waitFor('Resume Synchronisation');
    const page = await shell.window();
    await page.getByRole('navigation').getByText('Paused').waitFor();
    await tray.click('Resume Synchronisation');
    await tray.waitFor('Pause Synchronisation');
  });

  it('opens the settings in the window', async () => {
    const page = await shell.window();
    await stage.tray.click('Settings…');
    await page.getByRole('heading', { level: 1, name: 'Settings' }).waitFor();
    expect(page.url()).toBe('app://syncer/#/settings');
  });

  it('changes its language with the page, and so does the menu of the window', async () => {
    const { tray } = stage;
    const page = await shell.window();
    await page.getByRole('button', { name: '中文' }).click();
    await tray.waitFor('停止同步器');
    expect(await tray.labels()).toContain('退出');
    await page.getByRole('heading', { level: 1, name: '设置' }).waitFor();
    expect(await menuBar(shell)).toContain('文件');
    await page.getByRole('button', { name: 'English' }).click();
    await tray.waitFor('Stop Syncer');
    expect(await menuBar(shell)).toContain('File');
  });

  it('keeps its icon when only the page changes its theme', async () => {
    const page = await shell.window();
    const icon = await iconOf(stage);
    const isDark = () =>
      page.evaluate<boolean>("matchMedia('(prefers-color-scheme: dark)').matches");
    for (const [theme, dark] of [
      ['Light', false],
      ['Dark', true],
    ] as const) {
      await page.getByTitle(`Switch to ${theme}`).click();
      await poll(async () => ((await isDark()) === dark ? true : undefined), patienceMs);
      expect(await page.locator('html').getAttribute('data-theme')).toBe(theme.toLowerCase());
      // The panel is the system's, and as light or dark as before.
      expect(await iconOf(stage)).toBe(icon);
    }
  });

  it('ends everything by Quit', async () => {
    const daemon = await shell.daemonPid();
    await shell.app.evaluate(({ dialog }) => {
      // The question of a person's desktop; the answer is to stop.
      dialog.showMessageBox = () => Promise.resolve({ response: 0, checkboxChecked: false });
    });
    await stage.tray.click('Quit');
    await shell.ended();
    await waitUntilGone(daemon);
  });
});

async function iconOf({ tray }: Stage): Promise<string> {
  return JSON.stringify(await tray.property('IconPixmap'));
}

function menuBar(shell: Shell): Promise<readonly string[]> {
  return shell.app.evaluate(({ Menu }) =>
    (Menu.getApplicationMenu()?.items ?? []).map(({ label }) => label),
  );
}
