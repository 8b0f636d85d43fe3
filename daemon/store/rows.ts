// The rows of the state file: what is written, what is read, and the sum that guards each.

import type { Database, Statement } from 'better-sqlite3';
import { hash52 } from '../support/hash.ts';
import { readReason, writeReason } from '../model/reason.ts';
import { mappingOfRow, rowOfMapping, type MappingRow } from './mapping-row.ts';
import type { Operation } from './operations.ts';
import type { AuditEntry, ExportedKey, HeldRemoval, Mapping, Tombstone } from './ports.ts';

type Cell = string | number;

/** Tables whose rows carry a sum, with their other columns in order. */
const summed = {
  mapping:
    'cluster, origin_service_id, origin_instance_id, domain, project, service_id, instance_id, hash, lease_seconds',
  export_key: 'kind, key, revision, hash, proof, origin_time_ms',
  export_epoch: 'only, epoch, revision',
  held: 'id, cluster, origin_service_id, origin_instance_id, held_since_ms, reason, decision',
  state: 'key, value',
} as const;

type Table = keyof typeof summed;

/** Gives what is wrong with the first row whose sum does not fit, `undefined` when all fit. */
export function verifyRows(database: Database): string | undefined {
  for (const table of Object.keys(summed) as Table[]) {
    const rows = database.prepare(`SELECT ${summed[table]}, sum FROM ${table}`).raw().iterate();
    for (const row of rows as IterableIterator<Cell[]>) {
      const sum = row.pop();
      if (sum !== sumOf(row)) return `a row of ${table} is damaged`;
    }
  }
  return undefined;
}

function sumOf(cells: readonly Cell[]): number {
  return hash52(JSON.stringify(cells));
}

export interface OperationWriter {
  /** Applies one operation; to be called inside a transaction. */
  apply(operation: Operation): void;
  /** The same for a mapping that is put, as the row that crosses between threads. */
  putMapping(row: MappingRow): void;
  /** Notes the highest revision of the batch; to be called before the transaction's end. */
  finish(): void;
}

