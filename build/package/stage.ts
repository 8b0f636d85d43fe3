// Puts everything that goes into a package into one folder, so that what electron-builder is given
// can be looked at: `app` becomes the archive of the shell, `resources` stands beside it.

import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { copyNodeRuntime } from './node-runtime.ts';
import { copyProductionTree } from './production-tree.ts';
import { writeCommandLine } from './command-line.ts';
import type { PackageTarget } from './target.ts';

/** What the daemon's bundle leaves outside (build/daemon.ts). */
const outsideOfBundle = ['better-sqlite3', 'etcd3'] as const;

export interface StageInput {
  /** The repository. */
  readonly root: string;
  /** `dist`: bundles of daemon, main and renderer (npm run build). */
  readonly bundles: string;
  /** Emptied first. */
  readonly stage: string;
  readonly target: PackageTarget;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Fills the stage. Throws when the bundles are not built. */
export async function fillStage(input: StageInput): Promise<void> {
  const { root, bundles, stage, target, environment } = input;
  await rm(stage, { recursive: true, force: true });
  const app = path.join(stage, 'app');
  const resources = path.join(stage, 'resources');
  await mkdir(resources, { recursive: true });

  await copyBundle(path.join(bundles, 'main'), path.join(app, 'main'));
  await copyBundle(path.join(bundles, 'renderer'), path.join(app, 'renderer'));
  await writeApplicationFacts(root, app);

  await copyBundle(path.join(bundles, 'daemon'), path.join(resources, 'daemon'));
  // The daemon serves the page to browsers from a copy of its own: it cannot read the archive.
  await copyBundle(path.join(bundles, 'renderer'), path.join(resources, 'renderer'));
  const modules = path.join(resources, 'daemon', 'node_modules');
  await copyProductionTree(root, outsideOfBundle, modules, target);
  await copyNodeRuntime(path.join(resources, 'node'), target, environment);
  await writeCommandLine(resources, target);
  await cp(path.join(root, 'LICENSE'), path.join(resources, 'LICENSE'));
}

/** Without source maps: they double the size, and a bundle is readable as it is. */
async function copyBundle(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true, filter: (file) => !file.endsWith('.map') });
}

/** Electron takes name, version and the script to run from the archive's package.json. */
async function writeApplicationFacts(root: string, app: string): Promise<void> {
  const bundled = JSON.parse(
    await readFile(path.join(app, 'main', 'package.json'), 'utf8'),
  ) as Readonly<Record<string, unknown>>;
  const { description } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as {
    readonly description: string;
  };
  const facts = { ...bundled, description, main: 'main/index.cjs' };
  await writeFile(path.join(app, 'package.json'), `${JSON.stringify(facts, undefined, 2)}\n`);
}
