// Windows: an assisted installer for one user or the machine, and a zip.

import path from 'node:path';
import type { Configuration } from 'electron-builder';
import type { ConfigurationInput } from '../configuration.ts';
import { windowsSigning } from '../signing.ts';

export function windowsConfiguration({
  root,
  stage,
  environment,
}: ConfigurationInput): Pick<Configuration, 'win' | 'nsis'> {
  const signing = windowsSigning(environment);
  return {
    win: {
      target: ['nsis', 'zip'].map((target) => ({ target, arch: ['x64', 'arm64'] })),
      icon: path.join(root, 'build/icons/generated/icon.ico'),
      // The installer asks for rights where they are needed; the application never does.
      requestedExecutionLevel: 'asInvoker',
      forceCodeSigning: signing.wanted,
    },
    nsis: {
      oneClick: false,
      perMachine: false,
      selectPerMachineByDefault: false,
      allowElevation: true,
      allowToChangeInstallationDirectory: true,
      multiLanguageInstaller: true,
      installerLanguages: ['en_US', 'zh_CN'],
      license: path.join(root, 'LICENSE'),
      // Asked for by windows/installer.nsh, which also knows where the daemon keeps its own.
      deleteAppDataOnUninstall: false,
      include: path.join(stage, 'installer.nsh'),
      // Updates are whole installers.
      differentialPackage: false,
      buildUniversalInstaller: false,
    },
  };
}
