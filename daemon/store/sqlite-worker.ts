// The worker thread that owns the state file. SQLite calls are synchronous and a checkpoint waits
// for the disk: on the main thread either would stall everything else.

import type { Database } from 'better-sqlite3';
import { parentPort, workerData } from 'node:worker_threads';
import { NewerVersionError } from './migrations.ts';
import { openDatabase } from './open-database.ts';
import { boundAudit, operationWriter, readAudit, readExportHead } from './rows.ts';
import { readExportKeys, readHeld, readMappingRows, readState } from './rows.ts';
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
      return write(database, writer, request);
    case 'read-mappings':
      return readMappingRows(database);
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
  { puts, operations }: Extract<Request, { readonly type: 'write' }>,
): readonly string[] {
  const rejected: string[] = [];
  const one = database.transaction((step: () => void) => step());
  const all = database.transaction((take: (type: string, step: () => void) => void) => {
    for (const row of puts) take('put-mapping', () => writer.putMapping(row));
    for (const operation of operations) take(operation.type, () => writer.apply(operation));
    writer.finish();
    if (operations.some(({ type }) => type === 'append-audit')) {
      boundAudit(database, settings.maxAuditEntries);
    }
  });
  try {
    all((_type, step) => step());
  } catch (thrown) {
    if (isPassing(thrown)) throw thrown;
    // One operation cannot be written (a value that is no number, say): the others shall be.
    all((type, step) => {
      try {
        one(step);
      } catch (inner) {
        if (isPassing(inner)) throw inner;
        rejected.push(`${type}: ${asFailure(inner).message}`);
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
