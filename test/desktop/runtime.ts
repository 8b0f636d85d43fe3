// What the tests of the desktop shell need of a machine: an Electron runtime, a display without a
// screen, a session bus. What is missing is the reason for which they are skipped, by name.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';

const beside = new URL('../../../shared/tools/electron-runtime.sh', import.meta.url).pathname;
/** Fetching a runtime for the first time, over a slow line. */
const fetchTimeoutMs = 600_000;

export type Runtime = { readonly executable: string } | { readonly missing: string };

/**
 * Gives Electron's executable: in the folder that ELECTRON_RUNTIME names, or that the script beside
 * the checkout prints; or why it or another part is not to be had.
 */
export function findRuntime(): Runtime {
  for (const command of ['Xvfb', 'dbus-daemon']) {
    if (!isInstalled(command)) return { missing: `${command} is not installed` };
  }
  const folder = runtimeFolder();
  if ('missing' in folder) return folder;
  const executable = path.join(folder.path, 'electron');
  return existsSync(executable)
    ? { executable }
    : { missing: `no Electron runtime: there is no '${executable}'` };
}

function runtimeFolder(): { readonly path: string } | { readonly missing: string } {
  const named = process.env.ELECTRON_RUNTIME ?? '';
  if (named !== '') return { path: named };
  if (!existsSync(beside)) {
    return { missing: 'no Electron runtime: ELECTRON_RUNTIME names no folder that holds one' };
  }
  try {
    const printed = execFileSync('bash', [beside], { encoding: 'utf8', timeout: fetchTimeoutMs });
    return { path: printed.trim() };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { missing: `no Electron runtime: it could not be fetched: ${firstLine(reason)}` };
  }
}

function isInstalled(command: string): boolean {
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  return folders.some((folder) => existsSync(path.join(folder, command)));
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
