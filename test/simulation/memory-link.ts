// Moves one cluster's export to another's sink as a resumable stream does, without a network: with
// delay, cuts, snapshots, deltas, heartbeats, and digests that repair.

import type {
  ExportSource,
  ImportSink,
  LogEntry,
  Position,
  RemovalRecord,
} from '../../daemon/model/records.ts';
import type { Clock, Timer } from '../../daemon/support/clock.ts';
import { randomInt, type Random } from '../../daemon/support/random.ts';

const beatMs = 1000;
/** Silence that ends a stream, as both sides see it. */
const silentAfterMs = 5000;
const retryMs = 500;

export interface MemoryLinkOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** The exporter's, `undefined` while its process is away. */
  readonly source: () => ExportSource | undefined;
  readonly sink: () => ImportSink | undefined;
  readonly clockOffsetMs: () => number;
  /** What the importer's wall clock shows. */
  readonly toWallMs: () => number;
}

/** One directed edge between two clusters. */
export class MemoryLink {
  readonly #options: MemoryLinkOptions;
  cut = false;
  delayMs = 2;
  #stopped = false;
  #stream: Stream | undefined;
  #lastBeatMs = 0;
  #timer: Timer | undefined;

  constructor(options: MemoryLinkOptions) {
    this.#options = options;
    this.#lastBeatMs = options.clock.monotonicMs();
    this.#watch();
  }

  /** When the importer last heard anything (monotonic). */
  get heardMs(): number {
    return this.#stream?.heardMs ?? this.#lastBeatMs;
  }

  /** The exporter says that it leaves. */
  leave(): void {
    this.#lastBeatMs = this.heardMs;
    this.#stream?.close();
    this.#stream = undefined;
    if (!this.cut) this.#options.sink()?.link('left', 'announced');
  }
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#stream?.close();
  }

  #watch(): void {
    if (this.#stopped) return;
    const { clock } = this.#options;
    const nowMs = clock.monotonicMs();
    const source = this.#options.source();
    const sink = this.#options.sink();
    const stream = this.#stream;
    if (stream !== undefined) {
      const stale = stream.source !== source || stream.sink !== sink;
      if (stale || nowMs - stream.heardMs > silentAfterMs) {
        stream.close();
        this.#stream = undefined;
        this.#lastBeatMs = stream.heardMs;
      }
    }
    if (this.#stream === undefined) {
      if (source?.ready === true && sink !== undefined && !this.cut) {
        this.#stream = new Stream(this.#options, source, sink, () => !this.cut, this.delayMs);
      } else if (nowMs - this.#lastBeatMs > silentAfterMs) {
        sink?.link('silent', 'no heartbeat');
      }
    }
    this.#timer = clock.after(retryMs, () => this.#watch());
  }
}

class Stream {
  readonly source: ExportSource;
  readonly sink: ImportSink;
  heardMs: number;
  readonly #options: MemoryLinkOptions;
  readonly #passes: () => boolean;
  readonly #delayMs: number;
  readonly #stopListening: () => void;
  #sent: Position;
  #closed = false;
  #broken = false;
  #pumping = false;
  #beats = 0;

  constructor(
    options: MemoryLinkOptions,
    source: ExportSource,
    sink: ImportSink,
    passes: () => boolean,
    delayMs: number,
  ) {
    this.#options = options;
    this.source = source;
    this.sink = sink;
    this.#passes = passes;
    this.#delayMs = delayMs;
    this.heardMs = options.clock.monotonicMs();
    const resume = sink.position;
    sink.link('connected', '');
    if (resume !== undefined && source.since(resume, 1) !== undefined) this.#sent = resume;
    else this.#sent = this.#snapshot();
    this.#stopListening = source.onChange(() => this.#pump());
    this.#pump();
    this.#beat();
  }

  close(): void {
    this.#closed = true;
    this.#stopListening();
  }

