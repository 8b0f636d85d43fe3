// One run of electron-builder: the stage is filled, the tools that it would fetch from elsewhere are
// named, and what it made is given back.

import { chmod, cp, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { path7za } from '7zip-bin';
import { Arch, build, Platform } from 'electron-builder';
import { packageConfiguration } from './configuration.ts';
import { writeLinuxRoot } from './linux/root.ts';
import { publisherFrom } from './publisher.ts';
import { writeShellFiles } from './shell-files.ts';
import { fillStage } from './stage.ts';
import { targetName, type PackageTarget } from './target.ts';
import { writeInstallerPart } from './windows/installer.ts';

export interface MakeInput {
  readonly root: string;
  readonly bundles: string;
  readonly output: string;
  readonly target: PackageTarget;
  readonly forms: readonly string[];
  /** An unpacked Electron; without, electron-builder downloads the version of the npm package. */
  readonly electronFolder: string | undefined;
  /** Hardly compressed. */
  readonly quick: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const platforms = { linux: Platform.LINUX, darwin: Platform.MAC, win32: Platform.WINDOWS } as const;
const processors = { x64: Arch.x64, arm64: Arch.arm64 } as const;

/** Gives the files that were made; the folder behind them lies beside (unpacked.ts). */
export async function makePackages(input: MakeInput): Promise<readonly string[]> {
  const { root, bundles, output, target, forms, electronFolder, quick, environment } = input;
  const stage = path.join(output, 'stage', targetName(target));
  await fillStage({ root, bundles, stage, target, environment });
  await fillSystemParts(root, stage, target);
  if (target.platform === 'linux') await nameTools(root, stage);
  return build({
    projectDir: root,
    publish: 'never',
    targets: platforms[target.platform].createTarget([...forms], processors[target.processor]),
    config: packageConfiguration({
      root,
      stage,
      output,
      electron: { version: await electronVersion(electronFolder), folder: electronFolder },
      publisher: publisherFrom(environment),
      quick,
      environment,
    }),
  });
}

/** What only one system's packages have. */
async function fillSystemParts(root: string, stage: string, target: PackageTarget): Promise<void> {
  const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as {
    readonly version: string;
  };
  await writeInstallerPart(path.join(stage, 'installer.nsh'));
  await copyIcons(path.join(root, 'build/icons'), path.join(stage, 'icons'));
  if (target.platform === 'win32') return;
  const share = path.join(stage, 'resources/share');
  await writeShellFiles(share, version);
  if (target.platform !== 'linux') return;
  await writeLinuxRoot({ root, share, destination: path.join(stage, 'linux-root') });
}

/** The sizes of a hicolor theme, by the names that electron-builder reads sizes from. */
async function copyIcons(icons: string, destination: string): Promise<void> {
  await mkdir(destination, { recursive: true });
  for (const file of await readdir(path.join(icons, 'generated'))) {
    const size = /^icon-(\d+)\.png$/.exec(file)?.[1];
    if (size === undefined) continue;
    await cp(path.join(icons, 'generated', file), path.join(destination, `${size}x${size}.png`));
  }
}

/** electron-builder asks for its tools by environment variables; one that is set already stays. */
async function nameTools(root: string, stage: string): Promise<void> {
  if (process.env.ELECTRON_BUILDER_7ZIP_PATH === undefined) {
    await chmod(path7za, 0o755);
    process.env.ELECTRON_BUILDER_7ZIP_PATH = path7za;
  }
  if (process.env.CUSTOM_FPM_PATH === undefined && existsSync('/usr/bin/dpkg-deb')) {
    const program = path.join(root, 'build/package/linux/fpm.ts');
    const starter = path.join(stage, 'fpm');
    await writeFile(starter, `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`);
    await chmod(starter, 0o755);
    process.env.CUSTOM_FPM_PATH = starter;
  }
}

/** That of the folder, or of the installed npm package. */
async function electronVersion(folder: string | undefined): Promise<string> {
  if (folder !== undefined && folder !== '') {
    return (await readFile(path.join(folder, 'version'), 'utf8')).trim().replace(/^v/, '');
  }
  const manifest = createRequire(import.meta.url).resolve('electron/package.json');
  return (JSON.parse(await readFile(manifest, 'utf8')) as { readonly version: string }).version;
}
