// The npm packages that the daemon's bundle leaves outside, with all that they need, copied without
// what a running program never opens.

import { cp, mkdir, readdir, readFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { targetName, type PackageTarget } from './target.ts';

/** Needed to compile, never to run: headers of SQLite's addon, types. */
const buildOnly = /^(?:node-addon-api|undici-types|@types\/.*)$/;

/** What a running program never opens. Licences stay. */
const unused = /\.(?:map|md|markdown|ts|mts|cts)$/i;

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/**
 * Copies `names` and what they depend on from `root`/node_modules to `destination` (a node_modules
 * folder), nested as npm nested them. Throws when one is not installed.
 */
export async function copyProductionTree(
  root: string,
  names: readonly string[],
  destination: string,
  target: PackageTarget,
): Promise<void> {
  const folders = new Map<string, string>();
  const visit = async (name: string, from: string): Promise<void> => {
    if (buildOnly.test(name)) return;
    const folder = findPackage(name, from);
    if (folders.has(folder)) return;
    folders.set(folder, name);
    const manifest = JSON.parse(
      await readFile(path.join(folder, 'package.json'), 'utf8'),
    ) as Manifest;
    for (const dependency of Object.keys(manifest.dependencies ?? {})) {
      await visit(dependency, folder);
    }
  };
  for (const name of names) await visit(name, root);
  const modules = path.join(root, 'node_modules');
  for (const [folder, name] of folders) {
    const place = path.join(destination, path.relative(modules, folder));
    await copyPackage(name, folder, place, target);
  }
}

/** As Node looks for it: the nearest node_modules folder upwards that holds it. */
function findPackage(name: string, from: string): string {
  for (let folder = from; ; folder = path.dirname(folder)) {
    const candidate = path.join(folder, 'node_modules', name);
    if (existsSync(path.join(candidate, 'package.json'))) return candidate;
    if (folder === path.dirname(folder)) throw new Error(`${name} is not installed; run npm ci`);
  }
}

async function copyPackage(
  name: string,
  from: string,
  to: string,
  target: PackageTarget,
): Promise<void> {
  const wanted = (file: string): boolean => {
    const relative = path.relative(from, file).replaceAll(path.sep, '/');
    if (relative === '') return true;
    const [top] = relative.split('/');
    // SQLite: its loader and the one addon of this target; C sources and other systems' addons stay.
    if (name === 'better-sqlite3') {
      if (top === 'prebuilds') {
        return relative === top || relative === `prebuilds/${targetName(target)}.node`;
      }
      if (top === 'deps' || top === 'src' || relative === 'binding.gyp') return false;
    }
    // What npm nested is copied by a visit of its own, where it is needed.
    return top !== 'node_modules' && !unused.test(relative);
  };
  await mkdir(path.dirname(to), { recursive: true });
  await cp(from, to, { recursive: true, filter: wanted });
  if (name === 'better-sqlite3' && (await readdir(path.join(to, 'prebuilds'))).length !== 1) {
    throw new Error(`better-sqlite3 brings no addon for ${targetName(target)}`);
  }
}
