// Linux: AppImage, Debian package, archives.

import path from 'node:path';
import type { Configuration } from 'electron-builder';
import { createTranslator } from '../../../proto/translate.ts';
import type { ConfigurationInput } from '../configuration.ts';

/** Libraries that Chromium loads (`ldd` and `dlopen`), by the names of Debian 12 and Ubuntu 22.04. */
const libraries = [
  'libasound2 | libasound2t64',
  'libatspi2.0-0 | libatspi2.0-0t64',
  'libdrm2',
  'libgbm1',
  'libgtk-3-0 | libgtk-3-0t64',
  'libnotify4',
  'libnss3',
  'libsecret-1-0',
  'libxss1',
  'libxtst6',
  'xdg-utils',
];

export function linuxConfiguration({
  root,
  stage,
  publisher,
  quick,
}: ConfigurationInput): Pick<Configuration, 'linux' | 'deb' | 'appImage'> {
  const scripts = path.join(root, 'build/package/linux');
  return {
    linux: {
      target: ['AppImage', 'deb', 'tar.gz', 'zip'].map((target) => ({
        target,
        arch: ['x64', 'arm64'],
      })),
      executableName: 'servicecenter-syncer',
      icon: path.join(stage, 'icons'),
      category: 'Network',
      maintainer: `${publisher.name} <${publisher.email}>`,
      vendor: publisher.name,
      synopsis: createTranslator('en')('cli.about.syncer').replace(/\.$/, ''),
      description: createTranslator('en')('package.description'),
      syncDesktopName: true,
      desktop: {
        entry: {
          'Name[zh_CN]': 'ServiceCenter Syncer',
          'Comment[zh_CN]': createTranslator('zh-CN')('package.description'),
          Keywords: 'ServiceComb;registry;synchronisation;',
        },
      },
    },
    deb: {
      packageName: 'servicecenter-syncer',
      packageCategory: 'net',
      depends: libraries,
      compression: quick ? 'gz' : 'xz',
      // A tray where the desktop has none by itself.
      recommends: ['libayatana-appindicator3-1'],
      afterInstall: path.join(scripts, 'after-install.sh'),
      afterRemove: path.join(scripts, 'after-remove.sh'),
      appArmorProfile: path.join(scripts, 'apparmor-profile'),
      fpm: [
        '--before-remove',
        path.join(scripts, 'before-remove.sh'),
        '--config-files',
        '/etc/syncer/syncer.yaml',
        `${path.join(stage, 'linux-root')}/=/`,
      ],
    },
    appImage: { license: path.join(root, 'LICENSE') },
  };
}
