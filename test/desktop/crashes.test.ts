// A daemon that dies: it is seen, it is started again, and after the fourth time within a minute that
// ends, with what it last said.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { startShell, waitForProcess, waitUntilGone, type Shell } from './shell.ts';
import { daemonConfig, describeShell, setStage, usedSettings, type Stage } from './stage.ts';

describeShell('a daemon that dies', () => {
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

  it('is shown in the tray and started again', async () => {
    const before = await shell.daemonPid();
    await stage.tray.waitFor('No other cluster is in the pool yet.');
    process.kill(before, 'SIGKILL');
    await stage.tray.waitFor('The syncer is starting: it ended unexpectedly and is started again.');
    const after = await shell.daemonPid();
    expect(after).not.toBe(before);
    await waitForProcess(shell, ({ state, restarts }) => state === 'running' && restarts === 1);
    await stage.tray.waitFor('No other cluster is in the pool yet.');
  });

  it('is given up after the fourth time, and may be started by hand', async () => {
    // A start by hand begins to count anew.
    await stage.tray.click('Stop Syncer');
    await stage.tray.waitFor('The syncer is stopped.');
    await stage.tray.click('Start Syncer');
    let last = 0;
    for (let count = 0; count < 4; count += 1) {
      const before = last;
      const next = await waitForProcess(
        shell,
        ({ pid, state }) => pid !== undefined && pid !== before && state !== 'stopping',
      );
      last = next.pid ?? 0;
      process.kill(last, 'SIGKILL');
      await waitUntilGone(last);
    }
    const reason = 'it ended unexpectedly four times within a minute';
    await stage.tray.waitFor(`The syncer cannot start: ${reason}.`);
    await waitForProcess(shell, ({ state }) => state === 'failed');
    const page = await shell.window();
    await page.getByText(reason).waitFor();

    await page.getByRole('button', { name: 'Start the syncer' }).click();
    expect(await shell.daemonPid()).not.toBe(last);
    await stage.tray.waitFor('Stop Syncer');
  });
});
