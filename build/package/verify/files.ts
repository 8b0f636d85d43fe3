// What is in a package, and what is not.

import { listPackage } from '@electron/asar';
import { constants } from 'node:fs';
import { access, readdir } from 'node:fs/promises';
import path from 'node:path';
import { nodeBinaryName } from '../node-runtime.ts';
import { targetName, type PackageTarget } from '../target.ts';

const archived = [
  '/package.json',
  '/main/index.cjs',
  '/main/preload.cjs',
  '/main/icon.png',
  '/main/tray/in-sync-template.png',
  '/renderer/index.html',
];

/** Throws with every file that is missing or too many. */
export async function checkFiles(
  executable: string,
  resources: string,
  target: PackageTarget,
): Promise<void> {
  const files = await readdir(resources, { recursive: true });
  const present = new Set(files.map((file) => file.replaceAll(path.sep, '/')));
  const problems = wantedFiles(target)
    .filter((file) => !present.has(file))
    .map((file) => `${file} is missing`);

  // Native code outside of the archive, and that of this target alone.
  const addon = `daemon/node_modules/better-sqlite3/prebuilds/${targetName(target)}.node`;
  for (const file of present) {
    if (file.endsWith('.node') && file !== addon) problems.push(`${file} is for another system`);
    // The kit for drivers of one's own holds a template in TypeScript.
    const isSource = file.endsWith('.ts') && !file.startsWith('daemon/driver-kit/');
    if (isSource || file.endsWith('.map')) problems.push(`${file} is of no use in a package`);
  }
  problems.push(...archiveProblems(path.join(resources, 'app.asar')));
  for (const file of [executable, ...startedFiles(resources, target)]) {
    await access(file, constants.X_OK).catch(() => problems.push(`${file} cannot be executed`));
  }
  if (problems.length > 0) throw new Error(problems.join('; '));
}

function wantedFiles(target: PackageTarget): readonly string[] {
  const unix = [
    'bin/syncer',
    'share/bash-completion/completions/syncer',
    'share/zsh/vendor-completions/_syncer',
    'share/fish/vendor_completions.d/syncer.fish',
    'share/man/man1/syncer.1.gz',
    'share/man/zh_CN/man1/syncer.1.gz',
  ];
  return [
    'app.asar',
    'LICENSE',
    'daemon/package.json',
    'daemon/index.js',
    'daemon/sqlite-worker.js',
    'daemon/driver-worker.js',
    'daemon/describe-worker.js',
    'daemon/driver-kit/index.js',
    'daemon/gossip/worker/worker.js',
    'daemon/node_modules/better-sqlite3/package.json',
    'daemon/node_modules/better-sqlite3/LICENSE',
    `daemon/node_modules/better-sqlite3/prebuilds/${targetName(target)}.node`,
    'daemon/node_modules/etcd3/package.json',
    'renderer/index.html',
    `node/${nodeBinaryName(target)}`,
    ...(target.platform === 'win32' ? ['bin/syncer.cmd'] : unix),
  ];
}

function archiveProblems(archive: string): readonly string[] {
  const files = listPackage(archive, { isPack: false }).map((file) => file.replaceAll('\\', '/'));
  const missing = archived.filter((file) => !files.includes(file));
  const stray = files.filter((file) => /\/node_modules\/|\.(?:map|ts|node)$/.test(file));
  return [
    ...missing.map((file) => `${file} is missing in the archive`),
    ...stray.map((file) => `${file} is of no use in the archive`),
  ];
}

function startedFiles(resources: string, target: PackageTarget): readonly string[] {
  if (target.platform === 'win32') return [];
  return [path.join(resources, 'bin/syncer'), path.join(resources, 'node', nodeBinaryName(target))];
}
