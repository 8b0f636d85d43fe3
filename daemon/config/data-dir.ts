// The data directory: made for its owner alone, and held by one daemon at a time.
//
// The hold is a lock of the operating system (SQLite's exclusive lock on `lock`), so it ends with
// the process however that ends: there is no stale lock to be guessed about. `holder.json` beside
// it only says who holds it.

import Database from 'better-sqlite3';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { SyncerError } from '../../proto/errors.ts';

/** Who holds a data directory. */
export interface DataDirHolder {
  readonly directory: string;
  readonly pid: number;
  readonly startedAtMs: number;
}

export interface HeldDataDir {
  readonly directory: string;
  /** Gives the directory free for the next daemon. */
  release(): void;
}

/**
 * Creates the directory (0700) and holds it until `release` or the end of the process. Throws
 * `data-dir.held` with the holder, or `data-dir.unusable` with the reason.
 */
export function holdDataDir(directory: string, nowMs: number): HeldDataDir {
  let lock: Database.Database | undefined;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    // An existing one may have been made by hand, readable by all; it holds keys.
    if (process.platform !== 'win32') chmodSync(directory, 0o700);
    lock = takeLock(path.join(directory, 'lock'));
    if (lock !== undefined) writeHolder(directory, nowMs);
  } catch (thrown) {
    lock?.close();
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new SyncerError('data-dir.unusable', { directory, reason }, thrown);
  }
  if (lock === undefined) {
    const holder = readHolder(directory);
    throw new SyncerError('data-dir.held', {
      directory,
      pid: holder === undefined ? '?' : String(holder.pid),
      since: holder === undefined ? '?' : new Date(holder.startedAtMs).toISOString(),
    });
  }
  const held = lock;
  return {
    directory,
    release() {
      rmSync(path.join(directory, 'holder.json'), { force: true });
      held.close();
    },
  };
}

/** Gives the daemons whose data directories lie under `stateRoot` and are held now. */
export function findHolders(stateRoot: string): readonly DataDirHolder[] {
  let names: readonly string[];
  try {
    names = readdirSync(stateRoot);
  } catch {
    // No daemon of this user has ever run.
    return [];
  }
  return names.flatMap((name) => {
    const directory = path.join(stateRoot, name);
    const holder = readHolder(directory);
    return holder !== undefined && isHeld(directory) ? [holder] : [];
  });
}

/** Whether a daemon holds this directory now. */
export function isHeld(directory: string): boolean {
  const file = path.join(directory, 'lock');
  if (!existsSync(file)) return false;
  try {
    const lock = takeLock(file);
    lock?.close();
    return lock === undefined;
  } catch {
    // Not readable for us: another user's, and nothing that we could speak to.
    return false;
  }
}

/** `undefined`: another process has it. */
function takeLock(file: string): Database.Database | undefined {
  for (const attempt of ['first', 'after clearing'] as const) {
    const lock = new Database(file, { timeout: 0 });
    try {
      lock.pragma('locking_mode = EXCLUSIVE');
      lock.exec('BEGIN EXCLUSIVE');
      return lock;
    } catch (thrown) {
      lock.close();
      const code = (thrown as { readonly code?: unknown }).code;
      if (code === 'SQLITE_BUSY' || code === 'SQLITE_LOCKED') return undefined;
      // Garbage in the file, which no holder can have locked: it never has a content.
      if (code !== 'SQLITE_NOTADB' || attempt === 'after clearing') throw thrown;
      rmSync(file);
    }
  }
  return undefined;
}

function writeHolder(directory: string, nowMs: number): void {
  const file = path.join(directory, 'holder.json');
  const startedAtMs = Math.round(nowMs);
  writeFileSync(`${file}.new`, JSON.stringify({ pid: process.pid, startedAtMs }), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

function readHolder(directory: string): DataDirHolder | undefined {
  try {
    const text = readFileSync(path.join(directory, 'holder.json'), 'utf8');
    const { pid, startedAtMs } = JSON.parse(text) as Partial<DataDirHolder>;
    if (!Number.isSafeInteger(pid) || !Number.isSafeInteger(startedAtMs)) return undefined;
    return { directory, pid: pid ?? 0, startedAtMs: startedAtMs ?? 0 };
  } catch {
    // Missing or half written: the lock alone decides, this only names.
    return undefined;
  }
}
