// A group of tests of the shell: run where an Electron is to be had, else skipped with the reason in
// its title (build/skip-reporter.ts). Gives what most of them need.

import { describe, inject } from 'vitest';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { startScreen, type Screen } from './screen.ts';
import { startTrayWatcher, type TrayWatcher } from './tray-watcher.ts';

/** `describe` for tests that need the shell. */
export function describeShell(title: string, tests: () => void): void {
  const runtime = inject('runtime');
  if ('missing' in runtime) describe.skip(`${title} (skipped: ${runtime.missing})`, tests);
  else describe(title, { timeout: 300_000 }, tests);
}

/** A screen with a tray on it, and a registry. */
export interface Stage {
  readonly screen: Screen;
  readonly tray: TrayWatcher;
  readonly registry: TestRegistry;
  close(): Promise<void>;
}

export async function setStage(): Promise<Stage> {
  const registry = await startRegistry('lab');
  const screen = await startScreen();
  const tray = await startTrayWatcher(screen.busAddress);
  return {
    screen,
    tray,
    registry,
    async close() {
      tray.close();
      await screen.close();
      await registry.close();
    },
  };
}

/** Configuration of a daemon in front of a registry, on ports that the system chooses. */
export function daemonConfig(
  registry: TestRegistry,
  cluster = 'beijing',
  join: readonly string[] = [],
): string {
  return [
    `registry: { addresses: ['${registry.url}'] }`,
    `clusterName: ${cluster}`,
    `gossip: { bind: '127.0.0.1:0'${join.length === 0 ? '' : `, join: ['${join.join("', '")}']`} }`,
    "rpc: { bind: '127.0.0.1:0' }",
    '',
  ].join('\n');
}

/** Settings of a shell that is no longer new: it opens at the overview. */
export const usedSettings = 'version: 1\nwizardDone: true\nkeepDaemonOnQuit: false\n';
