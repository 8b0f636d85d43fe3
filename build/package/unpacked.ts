// Where electron-builder leaves the folder that all forms are made of, and what is where in it.

import path from 'node:path';
import type { PackageTarget } from './target.ts';

/** Gives the folder (`dir`), on macOS the one that holds the bundle. */
export function unpackedFolder(output: string, { platform, processor }: PackageTarget): string {
  const suffix = processor === 'x64' ? '' : `-${processor}`;
  switch (platform) {
    case 'linux':
      return path.join(output, `linux${suffix}-unpacked`);
    case 'win32':
      return path.join(output, `win${suffix}-unpacked`);
    case 'darwin':
      return path.join(output, `mac${suffix}`);
  }
}

export interface UnpackedPlaces {
  /** The application's binary; fuses are in it. */
  readonly executable: string;
  readonly resources: string;
}

export function placesIn(folder: string, { platform }: PackageTarget): UnpackedPlaces {
  switch (platform) {
    case 'linux':
      return {
        executable: path.join(folder, 'servicecenter-syncer'),
        resources: path.join(folder, 'resources'),
      };
    case 'win32':
      return {
        executable: path.join(folder, 'ServiceCenter Syncer.exe'),
        resources: path.join(folder, 'resources'),
      };
    case 'darwin': {
      const contents = path.join(folder, 'ServiceCenter Syncer.app', 'Contents');
      return {
        executable: path.join(contents, 'MacOS', 'ServiceCenter Syncer'),
        resources: path.join(contents, 'Resources'),
      };
    }
  }
}
