// What changes when this replica begins to lead, or stops: who writes the registry, the export log and
// the mapping. A syncer that is alone leads as soon as it has read its registry.

import type { Mapping, Store } from '../store/ports.ts';
import type { Clock, Timer } from '../support/clock.ts';
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

/**
 * When a replica that took over looks again whether the mapping is what the stamps say: the leader before
 * it may have written after this one's view was read, and not have told etcd. Looked at more often, 150,000
 * mappings are read from the disk more often.
 */
const alignAfterMs = [5_000, 30_000] as const;
const alignEveryMs = 600_000;

/** Opens and closes what only a leader does. */
export class Leading {
  readonly #parts: LeadingParts;
  #leads = false;
  /** Of the last run, until they have been brought in line with the stamps. */
  #mappings: readonly Mapping[] | undefined;
  #aligning: Timer | undefined;

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
    const { random, clock, log, exporter, mirror } = this.#parts;
    this.#aligning?.cancel();
    if (!leads) {
      exporter.follow();
      return;
    }
    log.takeOver(random);
    exporter.lead(clock.nowMs());
    mirror.filled();
    // What another leader has written since this process began.
    this.#mappings = undefined;
    this.#align(0);
  }

  /** Brings the mapping in line with the stamps, and does so again later. */
  #align(times: number): void {
    const { store, logger, view, clock } = this.#parts;
    this.#aligning = clock.after(alignAfterMs[times] ?? alignEveryMs, () => this.#align(times + 1));
    const begun = this.#aligning;
    store.loadMappings().then(
      (kept) => {
        if (this.#leads && this.#aligning === begun) rebuildMappings(store, kept, view);
      },
      (error: unknown) => logger.error({ error: String(error) }, 'the mapping could not be read'),
    );
  }
}
