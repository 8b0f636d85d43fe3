// How much a browser loads before it shows the page.

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

/** Gives the size of every file of the built page together, gzip as a web server sends it, kB. */
export function bundleKb(folder: string): number {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.(js|css|html)$/.test(name),
  );
  const bytes = files.map((name) => gzipSync(readFileSync(path.join(folder, name))).length);
  return Math.round(bytes.reduce((sum, size) => sum + size, 0) / 100) / 10;
}
