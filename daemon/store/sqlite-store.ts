// The store on SQLite: writes queue in memory, and reach the file in transactions of a worker
// thread, off the path of everything else.

import path from 'node:path';
import { SyncerError } from '../../proto/errors.ts';
import { backoff } from '../support/backoff.ts';
import type { Backoff } from '../support/backoff.ts';
import type { Clock, Timer } from '../support/clock.ts';
import type { Logger } from '../support/logger.ts';
import type { Random } from '../support/random.ts';
import { mappingOfRow, rowOfMapping, type MappingRow } from './mapping-row.ts';
import type { Operation } from './operations.ts';
import type { AuditEntry, AuditLog, ExportedKey, Mapping, Store, Tombstone } from './ports.ts';
import type { HeldRemoval } from './ports.ts';
import type { AuditFilter } from './rows.ts';
import { WorkerClient } from './worker-client.ts';
import type { Request, WorkerSettings } from './worker-protocol.ts';
import { WriteQueue } from './write-queue.ts';

/** How long writes are gathered. Raising it makes fewer, larger transactions, and loses more in a crash. */
const gatherMs = 20;

/** Writes of one transaction. Raising it delays a `flush` or a read that comes behind it. */
const batchSize = 1000;

export interface SqliteStoreSettings {
  /** The data directory; the state is `state.db` in it. */
  readonly directory: string;
  /** Entries of the audit log that are kept: 100,000 by default, some 30 MB. */
  readonly maxAuditEntries?: number;
  /** The file's largest size in pages of 4 KiB; without it, the disk's room. */
  readonly maxPages?: number;
}

export interface StoreSurroundings {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/**
 * Opens the store. A damaged file is set aside (`origin.kind` is `rebuilt` then). Rejects with
 * `store.newer-version` or `store.unwritable`.
 */
export async function openSqliteStore(
  settings: SqliteStoreSettings,
  surroundings: StoreSurroundings,
): Promise<Store> {
  const workerSettings = {
    file: path.join(settings.directory, 'state.db'),
    maxAuditEntries: settings.maxAuditEntries ?? 100_000,
    maxPages: settings.maxPages,
  };
  const client = await WorkerClient.open(workerSettings);
  if (client.origin.kind === 'rebuilt') {
    surroundings.logger.warn({ file: workerSettings.file, ...client.origin }, 'state was damaged');
  }
  return new SqliteStore(workerSettings, client, surroundings);
}

class SqliteStore implements Store {
  readonly origin: Store['origin'];
  readonly audit: AuditLog;
  readonly #settings: WorkerSettings;
  readonly #surroundings: StoreSurroundings;
  readonly #queue = new WriteQueue();
  readonly #retry: Backoff;
  #client: WorkerClient;
  #timer: Timer | undefined;
  #writing: Promise<void> | undefined;
  #refusal: string | undefined;
  #closing: Promise<void> | undefined;

  constructor(settings: WorkerSettings, client: WorkerClient, surroundings: StoreSurroundings) {
    this.#settings = settings;
    this.#client = client;
    this.#surroundings = surroundings;
    this.#retry = backoff({ initialMs: 100, maxMs: 5000, factor: 2 }, surroundings.random);
    this.origin = client.origin;
    this.audit = {
      append: (entry) => this.#add({ type: 'append-audit', entry }),
      read: (filter) => this.#readAudit(filter),
    };
  }

  get trouble(): string | undefined {
    if (this.#refusal === undefined) return undefined;
    const dropped = this.#queue.auditDropped;
    const lost = dropped === 0 ? '' : `, ${dropped} audit entries dropped`;
    return `${this.#refusal}; ${this.#queue.size} writes wait in memory${lost}`;
  }

  async loadMappings(): Promise<readonly Mapping[]> {
    await this.flush();
    return (await this.#client.ask({ type: 'read-mappings' })).map(mappingOfRow);
  }

  putMapping(mapping: Mapping): void {
    this.#add({ type: 'put-mapping', mapping });
  }

  deleteMapping(mapping: Parameters<Store['deleteMapping']>[0]): void {
    const { cluster, originServiceId, originInstanceId } = mapping;
    this.#add({
      type: 'delete-mapping',
      mapping: { cluster, originServiceId, originInstanceId },
    });
  }

  async loadExport(): ReturnType<Store['loadExport']> {
    await this.flush();
    const [head] = await this.#client.ask({ type: 'read-export-head' });
    if (head === undefined) return undefined;
    const keys: ExportedKey[] = [];
    const tombstones: Tombstone[] = [];
    for (const row of await this.#client.ask({ type: 'read-export-keys' })) {
      if ('proof' in row) tombstones.push(row);
      else keys.push(row);
    }
    return { ...head, keys, tombstones };
  }

  startEpoch(epoch: string): void {
    this.#add({ type: 'start-epoch', epoch });
  }

  putExported(entry: ExportedKey): void {
    // Its five fields alone: what is passed may carry a payload.
    const { kind, key, revision, hash, originTimeMs } = entry;
    this.#add({ type: 'put-exported', entry: { kind, key, revision, hash, originTimeMs } });
  }

