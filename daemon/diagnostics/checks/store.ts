// The store takes writes and its file is whole.

import { stat } from 'node:fs/promises';
import Database from 'better-sqlite3';
import { fail, ok, skipped, type Check } from '../check.ts';

/**
 * Largest file that is checked beside a running daemon: the check holds the thread, some 10 ms a
 * MiB. The daemon checks a file of any size when it opens it.
 */
const largestLiveBytes = 16 * 1024 * 1024;

export const store: Check = {
  id: 'store',
  async run({ storeFile: file, running }) {
    const trouble = running?.sync.storeTrouble;
    if (trouble !== undefined) {
      return fail('doctor.text.store-trouble', 'doctor.remedy.store-trouble', {
        file,
        detail: trouble,
      });
    }
    const size = await stat(file).then(
      (found) => found.size,
      () => undefined,
    );
    if (size === undefined) return skipped('doctor.text.store-absent', { file });
    if (running !== undefined && size > largestLiveBytes) {
      return skipped('doctor.text.store-large', { file });
    }
    const detail = quickCheck(file);
    return detail === 'ok'
      ? ok('doctor.text.store', { file })
      : fail('doctor.text.store-broken', 'doctor.remedy.store-broken', { file, detail });
  },
};

/** Gives SQLite's own finding, or why it cannot even be asked. */
function quickCheck(file: string): string {
  let database: Database.Database | undefined;
  try {
    database = new Database(file, { readonly: true, fileMustExist: true, timeout: 1_000 });
    return String(database.pragma('quick_check(1)', { simple: true }));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    database?.close();
  }
}
