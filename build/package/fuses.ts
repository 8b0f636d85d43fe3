// Electron's fuses: switches inside the binary that nothing can change after signing. One list, which
// the configuration sets and the check reads back.

import type { Configuration } from 'electron-builder';

export const fuses = {
  // Otherwise ELECTRON_RUN_AS_NODE makes the signed application run any script.
  runAsNode: false,
  enableNodeOptionsEnvironmentVariable: false,
  enableNodeCliInspectArguments: false,
  enableCookieEncryption: true,
  // Windows and macOS; Electron does not check on Linux.
  enableEmbeddedAsarIntegrityValidation: true,
  onlyLoadAppFromAsar: true,
  loadBrowserProcessSpecificV8Snapshot: false,
  grantFileProtocolExtraPrivileges: false,
} as const satisfies Configuration['electronFuses'];
