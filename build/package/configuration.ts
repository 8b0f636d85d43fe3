// What electron-builder is told. One configuration for all targets: it validates the whole of it at
// every call, whatever is built.

import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Configuration } from 'electron-builder';
import { fuses } from './fuses.ts';
import { linuxConfiguration } from './linux/configuration.ts';
import { macConfiguration } from './mac/configuration.ts';
import type { Publisher } from './publisher.ts';
import { windowsConfiguration } from './windows/configuration.ts';

export interface ConfigurationInput {
  readonly root: string;
  /** Filled by stage.ts; further files of it are made by the systems' own parts. */
  readonly stage: string;
  /** Where packages are put. */
  readonly output: string;
  readonly electron: {
    readonly version: string;
    /** A folder with an unpacked Electron, or with its zip; downloaded by electron-builder without. */
    readonly folder: string | undefined;
  };
  readonly publisher: Publisher;
  /** Larger files in a tenth of the time, for whoever only looks at them. */
  readonly quick: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export function packageConfiguration(input: ConfigurationInput): Configuration {
  const { root, stage, output, electron, publisher, quick } = input;
  return {
    appId: 'io.servicecenter.syncer',
    productName: 'ServiceCenter Syncer',
    copyright: 'Licensed under Apache-2.0',
    directories: {
      app: path.join(stage, 'app'),
      output,
      buildResources: path.join(root, 'build/icons/generated'),
    },
    extraMetadata: {
      // By this name a Linux desktop finds the entry that a window belongs to.
      desktopName: 'servicecenter-syncer.desktop',
      homepage: publisher.homepage,
      author: { name: publisher.name, email: publisher.email },
    },
    electronVersion: electron.version,
    ...(electron.folder === undefined ? {} : { electronDist: electron.folder }),
    electronFuses: fuses,
    // Chromium's own texts; ours are in the catalogues.
    electronLanguages: ['en-US', 'zh-CN'],
    // Everything native lies in the stage, built for its target already.
    npmRebuild: false,
    compression: quick ? 'store' : 'normal',
    asar: true,
    disableDefaultIgnoredFiles: true,
    // The archive needs no package from npm: its bundles hold what they use.
    files: ['**/*', '!node_modules', '!node_modules/**'],
    extraResources: [{ from: path.join(stage, 'resources'), to: '.', filter: ['**/*'] }],
    afterExtract: removeDefaultApplication,
    // Nothing is uploaded from here, and nothing asks for updates.
    publish: null,
    artifactName: 'servicecenter-syncer-${version}-${os}-${arch}.${ext}',
    ...linuxConfiguration(input),
    ...macConfiguration(input),
    ...windowsConfiguration(input),
  };
}

/** Electron's own demonstration, which a folder of Electron still holds; a download's is removed. */
async function removeDefaultApplication({
  appOutDir,
}: {
  readonly appOutDir: string;
}): Promise<void> {
  for (const name of await readdir(appOutDir, { recursive: true })) {
    if (path.basename(name) === 'default_app.asar') await rm(path.join(appOutDir, name));
  }
}
