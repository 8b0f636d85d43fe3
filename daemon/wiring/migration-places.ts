// The two places of a mapping that is moved: the state file of a data directory, and the etcd that the
// configuration names or that a replica runs here.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { SyncerError } from '../../proto/errors.ts';
import { createEtcdEndpoints } from '../cluster/etcd-endpoints.ts';
import { clientUrlFile } from '../cluster/etcd-member.ts';
import { announceSingle, etcdPlace, type MappingPlace } from '../cluster/migration.ts';
import { holdDataDir } from '../config/data-dir.ts';
import type { Config } from '../config/schema.ts';
import { readMappingFile } from '../store/mapping-file.ts';
import { openSqliteStore } from '../store/sqlite-store.ts';
import type { Store } from '../store/ports.ts';
import type { Clock } from '../support/clock.ts';
import { silentLogger } from '../support/logger.ts';
import { systemRandom } from '../support/random.ts';
import { etcdAccess } from './etcd-access.ts';

export interface MigrationPlaces {
  readonly etcd: MappingPlace;
  readonly sqlite: MappingPlace;
  /**
   * Writes into etcd that `node` runs alone, so that no replica leads beside it. Rejects with
   * `cluster.two-writers` when one does.
   */
  announceSingle(node: string): Promise<void>;
  close(): Promise<void>;
}

/** Mappings of one transaction of SQLite. */
const changesPerTransaction = 1_000;

/**
 * Gives the places; SQLite as a target need not be there yet. Throws `cluster.no-etcd` or
 * `tls.file-unreadable`.
 */
export function migrationPlaces(
  config: Config,
  target: 'etcd' | 'sqlite',
  clock: Clock,
): MigrationPlaces {
  const etcd = createEtcdEndpoints(etcdAccess(config.cluster) ?? ownMember(config.dataDir));
  const sqlite = sqlitePlace(config.dataDir, target === 'sqlite', clock);
  return {
    etcd: etcdPlace(etcd, config.clusterName),
    sqlite,
    announceSingle: (node) => announceSingle(etcd, node),
    async close() {
      etcd.close();
      await sqlite.close();
    },
  };
}

/** The etcd member of a replica that runs with this data directory. */
function ownMember(dataDir: string): { readonly endpoints: readonly string[] } {
  try {
    const url = readFileSync(path.join(dataDir, 'etcd', clientUrlFile), 'utf8').trim();
    return { endpoints: [url] };
  } catch (cause) {
    throw new SyncerError('cluster.no-etcd', {}, cause);
  }
}

/** Read beside the daemon that has it; written to only while none has. */
function sqlitePlace(
  directory: string,
  mayBeNew: boolean,
  clock: Clock,
): MappingPlace & { close(): Promise<void> } {
  let opened: { readonly store: Store; release(): void } | undefined;
  return {
    changesPerWrite: changesPerTransaction,
    async read() {
      const mappings =
        opened === undefined ? readMappingFile(directory) : await opened.store.loadMappings();
      if (mappings === undefined && !mayBeNew) {
        throw new SyncerError('cluster.no-state', { directory });
      }
      return { mappings: mappings ?? [], unreadable: 0 };
    },
    async prepare() {
      const held = holdDataDir(directory, clock.nowMs());
      const parts = { clock, random: systemRandom, logger: silentLogger };
      const store = await openSqliteStore({ directory }, parts);
      opened = { store, release: () => held.release() };
    },
    async write(changes) {
      const store = opened?.store;
      if (store === undefined) throw new Error('written to before it was prepared');
      for (const change of changes) {
        if ('put' in change) store.putMapping(change.put);
        else store.deleteMapping(change.delete);
      }
      await store.flush();
    },
    async close() {
      await opened?.store.close();
      opened?.release();
    },
  };
}