/** Prepares the statements once, for all batches. */
export function operationWriter(database: Database): OperationWriter {
  const put = (table: Table): ((...cells: Cell[]) => void) => {
    const marks = Array.from({ length: summed[table].split(',').length + 1 }, () => '?');
    const statement = database.prepare(`INSERT OR REPLACE INTO ${table} VALUES (${marks.join()})`);
    return (...given) => {
      // SQLite keeps UTF-8: half a surrogate pair would come back as another character.
      const cells = given.map((cell) => (typeof cell === 'string' ? cell.toWellFormed() : cell));
      statement.run(...cells, sumOf(cells));
    };
  };
  const putMapping = put('mapping');
  const putKey = put('export_key');
  const putEpoch = put('export_epoch');
  const putHeld = put('held');
  const putState = put('state');
  const run = (sql: string): Statement<Cell[]> => database.prepare<Cell[]>(sql);
  const deleteMapping = run(
    'DELETE FROM mapping WHERE cluster = ? AND origin_service_id = ? AND origin_instance_id = ?',
  );
  const deleteKeys = run('DELETE FROM export_key');
  const trim = run(`DELETE FROM export_key WHERE proof <> '' AND revision <= ?`);
  const deleteHeld = run('DELETE FROM held WHERE id = ?');
  const deleteState = run('DELETE FROM state WHERE key = ?');
  const append = run(
    'INSERT INTO audit (time_ms, action, cluster, service, instance, reason) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const readEpoch = database.prepare('SELECT epoch, revision FROM export_epoch').raw();
  let highestOfBatch = 0;

  const apply = (operation: Operation): void => {
    switch (operation.type) {
      case 'put-mapping':
        putMapping(...rowOfMapping(operation.mapping));
        return;
      case 'delete-mapping': {
        const { cluster, originServiceId, originInstanceId } = operation.mapping;
        deleteMapping.run(cluster, originServiceId, originInstanceId);
        return;
      }
      case 'start-epoch':
        deleteKeys.run();
        putEpoch(1, operation.epoch, 0);
        highestOfBatch = 0;
        return;
      case 'put-exported': {
        const { kind, key, revision, hash, originTimeMs } = operation.entry;
        putKey(kind, key, revision, hash, '', originTimeMs);
        highestOfBatch = Math.max(highestOfBatch, revision);
        return;
      }
      case 'put-tombstone': {
        const { kind, key, revision, proof, originTimeMs } = operation.entry;
        putKey(kind, key, revision, 0, proof, originTimeMs);
        highestOfBatch = Math.max(highestOfBatch, revision);
        return;
      }
      case 'trim-tombstones':
        trim.run(operation.upToRevision);
        return;
      case 'put-held': {
        const { held } = operation;
        putHeld(
          ...[held.id, held.cluster, held.originServiceId, held.originInstanceId],
          ...[held.heldSinceMs, writeReason(held.reason), held.decision],
        );
        return;
      }
      case 'delete-held':
        deleteHeld.run(operation.id);
        return;
      case 'put-state':
        putState(operation.key, operation.value);
        return;
      case 'delete-state':
        deleteState.run(operation.key);
        return;
      case 'append-audit': {
        const { timeMs, action, cluster, service, instance, reason } = operation.entry;
        append.run(timeMs, action, cluster, service, instance, writeReason(reason));
        return;
      }
    }
  };

  const finish = (): void => {
    if (highestOfBatch === 0) return;
    // The highest revision outlives the keys that carried it: it must never be given twice.
    const [epoch, highest] = (readEpoch.get() as [string, number] | undefined) ?? ['', 0];
    if (highestOfBatch > highest) putEpoch(1, epoch, highestOfBatch);
    highestOfBatch = 0;
  };

  return { apply, putMapping: (row) => putMapping(...row), finish };
}

export function* readMappings(database: Database): Generator<Mapping> {
  for (const row of readMappingRows(database)) yield mappingOfRow(row);
}

export function readMappingRows(database: Database): IterableIterator<MappingRow> {
  const rows = database.prepare(`SELECT ${summed.mapping} FROM mapping`).raw().iterate();
  return rows as IterableIterator<MappingRow>;
}

export interface ExportHead {
  readonly epoch: string;
  readonly revision: number;
}

/** `undefined`: no epoch was ever started. */
export function readExportHead(database: Database): ExportHead | undefined {
  const head = database.prepare('SELECT epoch, revision FROM export_epoch').get();
  return head as ExportHead | undefined;
}

export function* readExportKeys(database: Database): Generator<ExportedKey | Tombstone> {
  const rows = database.prepare(`SELECT ${summed.export_key} FROM export_key`).raw().iterate();
  for (const row of rows as IterableIterator<
    [ExportedKey['kind'], string, number, number, '' | Tombstone['proof'], number]
  >) {
    const [kind, key, revision, hash, proof, originTimeMs] = row;
    if (proof === '') yield { kind, key, revision, hash, originTimeMs };
    else yield { kind, key, revision, proof, originTimeMs };
  }
}

export function* readHeld(database: Database): Generator<HeldRemoval> {
  const rows = database.prepare(`SELECT ${summed.held} FROM held`).raw().iterate();
  for (const row of rows as IterableIterator<
    [string, string, string, string, number, string, HeldRemoval['decision']]
  >) {
    const [id, cluster, originServiceId, originInstanceId, heldSinceMs, line, decision] = row;
    const reason = readReason(line);
    yield { id, cluster, originServiceId, originInstanceId, heldSinceMs, reason, decision };
  }
}

export function* readState(database: Database): Generator<readonly [string, string]> {
  const rows = database.prepare('SELECT key, value FROM state').raw().iterate();
  yield* rows as IterableIterator<[string, string]>;
}

/** What `AuditLog.read` takes. */
export interface AuditFilter {
  readonly cluster?: string;
  readonly service?: string;
  readonly instance?: string;
  readonly beforeMs?: number;
  readonly limit: number;
}

/** Newest first. */
export function* readAudit(database: Database, filter: AuditFilter): Generator<AuditEntry> {
  const { limit, beforeMs } = filter;
  const conditions: string[] = [];
  const cells: Cell[] = [];
  for (const column of ['cluster', 'service', 'instance'] as const) {
    const wanted = filter[column];
    if (wanted === undefined) continue;
    conditions.push(`${column} = ?`);
    cells.push(wanted);
  }
  if (beforeMs !== undefined) {
    conditions.push('time_ms < ?');
    cells.push(beforeMs);
  }
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  const statement = database.prepare(
    `SELECT time_ms AS timeMs, action, cluster, service, instance, reason FROM audit
     ${where} ORDER BY id DESC LIMIT ?`,
  );
  const rows = statement.iterate(...cells, Math.max(0, limit));
  for (const row of rows as IterableIterator<
    Omit<AuditEntry, 'reason'> & { readonly reason: string }
  >) {
    yield { ...row, reason: readReason(row.reason) };
  }
}

/** Lets the oldest entries go, so that `keep` remain. */
export function boundAudit(database: Database, keep: number): void {
  database.prepare('DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - ?').run(keep);
}
