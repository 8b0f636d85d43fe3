// The socket of the control API on disk: a directory of ours alone, no remains of a daemon that
// died, and a file that nobody else may open.

import { chmod, lstat, mkdir, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { SyncerError } from '../../proto/errors.ts';
import type { ControlAddress } from '../../proto/control/address.ts';

type SocketAddress = Extract<ControlAddress, { kind: 'socket' }>;

/**
 * Makes the place of the socket ready. Rejects with `data-dir.unusable` when the directory is not
 * ours, and with `listen.in-use` when another daemon answers there.
 */
export async function prepareSocket(address: SocketAddress): Promise<void> {
  try {
    await mkdir(address.directory, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw unusable(address.directory, cause instanceof Error ? cause.message : String(cause));
  }
  await ownDirectory(address.directory);
  if (!(await exists(address.path))) return;
  if (await answers(address.path)) {
    throw new SyncerError('listen.in-use', { address: address.path, key: '--data-dir' });
  }
  await unlink(address.path);
}

/** After the socket was bound: closes it to everyone else. */
export async function closeToOthers(address: SocketAddress): Promise<void> {
  await chmod(address.path, 0o600);
}

/** Takes the socket away; it may be gone already. */
export async function removeSocket(address: SocketAddress): Promise<void> {
  await unlink(address.path).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
  });
}

/** A directory that another user owns could swap the socket for one of his. */
async function ownDirectory(directory: string): Promise<void> {
  const found = await lstat(directory);
  const uid = process.getuid?.();
  if (!found.isDirectory()) throw unusable(directory, 'not a directory');
  if (uid !== undefined && found.uid !== uid) throw unusable(directory, 'owned by another user');
  if ((found.mode & 0o077) !== 0) await chmod(directory, 0o700);
}

/** Whether a process listens; a socket file whose process died refuses at once. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    (error: unknown) => {
      if (isNotFound(error)) return false;
      throw error;
    },
  );
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function unusable(directory: string, reason: string): SyncerError {
  return new SyncerError('data-dir.unusable', { directory, reason });
}
