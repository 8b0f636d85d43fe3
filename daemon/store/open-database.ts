// Opens the state file, or sets a broken one aside and starts anew.

import Database from 'better-sqlite3';
import { readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { migrate } from './migrations.ts';
import type { Store } from './ports.ts';
import { verifyRows } from './rows.ts';

export interface DatabaseSettings {
  readonly file: string;
  /** Entries of the audit log that are kept. Each costs some 300 bytes of disk. */
  readonly maxAuditEntries: number;
  /** The file's largest size in pages of 4 KiB; beyond, writes are refused as on a full disk. */
  readonly maxPages: number | undefined;
  readonly nowMs: number;
}

export interface OpenedDatabase {
  readonly database: Database.Database;
  readonly origin: Store['origin'];
}

/** Broken files that are kept for whoever wants to look into them. */
const brokenFilesKept = 3;

/**
 * Opens and checks the file (its pages, its tables, and the sum of every row). A file that is damaged, empty or
 * no database is renamed to `<file>.broken-<time>`. Throws what is not damage: no rights, no room,
 * a newer version.
 */
export function openDatabase(settings: DatabaseSettings): OpenedDatabase {
  const size = statSync(settings.file, { throwIfNoEntry: false })?.size;
  if (size === undefined) {
    // A journal without its file would be applied to the new one.
    removeJournals(settings.file);
    return {
      database: open(settings, 'new'),
      origin: { kind: 'fresh', detail: 'there was no file' },
    };
  }
  let damage: string;
  if (size === 0) damage = 'the file was empty';
  else {
    try {
      return {
        database: open(settings, 'existing'),
        origin: { kind: 'opened', detail: 'the file is whole' },
      };
    } catch (thrown) {
      if (!isDamage(thrown)) throw thrown;
      damage = thrown.message;
    }
  }
  const aside = setAside(settings.file, settings.nowMs);
  const detail = `${damage}; set aside as ${path.basename(aside)}`;
  return { database: open(settings, 'new'), origin: { kind: 'rebuilt', detail } };
}

function open(settings: DatabaseSettings, file: 'new' | 'existing'): Database.Database {
  const database = new Database(settings.file, { timeout: 2000 });
  try {
    database.pragma('journal_mode = WAL');
    // A power failure may take the last moments, never the file (sqlite.org/pragma, synchronous).
    database.pragma('synchronous = NORMAL');
    if (settings.maxPages !== undefined) {
      database.pragma(`max_page_count = ${settings.maxPages}`);
    }
    const check = database.pragma('quick_check(1)', { simple: true });
    if (check !== 'ok') throw new Damage(String(check));
    // What is shorter than a page is an empty database to SQLite.
    if (file === 'existing' && !hasState(database)) throw new Damage('the file holds no state');
    migrate(database, settings.file, settings.nowMs);
    if (!isDeepStrictEqual(schemaOf(database), expectedSchema())) {
      throw new Damage('its tables are not those of this format');
    }
    const broken = verifyRows(database);
    if (broken !== undefined) throw new Damage(broken);
    return database;
  } catch (thrown) {
    database.close();
    throw thrown;
  }
}

/** What the migrations make of an empty file. A changed byte in a table's definition breaks no page. */
function expectedSchema(): readonly unknown[] {
  const database = new Database(':memory:');
  try {
    migrate(database, ':memory:', 0);
    return schemaOf(database);
  } finally {
    database.close();
  }
}

function schemaOf(database: Database.Database): readonly unknown[] {
  const sql = 'SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name';
  return database.prepare(sql).all();
}

function hasState(database: Database.Database): boolean {
  const sql = `SELECT count(*) FROM sqlite_schema WHERE name = 'migration'`;
  return database.prepare(sql).pluck().get() === 1;
}

class Damage extends Error {}

/** Codes of SQLite that mean that the content is wrong, not the way to it. */
const damageCode = /^SQLITE_(CORRUPT|NOTADB|ERROR|CONSTRAINT|MISMATCH|FORMAT)/;

function isDamage(thrown: unknown): thrown is Error {
  if (thrown instanceof Damage) return true;
  if (!(thrown instanceof Error)) return false;
  const code = (thrown as { readonly code?: unknown }).code;
  return typeof code === 'string' && damageCode.test(code);
}

function setAside(file: string, nowMs: number): string {
  const stamp = new Date(nowMs).toISOString().replaceAll(/[:.]/g, '-');
  const aside = `${file}.broken-${stamp}`;
  renameSync(file, aside);
  for (const journal of ['-wal', '-shm']) {
    if (statSync(file + journal, { throwIfNoEntry: false }) !== undefined) {
      renameSync(file + journal, aside + journal);
    }
  }
  const directory = path.dirname(file);
  const prefix = `${path.basename(file)}.broken-`;
  const all = readdirSync(directory).filter((name) => name.startsWith(prefix));
  const stamps = [...new Set(all.map((name) => name.replace(/-(wal|shm)$/, '')))].sort();
  const old = new Set(stamps.slice(0, -brokenFilesKept));
  for (const name of all) {
    if (old.has(name.replace(/-(wal|shm)$/, ''))) rmSync(path.join(directory, name));
  }
  return aside;
}

function removeJournals(file: string): void {
  for (const journal of ['-wal', '-shm']) rmSync(file + journal, { force: true });
}
