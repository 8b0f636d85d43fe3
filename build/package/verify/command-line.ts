// Whether the packaged command line and daemon run.

import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { PackageTarget } from '../target.ts';

const run = promisify(execFile);

/** The demonstration takes about 12 s on an idle machine. */
const demoTimeoutMs = 180_000;
const answerTimeoutMs = 60_000;

/** `syncer --version`, and the daemon's help. Throws what is wrong. */
export async function checkCommandLine(
  resources: string,
  target: PackageTarget,
  version: string,
): Promise<void> {
  const said = await syncer(resources, target, ['--version'], answerTimeoutMs);
  if (said.trim() !== version) throw new Error(`it calls itself '${said.trim()}'`);
  const help = await syncer(resources, target, ['daemon', '--help'], answerTimeoutMs);
  if (!help.includes('--sc-addr')) throw new Error('the help of the daemon names no --sc-addr');
}

/** `syncer demo --once`: two daemons with SQLite and gossip, two registries, 20 changes. */
export async function checkDemo(resources: string, target: PackageTarget): Promise<void> {
  const said = await syncer(resources, target, ['demo', '--once', '--json'], demoTimeoutMs);
  const { crossed, steps } = JSON.parse(said) as {
    readonly crossed: number;
    readonly steps: readonly unknown[];
  };
  if (steps.length === 0 || crossed !== steps.length) {
    throw new Error(`${crossed} of ${steps.length} changes crossed`);
  }
}

async function syncer(
  resources: string,
  target: PackageTarget,
  args: readonly string[],
  timeoutMs: number,
): Promise<string> {
  const isWindows = target.platform === 'win32';
  const file = path.join(resources, 'bin', isWindows ? 'syncer.cmd' : 'syncer');
  const { stdout } = await run(isWindows ? `"${file}"` : file, [...args], {
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    shell: isWindows,
    env: { ...process.env, SYNCER_LANG: 'en' },
  });
  return stdout;
}
