// Where daemons of this user are to be found, and where one that we start keeps its things.

import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  controlAddress,
  namedControlAddress,
  type ControlAddress,
} from '../../proto/control/address.ts';

export interface DaemonPlaces {
  /** Of a daemon that we start. */
  readonly dataDirectory: string;
  /** Its configuration file; the settings page writes it through the daemon. */
  readonly configFile: string;
  readonly address: ControlAddress;
  /** Where one may run already, in the order in which we look. */
  candidates(): readonly ControlAddress[];
}

/**
 * Gives the places below `stateRoot` (proto/control/state-root.ts). SYNCER_SOCKET names the one
 * daemon to attach to (a service's, say), and then no other is looked for.
 */
export function daemonPlaces(
  stateRoot: string,
  profile: string,
  environment: Readonly<Record<string, string | undefined>>,
): DaemonPlaces {
  const dataDirectory = path.join(stateRoot, 'desktop');
  const named = environment.SYNCER_SOCKET ?? '';
  const own = named === '' ? controlAddress(dataDirectory) : namedControlAddress(named);
  return {
    dataDirectory,
    configFile: path.join(profile, 'syncer.yaml'),
    address: own,
    candidates: () => (named === '' ? [own, ...others(stateRoot, dataDirectory)] : [own]),
  };
}

/** Makes the configuration file where there is none, so that the settings page has one to change. */
export function ensureConfigFile(file: string): void {
  try {
    writeFileSync(
      file,
      '# Configuration of the daemon; `syncer config show` explains the keys.\n',
      {
        flag: 'wx',
        mode: 0o600,
      },
    );
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}

/** Data directories of daemons that were started by hand. */
function others(stateRoot: string, own: string): readonly ControlAddress[] {
  let names: readonly string[];
  try {
    names = readdirSync(stateRoot);
  } catch {
    // No daemon of this user has ever run.
    return [];
  }
  return names
    .map((name) => path.join(stateRoot, name))
    .filter((directory) => directory !== own && existsSync(path.join(directory, 'holder.json')))
    .map((directory) => controlAddress(directory));
}
