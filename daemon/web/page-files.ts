// The built page, read once into memory: what is not in this list does not exist, so that no path,
// however written, leads out of the folder.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { SyncerError } from '../../proto/errors.ts';

export interface PageFile {
  readonly type: string;
  readonly bytes: Buffer;
  /** Its name has a hash of its content: it never changes. */
  readonly immutable: boolean;
}

/** Files by the path of their URL (`/`, `/assets/index-1a2b.js`). */
export type PageFiles = ReadonlyMap<string, PageFile>;

/** Largest page that is taken into memory; a built one has about 1 MiB. */
const largestPageBytes = 64 * 1024 * 1024;

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
};

/**
 * Finds the built page beside the program: `dist/renderer` from the sources and from `dist/daemon`
 * alike, and `renderer` beside the packaged `daemon`. Throws `ui.not-built`.
 */
export function findPage(from: string = import.meta.url): string {
  // From `daemon/web/`, `dist/daemon/` with its chunks, and a package's `resources/daemon/`.
  const places = ['../../dist/renderer/', '../renderer/', '../../renderer/'];
  const candidates = places.map((place) => fileURLToPath(new URL(place, from)));
  const found = candidates.find((directory) => isBuilt(directory));
  if (found !== undefined) return found;
  throw new SyncerError('ui.not-built', { directory: candidates[0] ?? from });
}

/** Reads the page. Throws `ui.not-built`. */
export function readPage(directory: string): PageFiles {
  if (!isBuilt(directory)) throw new SyncerError('ui.not-built', { directory });
  const files = new Map<string, PageFile>();
  let total = 0;
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath, entry.name);
    const type = types[path.extname(entry.name)];
    // Source maps and the like are not part of the page.
    if (type === undefined) continue;
    total += statSync(file).size;
    if (total > largestPageBytes) throw new SyncerError('ui.not-built', { directory });
    const name = `/${path.relative(directory, file).replaceAll(path.sep, '/')}`;
    const immutable = name.startsWith('/assets/');
    files.set(name === '/index.html' ? '/' : name, { type, bytes: readFileSync(file), immutable });
  }
  return files;
}

/** The sources have an `index.html`, too, but it asks for TypeScript. */
function isBuilt(directory: string): boolean {
  try {
    return !readFileSync(path.join(directory, 'index.html'), 'utf8').includes('.ts"');
  } catch {
    return false;
  }
}
