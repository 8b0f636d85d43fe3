// Builds the driver kit for publishing: JavaScript bundled from the daemon's own sources, and their
// declarations. Afterwards `npm pack ./driver-kit` gives the package.

import { execFileSync } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const outdir = `${root}driver-kit/dist`;

await rm(outdir, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: { index: 'driver-kit/index.ts', testing: 'driver-kit/testing.ts' },
  outdir,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node22',
  splitting: true,
  logLevel: 'warning',
});
execFileSync(
  process.execPath,
  [
    `${root}node_modules/typescript/bin/tsc`,
    ...['--project', `${root}build/driver-kit.tsconfig.json`],
    ...['--outDir', outdir],
  ],
  { stdio: 'inherit' },
);
// Declarations name the sources that they came from: the package holds their declarations instead.
for (const file of await readdir(outdir, { recursive: true })) {
  if (!file.endsWith('.d.ts')) continue;
  const text = await readFile(join(outdir, file), 'utf8');
  await writeFile(join(outdir, file), text.replaceAll(/(from '[^']+)\.ts'/g, "$1.js'"));
}
