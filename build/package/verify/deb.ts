// The check of a Debian package: it is unpacked into an empty folder that stands for `/`, and looked at
// with the tools that would read its files on a real system, as far as they are installed.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { lstat, mkdir, readFile, readlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const commandTimeoutMs = 300_000;

/** What lies outside of the application's own folder. */
const wanted = [
  'etc/syncer/syncer.yaml',
  'usr/lib/systemd/system/syncer.service',
  'usr/lib/sysusers.d/syncer.conf',
  'usr/share/applications/servicecenter-syncer.desktop',
  'usr/share/bash-completion/completions/syncer',
  'usr/share/zsh/vendor-completions/_syncer',
  'usr/share/fish/vendor_completions.d/syncer.fish',
  'usr/share/man/man1/syncer.1.gz',
  'usr/share/man/zh_CN/man1/syncer.1.gz',
  'usr/share/doc/servicecenter-syncer/copyright',
  'usr/share/doc/servicecenter-syncer/changelog.gz',
  ...[16, 32, 48, 256, 512].map(
    (size) => `usr/share/icons/hicolor/${size}x${size}/apps/servicecenter-syncer.png`,
  ),
  'opt/ServiceCenter Syncer/chrome-sandbox',
  'opt/ServiceCenter Syncer/resources/apparmor-profile',
];

/** Where the application lies in an unpacked Debian package. */
export const debApplication = 'opt/ServiceCenter Syncer';

/** Unpacks `file` into `root` (a new folder) and its control files into `root`/DEBIAN. */
export async function unpackDeb(file: string, root: string): Promise<void> {
  await mkdir(root);
  await run('dpkg-deb', ['-R', file, root], { timeout: commandTimeoutMs });
}

/** Throws with everything that is wrong; gives what could not be looked at, with the reason. */
export async function checkDeb(root: string, version: string): Promise<readonly string[]> {
  const problems = wanted
    .filter((file) => !existsSync(path.join(root, file)))
    .map((file) => `${file} is missing`);
  for (const [link, place] of [
    ['usr/bin/syncer', 'resources/bin/syncer'],
    ['usr/bin/servicecenter-syncer', 'servicecenter-syncer'],
  ] as const) {
    const target = await readlink(path.join(root, link)).catch(() => '');
    if (target !== `/${debApplication}/${place}`) problems.push(`${link} leads to '${target}'`);
    if (!existsSync(path.join(root, debApplication, place))) problems.push(`${place} is missing`);
  }
  const control = await readFile(path.join(root, 'DEBIAN/control'), 'utf8');
  if (!control.includes(`\nVersion: ${version}\n`)) problems.push('control has another version');
  const settings = await readFile(path.join(root, 'DEBIAN/conffiles'), 'utf8');
  if (settings.trim() !== '/etc/syncer/syncer.yaml') problems.push(`conffiles: ${settings.trim()}`);
  for (const script of ['postinst', 'prerm', 'postrm']) {
    const { mode } = await lstat(path.join(root, 'DEBIAN', script));
    if ((mode & 0o111) === 0) problems.push(`${script} cannot be executed`);
    const text = await readFile(path.join(root, 'DEBIAN', script), 'utf8');
    if (text.includes('${')) problems.push(`${script} has a name that was not put in`);
  }
  if (problems.length > 0) throw new Error(problems.join('; '));
  return checkWithTools(root);
}

async function checkWithTools(root: string): Promise<readonly string[]> {
  const service = await serviceFromHere(root);
  const tools: readonly (readonly [command: string, ...args: readonly string[]])[] = [
    [
      'desktop-file-validate',
      path.join(root, 'usr/share/applications/servicecenter-syncer.desktop'),
    ],
    ['systemd-analyze', '--man=no', 'verify', service],
  ];
  const skipped: string[] = [];
  for (const [command, ...args] of tools) {
    try {
      const { stdout, stderr } = await run(command, args, { timeout: commandTimeoutMs });
      // Both tell of lesser mistakes and end well.
      const told = `${stdout}${stderr}`.trim();
      if (told !== '') throw new Error(`${command}: ${told}`);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
      skipped.push(`${command} is not installed`);
    }
  }
  return skipped;
}

/** The service with the command where it is now: systemd refuses one that is not there. */
async function serviceFromHere(root: string): Promise<string> {
  const unit = await readFile(path.join(root, 'usr/lib/systemd/system/syncer.service'), 'utf8');
  const command = `"${path.join(root, debApplication, 'resources/bin/syncer')}"`;
  const changed = unit.replace('/usr/bin/syncer', () => command);
  if (changed === unit) throw new Error('the service does not start /usr/bin/syncer');
  const file = path.join(root, 'syncer.service');
  await writeFile(file, changed);
  return file;
}
