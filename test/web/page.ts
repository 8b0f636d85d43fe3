// The built page, which the daemon serves; built once for the tests where it is not there yet.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const root = new URL('../..', import.meta.url).pathname;

/** Builds the page unless it is built already. */
export function ensurePage(): void {
  if (existsSync(`${root}dist/renderer/index.html`)) return;
  const manifest = createRequire(import.meta.url).resolve('vite/package.json');
  const vite = path.join(path.dirname(manifest), 'bin', 'vite.js');
  execFileSync(process.execPath, [vite, 'build', '-c', 'build/renderer.vite.config.ts'], {
    cwd: root,
    stdio: 'pipe',
  });
}