  putTombstone(entry: Tombstone): void {
    const { kind, key, revision, proof, originTimeMs } = entry;
    this.#add({ type: 'put-tombstone', entry: { kind, key, revision, proof, originTimeMs } });
  }

  trimTombstones(upToRevision: number): void {
    this.#add({ type: 'trim-tombstones', upToRevision });
  }

  async loadHeld(): Promise<readonly HeldRemoval[]> {
    await this.flush();
    return this.#client.ask({ type: 'read-held' });
  }

  putHeld(held: HeldRemoval): void {
    this.#add({ type: 'put-held', held });
  }

  deleteHeld(id: string): void {
    this.#add({ type: 'delete-held', id });
  }

  async loadState(): Promise<ReadonlyMap<string, string>> {
    await this.flush();
    return new Map(await this.#client.ask({ type: 'read-state' }));
  }

  putState(key: string, value: string): void {
    this.#add({ type: 'put-state', key, value });
  }

  deleteState(key: string): void {
    this.#add({ type: 'delete-state', key });
  }

  /** Waits until all that was written so far is in the file. Rejects with `store.unwritable`. */
  async flush(): Promise<void> {
    while (this.#queue.size > 0) {
      await this.#write();
      if (this.#refusal !== undefined) {
        throw new SyncerError('store.unwritable', {
          file: this.#settings.file,
          reason: this.#refusal,
        });
      }
    }
  }

  /** Tries to write what waits, and closes the file. What the disk refuses then is logged and lost. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#timer?.cancel();
    try {
      await this.flush();
    } catch (thrown) {
      const reason = (thrown as Error).message;
      const lost = this.#queue.size;
      this.#surroundings.logger.error(
        { reason, lost },
        'state could not be written before the end',
      );
    }
    await this.#client.close();
  }

  #add(operation: Operation): void {
    if (this.#closing !== undefined) {
      this.#surroundings.logger.error({ type: operation.type }, 'state changed after its end');
      return;
    }
    this.#queue.add(operation);
    if (this.#writing !== undefined || this.#refusal !== undefined) return;
    if (this.#queue.size >= batchSize) {
      this.#timer?.cancel();
      this.#timer = undefined;
      void this.#write();
    } else this.#timer ??= this.#surroundings.clock.after(gatherMs, () => void this.#write());
  }

  /** Writes one batch, or waits for the one that is on its way. Never rejects. */
  #write(): Promise<void> {
    this.#writing ??= this.#writeBatch().finally(() => {
      this.#writing = undefined;
      this.#schedule();
    });
    return this.#writing;
  }

  async #writeBatch(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    const batch = this.#queue.take(batchSize);
    if (batch.length === 0) return;
    const { logger } = this.#surroundings;
    try {
      if (this.#client.isDead) this.#client = await WorkerClient.open(this.#settings);
      const rejected = await this.#client.ask(writeOf(batch));
      for (const reason of rejected) logger.error({ reason }, 'a write to the state is impossible');
      this.#queue.written();
      this.#retry.reset();
      if (this.#refusal === undefined) return;
      this.#refusal = undefined;
      logger.info({ waiting: this.#queue.size }, 'state is being written again');
    } catch (thrown) {
      this.#queue.refused();
      const reason = thrown instanceof Error ? thrown.message : String(thrown);
      if (this.#refusal !== reason) logger.warn({ reason }, 'state cannot be written');
      this.#refusal = reason;
    }
  }

  /** What waits is written at once, or after a pause where the disk has refused. */
  #schedule(): void {
    if (this.#queue.size === 0 || this.#closing !== undefined) return;
    const delayMs = this.#refusal !== undefined ? this.#retry.nextMs() : 0;
    this.#timer ??= this.#surroundings.clock.after(delayMs, () => void this.#write());
  }

  async #readAudit(filter: AuditFilter): Promise<readonly AuditEntry[]> {
    await this.flush().catch(() => undefined);
    const waiting = [...this.#queue.auditWaiting()].filter((entry) => matches(entry, filter));
    const written = await this.#client.ask({ type: 'read-audit', filter });
    return [...waiting.reverse(), ...written].slice(0, Math.max(0, filter.limit));
  }
}

function writeOf(batch: readonly Operation[]): Extract<Request, { readonly type: 'write' }> {
  const puts: MappingRow[] = [];
  const operations: Operation[] = [];
  for (const operation of batch) {
    if (operation.type === 'put-mapping') puts.push(rowOfMapping(operation.mapping));
    else operations.push(operation);
  }
  return { type: 'write', puts, operations };
}

function matches(entry: AuditEntry, filter: AuditFilter): boolean {
  return (
    (filter.cluster === undefined || filter.cluster === entry.cluster) &&
    (filter.service === undefined || filter.service === entry.service) &&
    (filter.instance === undefined || filter.instance === entry.instance) &&
    (filter.beforeMs === undefined || entry.timeMs < filter.beforeMs)
  );
}
