// What the main thread and the worker of the state file say to each other. Rows come in parts, so
// that taking them over never blocks the main thread for long.

import type { MappingRow } from './mapping-row.ts';
import type { Operation } from './operations.ts';
import type { AuditEntry, ExportedKey, HeldRemoval, Store, Tombstone } from './ports.ts';
import type { AuditFilter, ExportHead } from './rows.ts';

export interface WorkerSettings {
  readonly file: string;
  readonly maxAuditEntries: number;
  readonly maxPages: number | undefined;
}

export type Request =
  /** One transaction; a mapping is put by its row, and touches nothing that an operation does. */
  | {
      readonly type: 'write';
      readonly puts: readonly MappingRow[];
      readonly operations: readonly Operation[];
    }
  | { readonly type: 'read-mappings' }
  | { readonly type: 'read-export-head' }
  | { readonly type: 'read-export-keys' }
  | { readonly type: 'read-held' }
  | { readonly type: 'read-state' }
  | { readonly type: 'read-audit'; readonly filter: AuditFilter }
  | { readonly type: 'close' };

/** The rows that each request gives. `write` gives the operations that can never be applied. */
export interface Rows {
  readonly write: string;
  readonly 'read-mappings': MappingRow;
  readonly 'read-export-head': ExportHead;
  readonly 'read-export-keys': ExportedKey | Tombstone;
  readonly 'read-held': HeldRemoval;
  readonly 'read-state': readonly [string, string];
  readonly 'read-audit': AuditEntry;
  readonly close: never;
}

/** An error of the worker as it crosses: the table's code where it has one. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly parameters: Readonly<Record<string, string | number | boolean>>;
}

export type Reply =
  | { readonly type: 'opened'; readonly origin: Store['origin'] }
  | { readonly type: 'not-opened'; readonly failure: Failure }
  | { readonly type: 'part'; readonly rows: readonly unknown[] }
  | { readonly type: 'done' }
  | { readonly type: 'failed'; readonly failure: Failure };

export const rowsPerPart = 2000;
