// Finds the daemon that a command is meant for: the socket or the data directory that was named,
// else the one daemon of this user that runs.

import {
  controlAddress,
  namedControlAddress,
  type ControlAddress,
} from '../../proto/control/address.ts';
import { findHolders } from '../config/data-dir.ts';
import { thisMachine } from '../config/machine.ts';
import { SyncerError } from '../../proto/errors.ts';

export interface DaemonWish {
  readonly socket: string | undefined;
  readonly dataDir: string | undefined;
}

/**
 * Gives where to connect: `--socket`, `--data-dir`, SYNCER_SOCKET, SYNCER_DATA_DIR, in this order;
 * without any, the only running daemon of this user. Throws `control.not-running`, or
 * `request.wrong-argument` when there are several to choose from.
 */
export function locateDaemon(
  wish: DaemonWish,
  environment: Readonly<Record<string, string | undefined>>,
): ControlAddress {
  if (wish.socket !== undefined) return namedControlAddress(wish.socket);
  if (wish.dataDir !== undefined) return controlAddress(wish.dataDir);
  if ((environment.SYNCER_SOCKET ?? '') !== '') {
    return namedControlAddress(environment.SYNCER_SOCKET ?? '');
  }
  if ((environment.SYNCER_DATA_DIR ?? '') !== '') {
    return controlAddress(environment.SYNCER_DATA_DIR ?? '');
  }
  const { stateRoot } = thisMachine(environment);
  const holders = findHolders(stateRoot);
  const [only] = holders;
  if (only === undefined) throw new SyncerError('control.not-running', { address: stateRoot });
  if (holders.length === 1) return controlAddress(only.directory);
  throw new SyncerError('request.wrong-argument', {
    argument: '--data-dir',
    value: '',
    expected: holders.map(({ directory }) => directory).join(', '),
  });
}
