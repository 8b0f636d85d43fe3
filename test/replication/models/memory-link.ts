// A stream between an export and an import in memory: frames take their time, go through the codec,
// and the whole may be cut at any moment. It is opened again by itself, as a dialer would.

import { silentLogger } from '../../../daemon/support/logger.ts';
import {
  decodeExporterFrame,
  decodeImporterFrame,
  encodeExporterFrame,
  encodeImporterFrame,
} from '../../../daemon/replication/frame-codec.ts';
import { ExportEdges } from '../../../daemon/replication/export-edges.ts';
import type { StreamEnd } from '../../../daemon/replication/frames.ts';
import { ImportEdge } from '../../../daemon/replication/import-edge.ts';
import { defaultLimits } from '../../../daemon/replication/limits.ts';
import type { ReplicationLimits } from '../../../daemon/replication/limits.ts';
import type { VersionRange } from '../../../daemon/replication/versions.ts';
import type { Clock } from '../../../daemon/support/clock.ts';
import type { MemoryExport } from './memory-export.ts';
import type { MemoryImport } from './memory-import.ts';

export interface MemoryLinkOptions {
  readonly clock: Clock;
  readonly source: MemoryExport;
  readonly sink: MemoryImport;
  readonly delayMs: number;
  readonly limits?: Partial<ReplicationLimits>;
  readonly importerVersions?: VersionRange;
  readonly exporterVersions?: VersionRange;
  /** Changes or drops (`undefined`) what the exporter sends. */
  tamper?(bytes: Buffer): Buffer | undefined;
}

const reopenMs = 100;

export class MemoryLink {
  readonly importEdge: ImportEdge;
  readonly exportEdges: ExportEdges;
  /** How streams ended, in order. */
  readonly ends: StreamEnd[] = [];
  /** Bytes on the way from the exporter, and the most there ever were. */
  bytesOnTheWay = 0;
  mostBytesOnTheWay = 0;
  #options: MemoryLinkOptions;
  #cut: (() => void) | undefined;
  #isStalled = false;
  #waiting: (() => void)[] = [];

  constructor(options: MemoryLinkOptions) {
    this.#options = options;
    const { clock, sink, source } = options;
    const limits = { ...defaultLimits, ...options.limits };
    const common = { clock, limits, registry: '', onChange: () => undefined };
    this.importEdge = new ImportEdge({
      logger: silentLogger,
      ...common,
      sink,
      cluster: 'importer',
      node: 'importer-1',
      ...(options.importerVersions === undefined ? {} : { versions: options.importerVersions }),
    });
    this.exportEdges = new ExportEdges({
      ...common,
      source,
      node: 'exporter-1',
      ...(options.exporterVersions === undefined ? {} : { versions: options.exporterVersions }),
    });
    this.#open();
  }

  /** Loses the stream and everything on it. */
  cut(): void {
    this.#cut?.();
  }

  /** From now on frames of the exporter wait, as in front of a peer that does not read. */
  stall(isStalled: boolean): void {
    this.#isStalled = isStalled;
    if (isStalled) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const deliver of waiting) deliver();
  }

  #open(): void {
    const { clock, delayMs } = this.#options;
    let isOpen = true;
    const over = (end: StreamEnd): void => {
      if (!isOpen) return;
      isOpen = false;
      this.ends.push(end);
      this.bytesOnTheWay = 0;
      this.#waiting = [];
      exporter.session.lost('the link was cut');
      if ('receive' in importer) importer.lost(`${end.code}: ${end.reason}`);
      clock.after(reopenMs, () => this.#open());
    };
    const later = (run: () => void): void => {
      clock.after(delayMs, () => {
        if (isOpen) run();
      });
    };
    const exporter = this.exportEdges.open('pull', 'memory', {
      send: (frame) => {
        const encoded = encodeExporterFrame(frame);
        const tampered =
          this.#options.tamper === undefined ? encoded : this.#options.tamper(encoded);
        if (tampered === undefined) return true;
        this.bytesOnTheWay += tampered.length;
        this.mostBytesOnTheWay = Math.max(this.mostBytesOnTheWay, this.bytesOnTheWay);
        const deliver = (): void => {
          if (!isOpen || !('receive' in importer)) return;
          this.bytesOnTheWay -= tampered.length;
          try {
            importer.receive(decodeExporterFrame(tampered));
          } catch (error) {
            importer.abort({ code: 'protocol', reason: String(error) });
          }
        };
        later(() => {
          if (this.#isStalled) this.#waiting.push(deliver);
          else deliver();
        });
        return true;
      },
      // The end arrives behind what was sent before it.
      end: (end) => later(() => over(end)),
    });
    const importer = this.importEdge.open('pull', 'memory', {
      send: (frame) => {
        const encoded = encodeImporterFrame(frame);
        later(() => exporter.session.receive(decodeImporterFrame(encoded)));
      },
      end: over,
    });
    this.#cut = () => over({ code: 'lost', reason: 'cut' });
    if (!('receive' in importer)) {
      over(importer);
      return;
    }
    exporter.session.start();
    importer.start();
  }
}
