// Bundles for tests of packages, in a folder of their own: no other build takes them away meanwhile.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { build } from 'vite';

const run = promisify(execFile);
export const root = new URL('../..', import.meta.url).pathname;

/** Builds daemon and page, and with `shell` the desktop shell too, into `folder`. */
export async function buildBundles(
  folder: string,
  parts: { readonly shell: boolean },
): Promise<void> {
  const scripts = ['build/daemon.ts', ...(parts.shell ? ['build/main.ts'] : [])];
  for (const script of scripts) await run(process.execPath, [script, folder], { cwd: root });
  await build({
    configFile: `${root}build/renderer.vite.config.ts`,
    build: { outDir: `${folder}/renderer`, emptyOutDir: true },
    logLevel: 'error',
  });
}
