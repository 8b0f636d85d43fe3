// Bundles the daemon into dist/daemon: the program, its workers beside it, the kit that drivers from
// outside are written with, and the launcher.
// SQLite's addon stays outside because it is native code, etcd3 because it reads files of its own.

import { build } from 'esbuild';
import { copyFile, cp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
/** `dist`, or the folder that the command line names (below this one, where packages are found). */
const outdir = path.resolve(root, process.argv[2] ?? 'dist', 'daemon');

await rm(outdir, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  // The workers are found by the places that their starters look at (worker-pool.ts,
  // worker-client.ts, registry/plugin/), the kit by plugin/provide-kit.ts.
  entryPoints: {
    index: 'daemon/index.ts',
    'gossip/worker/worker': 'daemon/gossip/worker/worker.ts',
    'sqlite-worker': 'daemon/store/sqlite-worker.ts',
    'driver-worker': 'daemon/registry/plugin/driver-worker.ts',
    'describe-worker': 'daemon/registry/plugin/describe-worker.ts',
    'driver-kit/index': 'driver-kit/index.ts',
    'driver-kit/testing': 'driver-kit/testing.ts',
  },
  outdir,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node22',
  sourcemap: true,
  sourcesContent: false,
  splitting: true,
  external: ['better-sqlite3', 'etcd3'],
  // CommonJS packages inside an ES module ask for `require` and where they are.
  banner: {
    js: [
      "import { createRequire as syncerRequire } from 'node:module';",
      "import { fileURLToPath as syncerPath } from 'node:url';",
      'const require = syncerRequire(import.meta.url);',
      'const __filename = syncerPath(import.meta.url);',
      "const __dirname = syncerPath(new URL('.', import.meta.url));",
    ].join(''),
  },
  logLevel: 'warning',
});
await copyFile(`${root}daemon/launch.mjs`, `${outdir}/launch.mjs`);
await cp(`${root}driver-kit/template`, `${outdir}/driver-kit/template`, { recursive: true });

/** What the program reads its version from, wherever the folder is put. */
const { name, version, license } = JSON.parse(await readFile(`${root}package.json`, 'utf8')) as {
  readonly name: string;
  readonly version: string;
  readonly license: string;
};
const facts = { name: `${name}-daemon`, version, license, type: 'module', private: true };
await writeFile(`${outdir}/package.json`, `${JSON.stringify(facts, undefined, 2)}\n`);
