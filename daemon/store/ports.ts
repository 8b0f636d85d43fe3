// What sync keeps between runs. SQLite serves these ports alone (single mode) or as the cache of
// etcd (cluster mode). Reads happen once, at start; writes are queued and reach the disk in
// transactions, in order; `flush` waits for them.

import type { Reason } from '../model/reason.ts';
import type { RecordKind, RemovalProof } from '../model/records.ts';

/** Origin ids to local ids of one foreign copy (the original's `MappingEntry`, and what we need beside it). */
export interface Mapping {
  /** The peer cluster that the instance is native to. */
  readonly cluster: string;
  /** Of the copy, in the local registry. */
  readonly domain: string;
  readonly project: string;
  readonly originServiceId: string;
  readonly originInstanceId: string;
  readonly serviceId: string;
  readonly instanceId: string;
  /** `hash52` of the copy's content as last written; 0: unknown (rebuilt from a stamp). */
  readonly hash: number;
  /** Length of the copy's lease, seconds. */
  readonly leaseSeconds: number;
}

export interface MappingStore {
  /** All mappings, as of the last run. */
  loadMappings(): Promise<readonly Mapping[]>;
  putMapping(mapping: Mapping): void;
  deleteMapping(mapping: Pick<Mapping, 'cluster' | 'originServiceId' | 'originInstanceId'>): void;
}

/** What remains of a service that we made in the local registry. */
export interface MadeService {
  readonly domain: string;
  readonly project: string;
  readonly serviceId: string;
  readonly originCluster: string;
}

export interface ExportedKey {
  readonly kind: RecordKind;
  readonly key: string;
  readonly revision: number;
  readonly hash: number;
  readonly originTimeMs: number;
}

export interface Tombstone {
  readonly kind: RecordKind;
  readonly key: string;
  readonly revision: number;
  readonly proof: RemovalProof;
  readonly originTimeMs: number;
}

/** The export log between runs: its epoch, the live keys and the removals. Payloads come from the registry. */
export interface ExportStateStore {
  loadExport(): Promise<
    | {
        readonly epoch: string;
        readonly revision: number;
        readonly keys: readonly ExportedKey[];
        readonly tombstones: readonly Tombstone[];
      }
    | undefined
  >;
  /** Forgets what was kept and starts an epoch. */
  startEpoch(epoch: string): void;
  putExported(entry: ExportedKey): void;
  /** Replaces the live key by its tombstone. */
  putTombstone(entry: Tombstone): void;
  /** Forgets tombstones of revisions up to this one. */
  trimTombstones(upToRevision: number): void;
}

/** A removal that waits for a person. */
export interface HeldRemoval {
  readonly id: string;
  readonly cluster: string;
  readonly originServiceId: string;
  readonly originInstanceId: string;
  readonly heldSinceMs: number;
  readonly reason: Reason;
  /** `keep`: a person said that it stays until its origin names it again. */
  readonly decision: 'waiting' | 'keep';
}

export interface HeldStore {
  loadHeld(): Promise<readonly HeldRemoval[]>;
  putHeld(held: HeldRemoval): void;
  deleteHeld(id: string): void;
}

/** Small settings that survive a restart (paused links, the writer's epoch, last-seen times of peers). */
export interface StateStore {
  loadState(): Promise<ReadonlyMap<string, string>>;
  putState(key: string, value: string): void;
  deleteState(key: string): void;
}

/** One decision, as it is kept. */
export interface AuditEntry {
  readonly timeMs: number;
  /** `created`, `updated`, `removed`, `kept`, `held`, `approved`, `refused`, `failed`, `released`, `paused`, ... */
  readonly action: string;
  readonly cluster: string;
  readonly service: string;
  readonly instance: string;
  /** Why, with the evidence. */
  readonly reason: Reason;
}

/** Append-only, bounded in size: the oldest go first. */
export interface AuditLog {
  append(entry: AuditEntry): void;
  /** Newest first; filters are exact matches; `before` is a time for paging. */
  read(filter: {
    readonly cluster?: string;
    readonly service?: string;
    readonly instance?: string;
    readonly beforeMs?: number;
    readonly limit: number;
  }): Promise<readonly AuditEntry[]>;
}

/** Everything that one syncer keeps. */
export interface Store extends MappingStore, ExportStateStore, HeldStore, StateStore {
  readonly audit: AuditLog;
  /** What was found at start: `fresh`, `opened`, or `rebuilt` (a broken file was set aside). */
  readonly origin: { readonly kind: 'fresh' | 'opened' | 'rebuilt'; readonly detail: string };
  /** The disk's last refusal (full, read-only), or `undefined`; writes wait in memory meanwhile. */
  readonly trouble: string | undefined;
  flush(): Promise<void>;
  close(): Promise<void>;
}
