// Where the parts of the program lie: beside each other in dist/, and in a package the daemon outside
// the archive, because it runs as a process of its own.

import path from 'node:path';

export interface Layout {
  readonly page: string;
  readonly preload: string;
  readonly trayIcons: string;
  readonly windowIcon: string;
  readonly daemonEntry: string;
  /** Loaded into a daemon that plain Node runs (daemon/follow-parent.mjs). */
  readonly followParent: string;
}

/** Gives the layout; `folder` is that of the built main script (dist/main). */
export function layoutOf(folder: string, packaged: boolean, resources: string): Layout {
  return {
    page: path.join(folder, '..', 'renderer'),
    preload: path.join(folder, 'preload.cjs'),
    trayIcons: path.join(folder, 'tray'),
    windowIcon: path.join(folder, 'icon.png'),
    daemonEntry: packaged
      ? path.join(resources, 'daemon', 'index.js')
      : path.join(folder, '..', 'daemon', 'index.js'),
    followParent: path.join(folder, 'follow-parent.mjs'),
  };
}
