// The Node that a package carries for the command line and the headless service: Electron itself
// cannot be one, because the fuses let it run nothing but the application.

import { spawnSync } from 'node:child_process';
import { chmod, copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { isNodeEnough } from '../../daemon/support/runtime.ts';
import { targetName, thisMachine, type PackageTarget } from './target.ts';

/** `node/node`, on Windows `node/node.exe`, below the resources. */
export function nodeBinaryName({ platform }: PackageTarget): string {
  return platform === 'win32' ? 'node.exe' : 'node';
}

/**
 * Copies a Node for `target` into `folder`: the one that SYNCER_NODE_RUNTIME names, or, for this
 * machine's own target, the one that runs this program. Throws when there is none, or it is too old.
 */
export async function copyNodeRuntime(
  folder: string,
  target: PackageTarget,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const named = environment.SYNCER_NODE_RUNTIME ?? '';
  const isOwn = targetName(target) === targetName(thisMachine());
  if (named === '' && !isOwn) {
    throw new Error(
      `a package for ${targetName(target)} carries a Node of that system: ` +
        `name its binary with SYNCER_NODE_RUNTIME`,
    );
  }
  const source = named === '' ? process.execPath : named;
  if (isOwn) {
    const version = spawnSync(source, ['--version'], { encoding: 'utf8' }).stdout.trim();
    if (!isNodeEnough(version)) throw new Error(`${source} (${version}) is too old to be packaged`);
  }
  await mkdir(folder, { recursive: true });
  const copy = path.join(folder, nodeBinaryName(target));
  await copyFile(source, copy);
  await chmod(copy, 0o755);
}
