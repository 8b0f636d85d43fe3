// Bundles the daemon into dist/: one file for the program, one for the gossip worker. Packages with
// native code or with data files of their own stay outside and are taken from node_modules.

import { build } from 'esbuild';
import { rm } from 'node:fs/promises';

const root = new URL('..', import.meta.url).pathname;
const outdir = `${root}dist/daemon`;

await rm(outdir, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: { index: 'daemon/index.ts', 'gossip/worker/worker': 'daemon/gossip/worker/worker.ts' },
  outdir,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node22',
  sourcemap: true,
  splitting: true,
  external: ['better-sqlite3', 'pino', 'pino-pretty'],
  // CommonJS packages inside an ES module ask for `require`.
  banner: {
    js: "import { createRequire as syncerRequire } from 'node:module'; const require = syncerRequire(import.meta.url);",
  },
  logLevel: 'warning',
});
