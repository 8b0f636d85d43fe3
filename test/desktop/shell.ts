// The built shell in a real Electron, from a profile of its own, with everything that it writes
// below one folder.

import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { _electron, type ElectronApplication, type Page } from 'playwright';
import { inject } from 'vitest';
import type { Answer, GroupName, HostBridge } from '../../proto/ipc/bridge.ts';
import type { VersionResponse } from '../../proto/gen/syncer/control/v1/control.ts';
import type { DaemonProcess } from '../../proto/ipc/contract.ts';
import { poll } from '../support/poll.ts';
import type { Screen } from './screen.ts';

/** Longest that anything of the shell may take on a busy machine. */
export const patienceMs = 90_000;

export interface ShellOptions {
  /** The daemon's configuration (YAML); absent: that of a first start. */
  readonly config?: string;
  /** Text of the shell's own settings; absent: a first start. */
  readonly settings?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** A folder of an earlier shell. */
  readonly folder?: string;
  readonly flags?: readonly string[];
}

export interface Shell {
  readonly app: ElectronApplication;
  /** Holds the profile, the state, everything. */
  readonly folder: string;
  /** Data directory of the daemon that the shell starts. */
  readonly dataDirectory: string;
  readonly pid: number;
  /** What it printed. */
  readonly output: readonly string[];
  window(): Promise<Page>;
  /** Calls a method of the contract as the page does. */
  call(group: GroupName, name: string, request?: unknown): Promise<Answer>;
  /** What the shell says of its daemon's process. */
  process(): Promise<DaemonProcess>;
  /** The process id of the daemon that answers now. */
  daemonPid(): Promise<number>;
  /** Resolves when the shell's process has ended. */
  ended(): Promise<void>;
  /** Ends it as the end of a session does, and with `keep` leaves its folder. */
  close(options?: { readonly keep?: boolean }): Promise<void>;
}

/** Starts the shell on a screen. */
export async function startShell(screen: Screen, options: ShellOptions = {}): Promise<Shell> {
  const runtime = inject('runtime');
  if ('missing' in runtime) throw new Error(runtime.missing);
  const folder = options.folder ?? (await mkdtemp(path.join(tmpdir(), 'syncer-shell-')));
  const write = async (name: string, text: string | undefined): Promise<void> => {
    if (text !== undefined) await writeFile(path.join(folder, name), text, { mode: 0o600 });
  };
  await write('syncer.yaml', options.config);
  await write('settings.yaml', options.settings);
  const app = await _electron.launch({
    executablePath: runtime.executable,
    args: [
      path.join(inject('built'), 'main', 'index.cjs'),
      `--user-data-dir=${folder}`,
      `--profile-dir=${folder}`,
      '--lang=en-US',
      ...(options.flags ?? []),
    ],
    env: {
      ...withoutUndefined(process.env),
      ...screen.environment,
      SYNCER_NODE_BINARY: process.execPath,
      HOME: folder,
      XDG_STATE_HOME: path.join(folder, 'state'),
      XDG_CONFIG_HOME: path.join(folder, 'config'),
      LANG: 'en_US.UTF-8',
      ...options.environment,
    },
    // The page's theme is what the shell says, not what a test tool emulates.
    colorScheme: null,
    timeout: patienceMs,
  });
  const child = app.process();
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => output.push(text));
  }
  const isOver = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const exited = isOver() ? Promise.resolve() : once(child, 'exit').then(() => undefined);
  const window = async (): Promise<Page> => {
    const page = await app.firstWindow({ timeout: patienceMs });
    page.setDefaultTimeout(patienceMs);
    await page.waitForLoadState('load');
    return page;
  };
  const call: Shell['call'] = async (group, name, request = {}) =>
    (await window()).evaluate((asked) => syncerHost.call(asked.group, asked.name, asked.request), {
      group,
      name,
      request,
    });
  const daemonProcess = async (): Promise<DaemonProcess> =>
    (await window()).evaluate(
      () =>
        new Promise<DaemonProcess>((resolve, reject) => {
          const close = syncerHost.open('desktop', 'watchProcess', {}, (event) => {
            if (event.kind === 'end') reject(new Error('the stream ended'));
            else resolve(event.item as DaemonProcess);
            setTimeout(() => close());
          });
        }),
    );
  return {
    app,
    folder,
    dataDirectory: path.join(folder, 'state', 'syncer', 'desktop'),
    pid: child.pid ?? 0,
    output,
    window,
    call,
    process: daemonProcess,
    daemonPid: () =>
      poll(async () => {
        const answer = await call('daemon', 'version');
        if ('value' in answer) return (answer.value as VersionResponse).pid;
        const known = JSON.stringify(await daemonProcess());
        throw new Error(`${answer.failure.message} ${known}`);
      }, patienceMs),
    ended: () => exited,
    async close({ keep = false } = {}) {
      if (!isOver()) {
        child.kill('SIGTERM');
        const patience = setTimeout(() => child.kill('SIGKILL'), 60_000);
        await exited;
        clearTimeout(patience);
      }
      if (!keep) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Left by the preload script on the page's `window`. */
declare const syncerHost: HostBridge;

/** Waits until what the shell says of its daemon's process is so. */
export function waitForProcess(
  shell: Shell,
  isSo: (process: DaemonProcess) => boolean,
): Promise<DaemonProcess> {
  return poll(async () => {
    const known = await shell.process();
    if (isSo(known)) return known;
    throw new Error(`the daemon's process: ${JSON.stringify(known)}`);
  }, patienceMs);
}

/** Whether a process of this id exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Waits until a process is gone. */
export async function waitUntilGone(pid: number): Promise<void> {
  await poll(() => (isAlive(pid) ? undefined : true), patienceMs);
}

function withoutUndefined(environment: NodeJS.ProcessEnv): Record<string, string> {
  const set = Object.entries(environment).filter((entry) => entry[1] !== undefined);
  return Object.fromEntries(set) as Record<string, string>;
}
