// The daemon's process as the desktop shell supervises it. In a browser there is none to be seen.

import type { DaemonProcess, DesktopClient } from '../../proto/ipc/contract.ts';

class ProcessState {
  /** Undefined in a browser, and until the shell has said it. */
  process = $state.raw<DaemonProcess | undefined>();

  follow(desktop: DesktopClient): void {
    desktop.watchProcess(
      {},
      (process) => (this.process = process),
      () => (this.process = undefined),
    );
  }
}

export const processState = new ProcessState();
