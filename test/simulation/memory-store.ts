// A store in memory with a disk's habits: what was not committed is lost in a crash.

import type {
  AuditEntry,
  ExportedKey,
  HeldRemoval,
  Mapping,
  Store,
  Tombstone,
} from '../../daemon/store/ports.ts';
import type { Clock } from '../../daemon/support/clock.ts';

/** How long a write may wait for its transaction. */
const commitMs = 50;

/** What is on the disk; outlives the process. */
export class MemoryDisk {
  mappings = new Map<string, Mapping>();
  exported:
    | { epoch: string; keys: Map<string, ExportedKey>; tombstones: Map<string, Tombstone> }
    | undefined;
  held = new Map<string, HeldRemoval>();
  state = new Map<string, string>();
  audit: AuditEntry[] = [];

  /** The file is deleted, or set aside as broken. */
  wipe(): void {
    this.mappings.clear();
    this.exported = undefined;
    this.held.clear();
    this.state.clear();
    this.audit = [];
  }
}

/** The store of one process over a disk. */
export class MemoryStore implements Store {
  readonly origin = { kind: 'opened', detail: 'in memory' } as const;
  readonly trouble = undefined;
  readonly #disk: MemoryDisk;
  readonly #clock: Clock;
  #queued: (() => void)[] = [];
  #closed = false;

  constructor(disk: MemoryDisk, clock: Clock) {
    this.#disk = disk;
    this.#clock = clock;
  }

  readonly audit = {
    append: (entry: AuditEntry): void => {
      this.#write(() => {
        this.#disk.audit.push(entry);
        if (this.#disk.audit.length > 5000) this.#disk.audit.splice(0, 1000);
      });
    },
    read: async (filter: {
      readonly cluster?: string;
      readonly service?: string;
      readonly instance?: string;
      readonly limit: number;
    }): Promise<readonly AuditEntry[]> => {
      await this.flush();
      return this.#disk.audit
        .filter(
          (entry) =>
            (filter.cluster === undefined || entry.cluster === filter.cluster) &&
            (filter.service === undefined || entry.service === filter.service) &&
            (filter.instance === undefined || entry.instance === filter.instance),
        )
        .reverse()
        .slice(0, filter.limit);
    },
  };

  /** kill -9: what waits is lost, and nothing more reaches the disk. */
  crash(): void {
    this.#queued = [];
    this.#closed = true;
  }

  async loadMappings(): Promise<readonly Mapping[]> {
    return [...this.#disk.mappings.values()];
  }
  putMapping(mapping: Mapping): void {
    this.#write(() => this.#disk.mappings.set(mappingId(mapping), mapping));
  }
  deleteMapping(mapping: Pick<Mapping, 'cluster' | 'originServiceId' | 'originInstanceId'>): void {
    this.#write(() => this.#disk.mappings.delete(mappingId(mapping)));
  }

  async loadExport(): ReturnType<Store['loadExport']> {
    const { exported } = this.#disk;
    if (exported === undefined) return undefined;
    const keys = [...exported.keys.values()];
    const tombstones = [...exported.tombstones.values()];
    const revision = Math.max(0, ...[...keys, ...tombstones].map((entry) => entry.revision));
    return { epoch: exported.epoch, revision, keys, tombstones };
  }
  startEpoch(epoch: string): void {
    this.#write(() => {
      this.#disk.exported = { epoch, keys: new Map(), tombstones: new Map() };
    });
  }
  putExported(entry: ExportedKey): void {
    this.#write(() => {
      this.#disk.exported?.keys.set(entry.key, entry);
      this.#disk.exported?.tombstones.delete(entry.key);
    });
  }
  putTombstone(entry: Tombstone): void {
    this.#write(() => {
      this.#disk.exported?.keys.delete(entry.key);
      this.#disk.exported?.tombstones.set(entry.key, entry);
    });
  }
  trimTombstones(upToRevision: number): void {
    this.#write(() => {
      const tombstones = this.#disk.exported?.tombstones;
      for (const [key, { revision }] of tombstones ?? []) {
        if (revision <= upToRevision) tombstones?.delete(key);
      }
    });
  }

  async loadHeld(): Promise<readonly HeldRemoval[]> {
    return [...this.#disk.held.values()];
  }
  putHeld(held: HeldRemoval): void {
    this.#write(() => this.#disk.held.set(held.id, held));
  }
  deleteHeld(id: string): void {
    this.#write(() => this.#disk.held.delete(id));
  }

  async loadState(): Promise<ReadonlyMap<string, string>> {
    return new Map(this.#disk.state);
  }
  putState(key: string, value: string): void {
    this.#write(() => this.#disk.state.set(key, value));
  }
  deleteState(key: string): void {
    this.#write(() => this.#disk.state.delete(key));
  }

  async flush(): Promise<void> {
    for (const write of this.#queued.splice(0)) write();
  }
  async close(): Promise<void> {
    await this.flush();
    this.#closed = true;
  }

  #write(write: () => void): void {
    if (this.#closed) return;
    this.#queued.push(write);
    if (this.#queued.length === 1) this.#clock.after(commitMs, () => void this.flush());
  }
}

function mappingId(
  mapping: Pick<Mapping, 'cluster' | 'originServiceId' | 'originInstanceId'>,
): string {
  return [mapping.cluster, mapping.originServiceId, mapping.originInstanceId].join('\n');
}
