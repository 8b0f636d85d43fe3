// The page's other side: the desktop shell where the preload script left its bridge, else the web
// server that the page came from. Both offer the same contract (proto/ipc/contract.ts).

import type { DaemonClient, DesktopClient } from '../../proto/ipc/contract.ts';
import { createWebClient } from './web-client.ts';

export interface Host {
  readonly daemon: DaemonClient;
  /** Only in the desktop shell. */
  readonly desktop: DesktopClient | undefined;
}

declare global {
  interface Window {
    /** Set by `main/preload.ts`. */
    readonly syncerHost?: Host;
  }
}

/** Gives the host of this page. */
export function findHost(): Host {
  return window.syncerHost ?? { daemon: createWebClient(), desktop: undefined };
}
