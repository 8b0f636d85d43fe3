// The page's other side: the desktop shell where the preload script left its bridge, else the web
// server that the page came from. Both offer the same contract (proto/ipc/contract.ts).

import {
  daemonContract,
  desktopContract,
  type DaemonClient,
  type DesktopClient,
} from '../../proto/ipc/contract.ts';
import { bridgeClient, type HostBridge } from '../../proto/ipc/bridge.ts';
import { createWebClient } from './web-client.ts';

export interface Host {
  readonly daemon: DaemonClient;
  /** Only in the desktop shell. */
  readonly desktop: DesktopClient | undefined;
}

declare global {
  interface Window {
    /** Set by `main/preload.ts`. */
    readonly syncerHost?: HostBridge;
  }
}

/** Gives the host of this page. */
export function findHost(): Host {
  const bridge = window.syncerHost;
  if (bridge === undefined) return { daemon: createWebClient(), desktop: undefined };
  return {
    daemon: bridgeClient('daemon', daemonContract, bridge),
    desktop: bridgeClient('desktop', desktopContract, bridge),
  };
}
