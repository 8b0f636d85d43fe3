// Where the daemons of a user keep their state: each in a folder of its own below this one.

import path from 'node:path';

/** XDG's state directory, `Application Support`, or `%LOCALAPPDATA%`. */
export function stateRoot(
  platform: NodeJS.Platform,
  home: string,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  switch (platform) {
    case 'darwin':
      return path.posix.join(home, 'Library', 'Application Support', 'syncer');
    case 'win32':
      return path.win32.join(
        environment.LOCALAPPDATA ?? path.win32.join(home, 'AppData', 'Local'),
        'syncer',
      );
    default: {
      const wish = environment.XDG_STATE_HOME;
      // The XDG specification: a relative path is to be ignored.
      const base = wish?.startsWith('/') === true ? wish : path.posix.join(home, '.local', 'state');
      return path.posix.join(base, 'syncer');
    }
  }
}
