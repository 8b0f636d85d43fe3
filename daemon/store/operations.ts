// One write as data, so that it can wait in a queue and cross to the worker thread.

import type { AuditEntry, ExportedKey, HeldRemoval, Mapping, Tombstone } from './ports.ts';

export type MappingKey = Pick<Mapping, 'cluster' | 'originServiceId' | 'originInstanceId'>;

/** One change of the mapping. */
export type MappingChange = { readonly put: Mapping } | { readonly delete: MappingKey };

export type Operation =
  | { readonly type: 'put-mapping'; readonly mapping: Mapping }
  | { readonly type: 'delete-mapping'; readonly mapping: MappingKey }
  | { readonly type: 'start-epoch'; readonly epoch: string }
  | { readonly type: 'put-exported'; readonly entry: ExportedKey }
  | { readonly type: 'put-tombstone'; readonly entry: Tombstone }
  | { readonly type: 'trim-tombstones'; readonly upToRevision: number }
  | { readonly type: 'put-held'; readonly held: HeldRemoval }
  | { readonly type: 'delete-held'; readonly id: string }
  | { readonly type: 'put-state'; readonly key: string; readonly value: string }
  | { readonly type: 'delete-state'; readonly key: string }
  | { readonly type: 'append-audit'; readonly entry: AuditEntry };
