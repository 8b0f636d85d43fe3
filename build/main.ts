// Bundles the desktop shell into dist/main: the main process and the preload script as CommonJS
// (Electron must find both loaded before it is ready, and a sandboxed preload script can be nothing
// else), and beside them the icons.

import { build, type BuildOptions } from 'esbuild';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
/** `dist`, or the folder that the command line names (below this one, where packages are found). */
const outdir = path.resolve(root, process.argv[2] ?? 'dist', 'main');

await rm(outdir, { recursive: true, force: true });
const common: BuildOptions = {
  absWorkingDir: root,
  outdir,
  bundle: true,
  platform: 'node',
  target: 'node24',
  sourcemap: true,
  sourcesContent: false,
  external: ['electron'],
  logLevel: 'warning',
};
await build({
  ...common,
  entryPoints: { index: 'main/index.ts', preload: 'main/preload.ts' },
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
});
await build({
  ...common,
  entryPoints: { 'follow-parent': 'main/daemon/follow-parent.ts' },
  format: 'esm',
  outExtension: { '.js': '.mjs' },
});
await mkdir(`${outdir}/tray`, { recursive: true });
await cp(`${root}build/icons/generated/tray`, `${outdir}/tray`, { recursive: true });
await cp(`${root}build/icons/generated/icon-256.png`, `${outdir}/icon.png`);

/** Electron reads the application's name and version from the nearest package.json. */
const { version, license } = JSON.parse(await readFile(`${root}package.json`, 'utf8')) as {
  readonly version: string;
  readonly license: string;
};
const facts = {
  name: 'servicecenter-syncer',
  productName: 'ServiceCenter Syncer',
  version,
  license,
  main: 'index.cjs',
  private: true,
};
await writeFile(`${outdir}/package.json`, `${JSON.stringify(facts, undefined, 2)}\n`);
