// The versions of the state file. A migration that has been released is never changed: a new one
// comes behind it.
//
// Every row carries `sum`, a hash of its other columns: SQLite's own check sees broken pages, not
// a flipped bit inside a value.

import type { Database } from 'better-sqlite3';

interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
}

const migrations: readonly Migration[] = [
  {
    version: 1,
    name: 'mappings, export log, held removals, settings, audit log',
    sql: `
      CREATE TABLE mapping (
        cluster TEXT NOT NULL, origin_service_id TEXT NOT NULL, origin_instance_id TEXT NOT NULL,
        domain TEXT NOT NULL, project TEXT NOT NULL,
        service_id TEXT NOT NULL, instance_id TEXT NOT NULL,
        hash INTEGER NOT NULL, lease_seconds REAL NOT NULL, sum INTEGER NOT NULL,
        PRIMARY KEY (cluster, origin_service_id, origin_instance_id)
      ) STRICT, WITHOUT ROWID;

      -- A key is either live (proof is empty) or a tombstone.
      CREATE TABLE export_key (
        kind TEXT NOT NULL, key TEXT NOT NULL, revision INTEGER NOT NULL, hash INTEGER NOT NULL,
        proof TEXT NOT NULL, origin_time_ms REAL NOT NULL, sum INTEGER NOT NULL,
        PRIMARY KEY (kind, key)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX tombstone ON export_key (revision) WHERE proof <> '';

      -- One row: the epoch, and the highest revision that was ever given in it.
      CREATE TABLE export_epoch (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        epoch TEXT NOT NULL, revision INTEGER NOT NULL, sum INTEGER NOT NULL
      ) STRICT;

      CREATE TABLE held (
        id TEXT NOT NULL PRIMARY KEY, cluster TEXT NOT NULL,
        origin_service_id TEXT NOT NULL, origin_instance_id TEXT NOT NULL,
        held_since_ms REAL NOT NULL, reason TEXT NOT NULL, decision TEXT NOT NULL,
        sum INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE state (
        key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL, sum INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE audit (
        id INTEGER PRIMARY KEY AUTOINCREMENT, time_ms REAL NOT NULL, action TEXT NOT NULL,
        cluster TEXT NOT NULL, service TEXT NOT NULL, instance TEXT NOT NULL, reason TEXT NOT NULL
      ) STRICT;
    `,
  },
];

const newestVersion = migrations.at(-1)?.version ?? 0;

/**
 * `store.newer-version` of the error table. Plain, so that the worker need not load the catalogues
 * of messages: it starts in half the time.
 */
export class NewerVersionError extends Error {
  readonly code = 'store.newer-version';
  readonly parameters: { readonly file: string; readonly found: number; readonly known: number };

  constructor(parameters: NewerVersionError['parameters']) {
    super(`format ${parameters.found} of ${parameters.file} is newer than ${parameters.known}`);
    this.parameters = parameters;
  }
}

/** Brings the file to the newest version. Throws `store.newer-version` for one from the future. */
export function migrate(database: Database, file: string, nowMs: number): void {
  database.exec(`
    CREATE TABLE IF NOT EXISTS migration (
      version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_ms REAL NOT NULL
    ) STRICT;
  `);
  const found = database.prepare('SELECT max(version) FROM migration').pluck().get();
  const version = typeof found === 'number' ? found : 0;
  if (version > newestVersion) {
    throw new NewerVersionError({ file, found: version, known: newestVersion });
  }
  const note = database.prepare('INSERT INTO migration VALUES (?, ?, ?)');
  for (const migration of migrations) {
    if (migration.version <= version) continue;
    database.transaction(() => {
      database.exec(migration.sql);
      note.run(migration.version, migration.name, nowMs);
    })();
  }
}
