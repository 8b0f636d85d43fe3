// What changes when this replica begins to lead, or stops: who writes the registry, the export log and
// the mapping. A syncer that is alone leads as soon as it has read its registry.

import type { Mapping, Store } from '../store/ports.ts';
import type { Clock } from '../support/clock.ts';
import type { Logger } from '../support/logger.ts';
import type { Random } from '../support/random.ts';
import type { SyncEngineOptions } from './engine-options.ts';
import type { ExportLog } from './export-log.ts';
import type { ExportMirror } from './export-mirror.ts';
import type { Exporter } from './exporter.ts';
import type { LeaseKeeper } from './lease-keeper.ts';
import type { LocalView } from './local-view.ts';
import { rebuildMappings } from './mappings.ts';
import type { Reconciler } from './reconciler.ts';
import type { WriteQueue } from './write-queue.ts';

interface LeadingParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly role: SyncEngineOptions['role'];
  readonly log: ExportLog;
  readonly exporter: Exporter;
  readonly mirror: ExportMirror;
  readonly view: LocalView;
  readonly queue: WriteQueue;
  readonly leases: LeaseKeeper;
  readonly reconciler: Reconciler;
  /** Whether the registry has been read completely once: nobody leads before. */
  viewed(): boolean;
  changed(): void;
}

/** Opens and closes what only a leader does. */
export class Leading {
  readonly #parts: LeadingParts;
  #leads = false;
  /** Of the last run, until they have been brought in line with the stamps. */
  #mappings: readonly Mapping[] | undefined;

  constructor(parts: LeadingParts) {
    this.#parts = parts;
  }

  get leads(): boolean {
    return this.#leads;
  }

  /** Takes the mapping of the last run, for when this replica leads. */
  remember(mappings: readonly Mapping[]): void {
    this.#mappings = mappings;
  }

  /** Brings everything in line with the role as it is now. */
  apply(): void {
    const { role, queue, leases, store, view, reconciler } = this.#parts;
    const leads = this.#parts.viewed() && (role?.role ?? 'leader') === 'leader';
    if (leads !== this.#leads) {
      this.#leads = leads;
      if (role !== undefined) this.#changeLog(leads);
    }
    queue.setOpen(leads);
    leases.setRunning(leads);
    if (leads) {
      // Of a cluster's replicas only the leader writes the mapping.
      if (this.#mappings !== undefined) {
        rebuildMappings(store, this.#mappings, view);
        this.#mappings = undefined;
      }
      reconciler.touchAll();
    }
    this.#parts.changed();
  }

  /** Between replicas: the leader alone writes the export log and the mapping. */
  #changeLog(leads: boolean): void {
    const { store, random, clock, logger, log, exporter, mirror, view } = this.#parts;
    if (!leads) {
      exporter.follow();
      return;
    }
    log.takeOver(random);
    exporter.lead(clock.nowMs());
    mirror.filled();
    // What another leader has written since this process began.
    this.#mappings = undefined;
    store.loadMappings().then(
      (kept) => {
        if (this.#leads) rebuildMappings(store, kept, view);
      },
      (error: unknown) => logger.error({ error: String(error) }, 'the mapping could not be read'),
    );
  }
}
