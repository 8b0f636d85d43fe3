// Why an address could not be listened on, as an error of the table: the person has to choose another
// one, or to end what holds it; starting again by itself would not help.

import { SyncerError } from '../../proto/errors.ts';

/**
 * Gives `listen.in-use`, `listen.not-ours` or `listen.permission` for what the system said, and any
 * other error as it is. `key` is what the address was given by (`--bind-addr`).
 */
export function listenError(error: Error, address: string, key: string): Error {
  const parameters = { address, key };
  switch (systemCode(error)) {
    case 'EADDRINUSE':
      return new SyncerError('listen.in-use', parameters, error);
    case 'EADDRNOTAVAIL':
      return new SyncerError('listen.not-ours', parameters, error);
    case 'EACCES':
      return new SyncerError('listen.permission', parameters, error);
    default:
      return error;
  }
}

/** The system's code; grpc-js has it in its message alone. */
function systemCode(error: Error): string | undefined {
  const { code } = error as NodeJS.ErrnoException;
  return code ?? /\b(EADDRINUSE|EADDRNOTAVAIL|EACCES)\b/.exec(error.message)?.[1];
}
