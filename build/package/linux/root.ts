// What the Debian package puts outside of /opt: command, service, its user and settings, completions,
// manual pages, copyright.

import { chmod, cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

/** electron-builder puts the application there (`productName`). */
const application = '/opt/ServiceCenter Syncer';

export interface LinuxRootInput {
  /** The repository. */
  readonly root: string;
  /** Completions and manual pages (shell-files.ts). */
  readonly share: string;
  /** The folder that stands for `/`. */
  readonly destination: string;
}

export async function writeLinuxRoot({ root, share, destination }: LinuxRootInput): Promise<void> {
  const at = async (file: string): Promise<string> => {
    const place = path.join(destination, file);
    await mkdir(path.dirname(place), { recursive: true });
    return place;
  };
  const source = (name: string): string => path.join(root, 'build/package/linux', name);
  await symlink(`${application}/resources/bin/syncer`, await at('usr/bin/syncer'));
  await symlink(`${application}/servicecenter-syncer`, await at('usr/bin/servicecenter-syncer'));
  await cp(source('syncer.service'), await at('usr/lib/systemd/system/syncer.service'));
  await cp(source('sysusers.conf'), await at('usr/lib/sysusers.d/syncer.conf'));
  await cp(source('syncer.yaml'), await at('etc/syncer/syncer.yaml'));
  await cp(share, await at('usr/share'), { recursive: true });

  const documents = 'usr/share/doc/servicecenter-syncer';
  const changes = await readFile(path.join(root, 'CHANGELOG.md'));
  await writeFile(await at(`${documents}/changelog.gz`), gzipSync(changes, { level: 9 }));
  await writeFile(await at(`${documents}/copyright`), copyright);
  await chmod(path.join(destination, 'etc/syncer/syncer.yaml'), 0o640);
}

/** Debian's machine-readable form. */
const copyright = `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: ServiceCenter Syncer

Files: *
Copyright: the authors of ServiceCenter Syncer
License: Apache-2.0
 On Debian systems the text of the licence is in /usr/share/common-licenses/Apache-2.0.
Comment: The licences of Electron and Chromium lie beside the program, those of npm packages in
 resources/daemon/node_modules.
`;
