// Where a driver from outside is: a file, a folder with a package.json, or an installed npm package.

import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** A driver's module. */
export interface DriverLocation {
  /** As it was asked for. */
  readonly wanted: string;
  readonly url: string;
}

/** Files that are modules; TypeScript runs as it is, without types that make code. */
const modules = /\.(js|mjs|ts|mts)$/;
const packageName = /^(@[a-z0-9][\w.-]*\/)?[a-z0-9][\w.-]*$/;

/** Whether a name can only be a place: it begins like a path, or ends like a module. */
export function isPlace(wanted: string): boolean {
  return /^\.{0,2}[/\\]/.test(wanted) || isAbsolute(wanted) || modules.test(wanted);
}

/** Gives the module of `wanted`, seen from `directory`; throws an error with the remedy. */
export function locateDriver(wanted: string, directory: string): DriverLocation {
  if (isPlace(wanted)) return { wanted, url: fileOf(resolve(directory, wanted), wanted) };
  if (!packageName.test(wanted)) {
    throw new Error(`'${wanted}' is no driver's name, no path (begin it with ./) and no package`);
  }
  for (let at = resolve(directory); ; at = dirname(at)) {
    const folder = join(at, 'node_modules', wanted);
    if (existsSync(join(folder, 'package.json'))) return { wanted, url: fileOf(folder, wanted) };
    if (dirname(at) === at) break;
  }
  throw new Error(
    `there is no package '${wanted}' in the node_modules of ${directory} or above it: ` +
      `npm install ${wanted}, or give the path of a file`,
  );
}

function fileOf(path: string, wanted: string): string {
  if (!existsSync(path)) throw new Error(`'${wanted}': there is no file ${path}`);
  const file = statSync(path).isDirectory() ? join(path, entryOf(path, wanted)) : path;
  if (!existsSync(file)) throw new Error(`'${wanted}': there is no file ${file}`);
  if (!modules.test(file)) {
    throw new Error(`'${wanted}': ${file} is no module (.js, .mjs, .ts or .mts)`);
  }
  if (/\.m?ts$/.test(file) && file.includes('node_modules')) {
    throw new Error(
      `'${wanted}': ${file} is TypeScript, which an installed package cannot be: build it`,
    );
  }
  return pathToFileURL(file).href;
}

/** The module of a package: `exports` for `import`, then `main`. */
function entryOf(folder: string, wanted: string): string {
  const file = join(folder, 'package.json');
  let facts: unknown;
  try {
    facts = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Error(`'${wanted}': ${file} cannot be read: ${String(error)}`, { cause: error });
  }
  if (typeof facts !== 'object' || facts === null)
    throw new Error(`'${wanted}': ${file} is no object`);
  const { exports, main } = facts as { readonly exports?: unknown; readonly main?: unknown };
  const entry = targetOf(exports) ?? (typeof main === 'string' ? main : undefined);
  if (entry === undefined)
    throw new Error(`'${wanted}': ${file} names no module: give it "exports"`);
  return entry;
}

function targetOf(exports: unknown): string | undefined {
  if (typeof exports === 'string') return exports;
  if (typeof exports !== 'object' || exports === null) return undefined;
  const { '.': main, import: imported, default: usual } = exports as Record<string, unknown>;
  return targetOf(main) ?? targetOf(imported) ?? targetOf(usual);
}