  #snapshot(): Position {
    const position = { epoch: this.source.epoch, revision: this.source.revision };
    const records = [...this.source.records()];
    const digests = this.source.digests();
    const { health } = this.source;
    this.#deliver(() => this.sink.snapshotBegin(position));
    while (records.length > 0) {
      const batch = records.splice(0, 1 + randomInt(this.#options.random, 20));
      this.#deliver(() => this.sink.upsert(batch, this.#options.toWallMs()));
    }
    this.#deliver(() => {
      this.sink.snapshotEnd(position, health);
      const held = this.sink.digests();
      if (digests.some((value, index) => value !== held[index])) {
        throw new Error(`the snapshot of ${this.source.cluster} does not add up`);
      }
    });
    return position;
  }

  /** Sends what the log has gained, in the order of the log. */
  #pump(): void {
    if (this.#closed || this.#broken || this.#pumping) return;
    this.#pumping = true;
    this.#options.clock.after(1, () => {
      this.#pumping = false;
      if (this.#closed) return;
      const entries = this.source.since(this.#sent, 50);
      if (entries === undefined) {
        this.#broken = true;
        return;
      }
      const last = entries.at(-1);
      const revision = last?.revision ?? this.source.revision;
      const position = { epoch: this.source.epoch, revision };
      this.#sent = position;
      this.#deliver(() => {
        this.#apply(entries);
        this.sink.advance(position);
      });
      if (revision < this.source.revision) this.#pump();
    });
  }

  #apply(entries: readonly LogEntry[]): void {
    const nowMs = this.#options.toWallMs();
    const removals: RemovalRecord[] = [];
    for (const entry of entries) {
      if (entry.type === 'upsert') this.sink.upsert([entry], nowMs);
      else removals.push(entry);
    }
    if (removals.length > 0) this.sink.remove(removals, nowMs);
  }

  #beat(): void {
    if (this.#closed || this.#broken) return;
    const { clock, clockOffsetMs } = this.#options;
    const position = { epoch: this.source.epoch, revision: this.source.revision };
    const { health } = this.source;
    const idle = this.#sent.revision === position.revision;
    const digests = idle && this.#beats++ % 5 === 0 ? this.source.digests() : undefined;
    this.#deliver(() => {
      this.heardMs = clock.monotonicMs();
      const held = this.sink.digests();
      const differing = digests?.flatMap((value, index) => (value === held[index] ? [] : [index]));
      this.sink.heartbeat({
        position,
        health,
        clockOffsetMs: clockOffsetMs(),
        roundTripMs: 2 * this.#delayMs,
        provenEqual: differing?.length === 0,
        receivedAtMs: this.#options.toWallMs(),
      });
      for (const index of differing ?? []) this.#repair(index, position);
    });
    clock.after(beatMs, () => this.#beat());
  }

  #repair(index: number, position: Position): void {
    if (this.source.revision !== position.revision) return;
    const nowMs = this.#options.toWallMs();
    const held = this.sink.bucket(index);
    const there = new Set<string>();
    for (const record of this.source.bucket(index)) {
      there.add(record.key);
      if (held.get(record.key) !== record.hash) this.sink.upsert([record], nowMs);
    }
    const { revision } = position;
    const removals = [...held.keys()]
      .filter((key) => !there.has(key))
      .map((key) => {
        const kind = key.startsWith('s/') ? ('service' as const) : ('instance' as const);
        return { kind, key, revision, proof: 'absence' as const, originTimeMs: nowMs };
      });
    if (removals.length > 0) this.sink.remove(removals, nowMs);
  }

  /** Delivers after the delay, in order; what meets a cut is lost, and the stream with it. */
  #deliver(apply: () => void): void {
    this.#options.clock.after(this.#delayMs, () => {
      if (this.#closed || this.#broken) return;
      if (!this.#passes()) {
        this.#broken = true;
        return;
      }
      apply();
    });
  }
}
