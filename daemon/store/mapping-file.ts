// The mapping in a data directory, read beside the daemon that may be writing it.

import Database from 'better-sqlite3';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { SyncerError } from '../../proto/errors.ts';
import type { Mapping } from './ports.ts';
import { readMappings } from './rows.ts';

/**
 * Gives the mapping as it is in the file at this moment, `undefined` where there is no file. Throws
 * `store.unreadable` where it cannot be read.
 */
export function readMappingFile(directory: string): readonly Mapping[] | undefined {
  const file = path.join(directory, 'state.db');
  if (!existsSync(file)) return undefined;
  let database: Database.Database | undefined;
  try {
    database = new Database(file, { readonly: true, fileMustExist: true, timeout: 2_000 });
    return [...readMappings(database)];
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new SyncerError('store.unreadable', { file, reason }, thrown);
  } finally {
    database?.close();
  }
}
