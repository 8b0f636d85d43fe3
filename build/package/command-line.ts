// `bin/syncer` of a package: the command line on the package's own Node.

import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { PackageTarget } from './target.ts';

/** Found through links, so that /usr/bin/syncer can be one. */
const shell = `#!/bin/sh
# The command line of ServiceCenter Syncer, on the Node that its package brings.
resources=$(dirname -- "$(dirname -- "$(readlink -f -- "$0")")")
exec "$resources/node/node" "$resources/daemon/index.js" "$@"
`;

const batch = `@rem The command line of ServiceCenter Syncer, on the Node that its package brings.\r
@"%~dp0..\\node\\node.exe" "%~dp0..\\daemon\\index.js" %*\r
`;

/** Writes the starter below `resources`. */
export async function writeCommandLine(resources: string, target: PackageTarget): Promise<void> {
  const folder = path.join(resources, 'bin');
  await mkdir(folder, { recursive: true });
  if (target.platform === 'win32') {
    await writeFile(path.join(folder, 'syncer.cmd'), batch);
    return;
  }
  const file = path.join(folder, 'syncer');
  await writeFile(file, shell);
  await chmod(file, 0o755);
}
