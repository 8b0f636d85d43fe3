// macOS: a disk image for each processor, and a zip. The application lives in the menu bar.

import path from 'node:path';
import type { Configuration } from 'electron-builder';
import type { ConfigurationInput } from '../configuration.ts';
import { macSigning } from '../signing.ts';

export function macConfiguration({
  root,
  environment,
}: ConfigurationInput): Pick<Configuration, 'mac' | 'dmg'> {
  const signing = macSigning(environment);
  return {
    mac: {
      target: ['dmg', 'zip']
        .map((target) => ({ target, arch: ['x64', 'arm64'] as const }))
        .map(({ target, arch }) => ({ target, arch: [...arch] })),
      category: 'public.app-category.developer-tools',
      icon: path.join(root, 'build/icons/generated/icon.icns'),
      // No icon in the Dock: the tray is where it lives.
      extendInfo: { LSUIElement: true },
      hardenedRuntime: true,
      entitlements: path.join(root, 'build/package/mac/entitlements.plist'),
      entitlementsInherit: path.join(root, 'build/package/mac/entitlements.plist'),
      gatekeeperAssess: false,
      forceCodeSigning: signing.wanted,
      notarize: signing.notarize,
      // Without a certificate the bundle is signed ad hoc, which Apple's processors insist on.
      ...(signing.wanted ? {} : { identity: '-' }),
    },
    dmg: {
      contents: [
        { x: 140, y: 200, type: 'file' },
        { x: 400, y: 200, type: 'link', path: '/Applications' },
      ],
      sign: false,
    },
  };
}
