// The worker thread that owns the state file. SQLite calls are synchronous and a checkpoint waits
// for the disk: on the main thread either would stall everything else.

import type { Database } from 'better-sqlite3';
import { parentPort, workerData } from 'node:worker_threads';
import { NewerVersionError } from './migrations.ts';
import { openDatabase } from './open-database.ts';
import type { Operation } from './operations.ts';
import { boundAudit, operationWriter, readAudit, readExportHead } from './rows.ts';
import { readExportKeys, readHeld, readMappings, readState } from './rows.ts';
import type { OperationWriter } from './rows.ts';
import { rowsPerPart } from './worker-protocol.ts';
import type { Failure, Reply, Request, WorkerSettings } from './worker-protocol.ts';

/** Refusals of the disk, which may end by themselves. All others are ours, and final. */
const passing = /^SQLITE_(FULL|READONLY|IOERR|BUSY|LOCKED|CANTOPEN|NOMEM|PERM|CORRUPT|NOTADB|AUTH)/;

const port = parentPort;
if (port === null) throw new Error('sqlite-worker.ts is a worker; SqliteStore starts it');
const settings = workerData as WorkerSettings;
const say = (reply: Reply): void => port.postMessage(reply);

try {
  const { database, origin } = openDatabase({ ...settings, nowMs: Date.now() });
  const writer = operationWriter(database);
  port.on('message', (request: Request) => {
    try {
      if (request.type === 'close') database.close();
      else sendParts(answer(database, writer, request));
      say({ type: 'done' });
      // Behind the answer: a closed port delivers nothing.
      if (request.type === 'close') port.close();
    } catch (thrown) {
      say({ type: 'failed', failure: asFailure(thrown) });
    }
  });
  say({ type: 'opened', origin });
} catch (thrown) {
  say({ type: 'not-opened', failure: asFailure(thrown) });
}

function answer(
  database: Database,
  writer: OperationWriter,
  request: Exclude<Request, { readonly type: 'close' }>,
): Iterable<unknown> {
  switch (request.type) {
    case 'write':
      return write(database, writer, request.operations);
    case 'read-mappings':
      return readMappings(database);
    case 'read-export-head': {
      const head = readExportHead(database);
      return head === undefined ? [] : [head];
    }
    case 'read-export-keys':
      return readExportKeys(database);
    case 'read-held':
      return readHeld(database);
    case 'read-state':
      return readState(database);
    case 'read-audit':
      return readAudit(database, request.filter);
  }
}

/** One transaction. Gives the operations that SQLite will never take, which are left out. */
function write(
  database: Database,
  writer: OperationWriter,
  operations: readonly Operation[],
): readonly string[] {
  const rejected: string[] = [];
  const one = database.transaction((operation: Operation) => writer.apply(operation));
  const all = database.transaction((apply: (operation: Operation) => void) => {
    operations.forEach(apply);
    writer.finish();
    if (operations.some(({ type }) => type === 'append-audit')) {
      boundAudit(database, settings.maxAuditEntries);
    }
  });
  try {
    all((operation) => writer.apply(operation));
  } catch (thrown) {
    if (isPassing(thrown)) throw thrown;
    // One operation cannot be written (a value that is no number, say): the others shall be.
    all((operation) => {
      try {
        one(operation);
      } catch (inner) {
        if (isPassing(inner)) throw inner;
        rejected.push(`${operation.type}: ${asFailure(inner).message}`);
      }
    });
  }
  return rejected;
}

function sendParts(rows: Iterable<unknown>): void {
  let part: unknown[] = [];
  for (const row of rows) {
    part.push(row);
    if (part.length < rowsPerPart) continue;
    say({ type: 'part', rows: part });
    part = [];
  }
  if (part.length > 0) say({ type: 'part', rows: part });
}

function isPassing(thrown: unknown): boolean {
  return passing.test(asFailure(thrown).code);
}

function asFailure(thrown: unknown): Failure {
  if (thrown instanceof NewerVersionError) {
    return { code: thrown.code, message: thrown.message, parameters: thrown.parameters };
  }
  const { code = 'unknown' } = thrown as { readonly code?: string };
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return { code, message, parameters: {} };
}
