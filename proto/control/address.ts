// Where the control API of a data directory is found: the daemon and its clients work it out alike.

import { hash } from 'node:crypto';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/** Where the control API listens. */
export type ControlAddress =
  | {
      readonly kind: 'socket';
      readonly path: string;
      /** Made with mode 0700. */
      readonly directory: string;
    }
  | { readonly kind: 'pipe'; readonly path: string };

/**
 * Longest path of a Unix socket that every system takes: `sun_path` has 104 bytes on macOS and the
 * BSDs (108 on Linux), one of them for the end.
 */
const longestSocketPath = 103;

/**
 * Gives the address for a data directory: `<directory>/control/control.sock`, or, where that is too
 * long for a socket, a directory of this user below the temporary one, named by a hash of it. On
 * Windows a named pipe, named by the same hash.
 */
export function controlAddress(
  dataDirectory: string,
  platform: NodeJS.Platform = process.platform,
): ControlAddress {
  const directory = resolve(dataDirectory);
  const short = hash('sha1', directory, 'hex').slice(0, 16);
  if (platform === 'win32') return { kind: 'pipe', path: `\\\\.\\pipe\\syncer-${short}` };
  const own = socketIn(join(directory, 'control'));
  if (Buffer.byteLength(own.path) <= longestSocketPath) return own;
  return socketIn(join(shortTemporary(), `syncer-${userInfo().uid}-${short}`));
}

/** Gives the address of a socket or pipe that a person named with `--socket`. */
export function namedControlAddress(path: string): ControlAddress {
  if (path.startsWith('\\\\.\\pipe\\')) return { kind: 'pipe', path };
  const absolute = resolve(path);
  return { kind: 'socket', path: absolute, directory: dirname(absolute) };
}

/** Gives the address in the way that grpc-js dials and binds it. */
export function grpcTarget(address: ControlAddress): string {
  return `unix:${address.path}`;
}

function socketIn(directory: string): ControlAddress {
  return { kind: 'socket', path: join(directory, 'control.sock'), directory };
}

/** TMPDIR may itself be deep; `/tmp` is there on every Unix. */
function shortTemporary(): string {
  return tmpdir().length <= 40 ? tmpdir() : '/tmp';
}
