// The desktop shell in a real Electron under Xvfb: from its start to a window that can be used, and
// what it costs while nothing happens (without the daemon, which is another program).

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { _electron, type ElectronApplication } from 'playwright';
import { findRuntime } from '../../desktop/runtime.ts';
import { startScreen } from '../../desktop/screen.ts';
import { startRegistry } from '../../support/registry.ts';
import type { BenchContext } from '../bench.ts';
import { distribution, type Distribution } from '../statistics.ts';
import { treeCores } from './process-tree.ts';

const settleMs = 15_000;
const patienceMs = 120_000;

export type ShellFigures =
  { readonly usableMs: Distribution; readonly idleCores: number } | { readonly missing: string };

/** Starts it so often, and then watches the last one for so long. `built`: dist. */
export async function measureShell(
  { signal, say }: BenchContext,
  built: string,
  starts: number,
  seconds: number,
): Promise<ShellFigures> {
  const runtime = findRuntime();
  if ('missing' in runtime) return runtime;
  await using stack = new AsyncDisposableStack();
  const registry = await startRegistry('lab');
  stack.defer(() => registry.close());
  const screen = await startScreen();
  stack.defer(() => screen.close());
  const folder = await mkdtemp(path.join(tmpdir(), 'syncer-shell-'));
  stack.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  await writeFile(
    path.join(folder, 'syncer.yaml'),
    `registry: { addresses: ['${registry.url}'] }\nclusterName: beijing\n` +
      `gossip: { bind: '127.0.0.1:0' }\nrpc: { bind: '127.0.0.1:0' }\n`,
  );
  const settings = 'version: 1\nwizardDone: true\nkeepDaemonOnQuit: false\n';
  await writeFile(path.join(folder, 'settings.yaml'), settings);

  const launch = async (): Promise<{ app: ElectronApplication; usableMs: number }> => {
    const startMs = performance.now();
    const app = await _electron.launch({
      executablePath: runtime.executable,
      args: [
        path.join(built, 'main', 'index.cjs'),
        `--user-data-dir=${folder}`,
        `--profile-dir=${folder}`,
        '--lang=en-US',
      ],
      env: {
        ...(process.env as Record<string, string>),
        ...screen.environment,
        SYNCER_NODE_BINARY: process.execPath,
        HOME: folder,
        XDG_STATE_HOME: path.join(folder, 'state'),
        XDG_CONFIG_HOME: path.join(folder, 'config'),
      },
      timeout: patienceMs,
    });
    const page = await app.firstWindow({ timeout: patienceMs });
    await page.getByRole('heading', { level: 1 }).waitFor({ timeout: patienceMs });
    return { app, usableMs: performance.now() - startMs };
  };
  const end = async ({ app }: { readonly app: ElectronApplication }): Promise<void> => {
    const child = app.process();
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  };

  const times: number[] = [];
  for (let count = 0; count < starts; count += 1) {
    say(`shell: start ${count + 1} of ${starts}`);
    const shell = await launch();
    times.push(shell.usableMs);
    await wait(2_000, undefined, { signal });
    await end(shell);
  }
  const shell = await launch();
  stack.defer(() => end(shell));
  const page = await shell.app.firstWindow();
  await page.getByText('beijing').first().waitFor({ timeout: patienceMs });
  await wait(settleMs, undefined, { signal });
  say(`shell: idle for ${seconds} s`);
  const daemon = await page.evaluate<{ value: { pid: number } }>(
    "window.syncerHost.call('daemon', 'version', {})",
  );
  const pid = shell.app.process().pid ?? 0;
  const idleCores = await treeCores(pid, seconds, signal, [daemon.value.pid]);
  return { usableMs: distribution(times), idleCores };
}
