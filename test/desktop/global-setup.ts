// Once before the tests of the desktop shell: finds the runtime and builds the shell, the daemon and
// the page into a folder of the tests' own, so that no other build takes them away meanwhile.

import { execFileSync } from 'node:child_process';
import { build } from 'vite';
import type { TestProject } from 'vitest/node';
import { findRuntime, type Runtime } from './runtime.ts';

const root = new URL('../..', import.meta.url).pathname;
/** Below the checkout, because the daemon finds its packages from there. */
const folder = `${root}dist/test-desktop`;

declare module 'vitest' {
  export interface ProvidedContext {
    readonly runtime: Runtime;
    /** `dist/test-desktop`: `main`, `daemon` and `renderer` beside each other. */
    readonly built: string;
  }
}

export async function setup(project: TestProject): Promise<void> {
  const runtime = findRuntime();
  project.provide('runtime', runtime);
  project.provide('built', folder);
  if ('missing' in runtime) return;
  for (const script of ['build/daemon.ts', 'build/main.ts']) {
    execFileSync(process.execPath, [script, folder], { cwd: root, stdio: 'inherit' });
  }
  await build({
    configFile: `${root}build/renderer.vite.config.ts`,
    build: { outDir: `${folder}/renderer`, emptyOutDir: true },
    logLevel: 'warn',
  });
}
