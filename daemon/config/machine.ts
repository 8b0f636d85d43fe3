// The edge: what this machine says of itself, and the files that a configuration names.

import { openSync, closeSync, fstatSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Machine } from './load.ts';

/** Gives the host name and the place for state by the platform's custom. */
export function thisMachine(environment: Readonly<Record<string, string | undefined>>): Machine {
  return {
    hostname: os.hostname(),
    stateRoot: stateRoot(process.platform, os.homedir(), environment),
  };
}

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

const maxFileBytes = 4 * 1024 * 1024;

/** Reads a configuration file of at most 4 MiB; throws with a reason for people. */
export function readConfigText(file: string): string {
  const handle = openSync(file, 'r');
  try {
    const facts = fstatSync(handle);
    if (facts.isDirectory()) throw new Error('it is a directory');
    if (facts.size > maxFileBytes) throw new Error('it is larger than 4 MiB');
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(handle));
  } finally {
    closeSync(handle);
  }
}
