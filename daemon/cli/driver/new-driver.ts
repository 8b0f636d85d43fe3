// Writes the template of a driver into a new folder.

import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SyncerError } from '../../../proto/errors.ts';

const template = fileURLToPath(
  new URL(
    import.meta.url.endsWith('.ts') ? '../../../driver-kit/template' : './driver-kit/template',
    import.meta.url,
  ),
);

/** Writes the project; gives its files. Throws a `SyncerError` for a folder that has something in it. */
export function writeTemplate(folder: string): readonly string[] {
  const root = resolve(folder);
  if (existsSync(root) && readdirSync(root).length > 0) {
    const expected = 'an empty or a new folder';
    throw new SyncerError('request.wrong-argument', { argument: 'DIR', value: folder, expected });
  }
  cpSync(template, root, { recursive: true });
  const name =
    basename(root)
      .toLowerCase()
      .replaceAll(/[^a-z0-9-]+/g, '-') || 'my-driver';
  const file = join(root, 'package.json');
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll('my-registry-driver', name));
  return readdirSync(root);
}
