// What a package is made for: a system, a processor, and the forms that the system knows.

import { SyncerError } from '../../proto/errors.ts';

export type Platform = 'linux' | 'darwin' | 'win32';
export type Processor = 'x64' | 'arm64';

export interface PackageTarget {
  readonly platform: Platform;
  readonly processor: Processor;
}

/** The forms of each system, as electron-builder calls them; `dir` is the folder behind all of them. */
export const formsOf: Readonly<Record<Platform, readonly string[]>> = {
  linux: ['dir', 'AppImage', 'deb', 'tar.gz', 'zip'],
  darwin: ['dir', 'dmg', 'zip'],
  win32: ['dir', 'nsis', 'zip'],
};

/** Every target that packages are made for. */
export const targets: readonly PackageTarget[] = (['linux', 'darwin', 'win32'] as const).flatMap(
  (platform) => (['x64', 'arm64'] as const).map((processor) => ({ platform, processor })),
);

/** The target of this machine. Throws `request.wrong-argument` where no packages are made for it. */
export function thisMachine(): PackageTarget {
  const found = targets.find(
    ({ platform, processor }) => platform === process.platform && processor === process.arch,
  );
  if (found !== undefined) return found;
  throw new SyncerError('request.wrong-argument', {
    argument: 'platform',
    value: `${process.platform}-${process.arch}`,
    expected: targets.map(targetName).join(', '),
  });
}

/** `linux-x64`: names of folders, and of SQLite's prebuilt addons. */
export function targetName({ platform, processor }: PackageTarget): string {
  return `${platform}-${processor}`;
}
