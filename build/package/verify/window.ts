// Whether the packaged application shows its window, and in it a daemon that answers. It is looked at
// over Chromium's own protocol: the fuses let no debugger of Node in.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright';
import type { Answer, HostBridge } from '../../../proto/ipc/bridge.ts';

/** A busy machine may take this long for each of: start, window, answer of the daemon, end. */
const patienceMs = 90_000;

/** Left by the preload script on the page's `window`. */
declare const syncerHost: HostBridge;

/** Gives why no window can be shown on this machine, or `undefined` where one can. */
export function whyNoWindow(
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const folders = (environment.PATH ?? '').split(path.delimiter);
  const missing = commandFor('', environment)
    .filter((word) => ['dbus-run-session', 'xvfb-run'].includes(word))
    .find((word) => !folders.some((folder) => existsSync(path.join(folder, word))));
  return missing === undefined ? undefined : `there is no screen, and no ${missing}`;
}

/** Starts it with a profile of its own, looks, and ends it. Throws what is wrong. */
export async function checkWindow(
  executable: string,
  version: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const profile = await mkdtemp(path.join(tmpdir(), 'syncer-packaged-'));
  await writeFile(
    path.join(profile, 'syncer.yaml'),
    "gossip: { bind: '127.0.0.1:0' }\nrpc: { bind: '127.0.0.1:0' }\n",
  );
  // At a first run no daemon is started before the wizard has been answered.
  await writeFile(path.join(profile, 'settings.yaml'), 'version: 1\nwizardDone: true\n');
  const [command, ...args] = commandFor(executable, environment);
  const child = spawn(
    command ?? executable,
    [...args, `--profile-dir=${profile}`, '--remote-debugging-port=0', ...rootFlags()],
    {
      // A group of its own, so that a screen that was started for it can be ended with it.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...environment,
        HOME: profile,
        XDG_STATE_HOME: path.join(profile, 'state'),
        XDG_CONFIG_HOME: path.join(profile, 'config'),
        LANG: 'en_US.UTF-8',
      },
    },
  );
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => output.push(text));
  }
  const exited = once(child, 'exit');
  try {
    await lookAt(profile, version);
  } catch (error) {
    const last = output.join('').split('\n').slice(-20).join('\n');
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${last}`, {
      cause: error,
    });
  } finally {
    endGroup(child.pid, 'SIGTERM');
    const patience = setTimeout(() => endGroup(child.pid, 'SIGKILL'), patienceMs);
    await exited;
    clearTimeout(patience);
    await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 500 });
  }
}

async function lookAt(profile: string, version: string): Promise<void> {
  const port = await until('it opens no window', async () => {
    const file = path.join(profile, 'DevToolsActivePort');
    return existsSync(file) ? (await readFile(file, 'utf8')).split('\n')[0] : undefined;
  });
  const browser = await chromium.connectOverCDP(`http://127.0.0.1:${port}`, {
    timeout: patienceMs,
  });
  try {
    const page = await until('it opens no window', async () =>
      browser
        .contexts()
        .flatMap((context) => context.pages())
        .find((one) => one.url().startsWith('app://syncer/')),
    );
    await page.locator('h1, h2').first().waitFor({ timeout: patienceMs });
    await until('the daemon does not answer', async () => {
      const answer: Answer = await page.evaluate(async () =>
        syncerHost.call('daemon', 'version', {}),
      );
      if (!('value' in answer)) return undefined;
      const told = JSON.stringify(answer.value);
      if (!told.includes(`"${version}"`)) throw new Error(`the daemon is not ${version}: ${told}`);
      return true;
    });
  } finally {
    await browser.close();
  }
}

/** On a system without a screen, one that shows nothing is started around it. */
function commandFor(
  executable: string,
  environment: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  if (process.platform !== 'linux' || (environment.DISPLAY ?? '') !== '') return [executable];
  const screen = ['xvfb-run', '-a', '-s', '-screen 0 1280x800x24'];
  return ['dbus-run-session', '--', ...screen, executable];
}

/** Chromium has no sandbox for root. */
function rootFlags(): readonly string[] {
  return process.getuid?.() === 0 ? ['--no-sandbox'] : [];
}

function endGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, signal);
  } catch {
    // It has ended by itself.
  }
}

/** Asks again until there is an answer. Throws `otherwise` when there is none in time. */
async function until<T>(otherwise: string, ask: () => Promise<T | undefined>): Promise<T> {
  const end = performance.now() + patienceMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > end) throw new Error(otherwise);
    await sleep(200);
  }
}
