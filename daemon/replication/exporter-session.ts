// The exporting end of one stream, without a transport: frames in, frames out. It pulls from the
// export log only while the peer's window is open, so a slow peer costs no memory but the window.

import type { ExportSource, LogEntry, Position } from '../model/records.ts';
import type { Clock, Timer } from '../support/clock.ts';
import { ClockFilter } from './clock-filter.ts';
import type { ExporterContent, ImporterFrame, ImporterHello, StreamEnd } from './frames.ts';
import type { ExporterFrame } from './frames.ts';
import type { BucketJob, ExportJob, SnapshotJob } from './export-job.ts';
import {
  fillDelta,
  fillFrame,
  frameOverheadBytes,
  revisionAfter,
  tooLarge,
} from './frame-filling.ts';
import { ownVersions } from './limits.ts';
import type { ReplicationLimits } from './limits.ts';
import { SendWindow } from './send-window.ts';
import type { EdgeFigures } from './stream-figures.ts';
import { commonVersion, versionMismatch } from './versions.ts';
import type { VersionRange } from './versions.ts';

export interface ExporterPort {
  /** Sends a frame; gives false when the transport is full (`drained` is called later). */
  send(frame: ExporterFrame): boolean;
  /** Called once, when the session is over; the transport closes. */
  end(end: StreamEnd): void;
}

export interface ExporterSessionOptions {
  readonly source: ExportSource;
  readonly node: string;
  readonly registry: string;
  /** `push`: we opened the stream, and announce ourselves first. */
  readonly via: 'pull' | 'push';
  readonly clock: Clock;
  readonly limits: ReplicationLimits;
  readonly versions?: VersionRange;
  readonly figures: EdgeFigures;
  readonly port: ExporterPort;
  /** Judges the importer by its Hello: gives why it is refused, or `undefined`. */
  admit(hello: ImporterHello): StreamEnd | undefined;
}

export class ExporterSession {
  readonly #options: ExporterSessionOptions;
  readonly #versions: VersionRange;
  readonly #filter = new ClockFilter();
  #state: 'waiting' | 'streaming' | 'ended' = 'waiting';
  #peer: ImporterHello | undefined;
  /** What the peer holds once everything sent is applied. */
  #position: Position | undefined;
  #job: ExportJob | undefined;
  readonly #buckets = new Set<number>();
  #snapshotRequests = 0;
  readonly #window = new SendWindow();
  #isFull = false;
  #isDirty = false;
  #coalesce: Timer | undefined;
  #beat: Timer | undefined;
  #beats = 0;
  #lastBeat: { readonly wallMs: number; readonly monotonicMs: number } | undefined;
  #heardMs: number;
  #helloTimer: Timer | undefined;
  #unsubscribe: (() => void) | undefined;

  constructor(options: ExporterSessionOptions) {
    this.#options = options;
    this.#versions = options.versions ?? ownVersions;
    this.#heardMs = options.clock.monotonicMs();
  }

  /** The importer, once it has said Hello. */
  get peer(): ImporterHello | undefined {
    return this.#peer;
  }

  /** Bytes sent and not yet acknowledged. */
  get inFlightBytes(): number {
    return this.#window.bytes;
  }

  /** Begins: waits for the importer's Hello, after our announcement on a Push. */
  start(): void {
    const { clock, limits, via } = this.#options;
    this.#helloTimer = clock.after(limits.helloTimeoutMs, () => {
      this.#end({ code: 'protocol', reason: `no Hello within ${limits.helloTimeoutMs} ms` });
    });
    if (via === 'push') this.#send(this.#hello(0), 0);
  }

  /** Takes a frame of the importer. */
  receive(frame: ImporterFrame): void {
    if (this.#state === 'ended') return;
    this.#heardMs = this.#options.clock.monotonicMs();
    if (frame.type === 'hello') {
      this.#receiveHello(frame);
      return;
    }
    if (this.#state === 'waiting') {
      this.#end({ code: 'protocol', reason: `'${frame.type}' before Hello` });
      return;
    }
    switch (frame.type) {
      case 'acknowledge':
        this.#receiveAcknowledge(frame.sequence);
        break;
      case 'bucket-request':
        for (const bucket of frame.buckets) this.#buckets.add(bucket);
        break;
      case 'snapshot-request':
        if (++this.#snapshotRequests > this.#options.limits.badSnapshots) {
          this.#end({ code: 'bad-snapshot', reason: `asked for again: ${frame.reason}` });
          return;
        }
        this.#position = undefined;
        this.#job = undefined;
        break;
      case 'echo':
        this.#receiveEcho(frame.senderTimeMs, frame.receiverTimeMs, frame.provenEqual);
        break;
    }
    this.#pump();
  }

  /** The transport takes frames again. */
  drained(): void {
    this.#isFull = false;
    this.#pump();
  }

  /** The transport is gone. */
  lost(reason: string): void {
    this.#end({ code: 'lost', reason });
  }

  /** Says goodbye and ends. `leaving`: the cluster leaves the pool; else it comes back. */
  stop(leaving: boolean, reason: string): void {
    if (this.#state === 'streaming') this.#send({ type: 'goodbye', leaving, reason }, 0);
    this.#end({ code: leaving ? 'left' : 'stopped', reason });
  }

  /** Ends without a goodbye, for a reason of ours. */
  abort(end: StreamEnd): void {
    this.#end(end);
  }

  #receiveHello(hello: ImporterHello): void {
    if (this.#state !== 'waiting') {
      this.#end({ code: 'protocol', reason: 'a second Hello' });
      return;
    }
    const { source, clock, limits, figures } = this.#options;
    this.#peer = hello;
    const range = { min: hello.versionMin, max: hello.versionMax };
    const version = commonVersion(this.#versions, range);
    if (hello.wantedCluster !== source.cluster) {
      const reason = `this is cluster '${source.cluster}', not '${hello.wantedCluster}'`;
      this.#end({ code: 'wrong-cluster', reason });
      return;
    }
    if (version === undefined) {
      this.#end({ code: 'version', reason: versionMismatch(range, this.#versions) });
      return;
    }
    const refusal = this.#options.admit(hello);
    if (refusal !== undefined) {
      this.#end(refusal);
      return;
    }
    this.#helloTimer?.cancel();
    // Less than a frame would never let one go.
    this.#window.open(Math.min(limits.windowBytes, Math.max(limits.frameBytes, hello.windowBytes)));
    this.#position = hello.position;
    figures.acknowledgedRevision =
      hello.position?.epoch === source.epoch ? hello.position.revision : undefined;
    this.#state = 'streaming';
    this.#unsubscribe = source.onChange(() => this.#onChange());
    this.#send(this.#hello(version), 0);
    this.#sendHeartbeat();
    this.#beat = clock.after(limits.heartbeatMs, () => this.#onBeat());
    this.#pump();
  }

  #receiveAcknowledge(sequence: number): void {
    if (sequence > this.#window.sequence) {
      const reason = `frame ${sequence} acknowledged, ${this.#window.sequence} sent`;
      this.#end({ code: 'protocol', reason });
      return;
    }
    const revision = this.#window.acknowledged(sequence);
    if (revision !== undefined) this.#options.figures.acknowledgedRevision = revision;
  }

  #receiveEcho(sentMs: number, peerMs: number, provenEqual: boolean): void {
    const { clock, figures } = this.#options;
    if (provenEqual) figures.provenEqualMs = clock.nowMs();
    // Only the echo of the last beat can be timed; an older one was on the way too long anyway.
    if (this.#lastBeat?.wallMs !== sentMs) return;
    const isFirst = this.#filter.best === undefined;
    const roundTripMs = clock.monotonicMs() - this.#lastBeat.monotonicMs;
    this.#lastBeat = undefined;
    this.#filter.add(sentMs, peerMs, clock.nowMs(), roundTripMs);
    figures.roundTripMs = this.#filter.best?.roundTripMs;
    figures.clockOffsetMs = this.#filter.best?.offsetMs;
    // The importer should not have to wait a second for the first figures.
    if (isFirst) this.#sendHeartbeat();
  }

  /** The first change goes at once; those that follow wait a moment for company. */
  #onChange(): void {
    if (this.#coalesce !== undefined) {
      this.#isDirty = true;
      return;
    }
    this.#coalesce = this.#options.clock.after(this.#options.limits.coalesceMs, () => {
      this.#coalesce = undefined;
      if (!this.#isDirty) return;
      this.#isDirty = false;
      this.#onChange();
    });
    this.#pump();
  }

  #onBeat(): void {
    const { clock, limits } = this.#options;
    const quietMs = clock.monotonicMs() - this.#heardMs;
    if (quietMs > limits.deafAfterMs) {
      this.#end({ code: 'silent', reason: `nothing heard for ${Math.round(quietMs)} ms` });
      return;
    }
    this.#beat = clock.after(limits.heartbeatMs, () => this.#onBeat());
    this.#sendHeartbeat();
    this.#pump();
  }

  #sendHeartbeat(): void {
    // Behind a full transport a beat would only queue; what it queues behind shows that we live.
    if (this.#isFull || this.#state !== 'streaming') return;
    const { source, clock, limits } = this.#options;
    const isIdle =
      this.#job === undefined &&
      source.ready &&
      this.#position?.epoch === source.epoch &&
      this.#position.revision === source.revision;
    const withDigests = isIdle && this.#beats++ % limits.digestEveryBeats === 0;
    const best = this.#filter.best;
    this.#lastBeat = { wallMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
    this.#send(
      {
        type: 'heartbeat',
        position: { epoch: source.epoch, revision: source.revision },
        senderTimeMs: this.#lastBeat.wallMs,
        health: source.ready
          ? source.health
          : { state: 'unknown', reason: 'the registry has not been read completely yet' },
        digests: withDigests ? source.digests() : undefined,
        roundTripMs: best?.roundTripMs,
        clockOffsetMs: best?.offsetMs,
      },
      0,
    );
  }

  /** Sends what there is to send while the window is open. */
  #pump(): void {
    while (this.#state === 'streaming' && !this.#isFull && this.#window.isOpen && this.#step());
  }

  /** Sends one frame; gives false when nothing is left to send. */
  #step(): boolean {
    const { source, limits } = this.#options;
    if (this.#job?.kind === 'snapshot') return this.#stepSnapshot(this.#job);
    if (this.#job?.kind === 'bucket') return this.#stepBucket(this.#job);
    if (!source.ready) return false;
    const position = this.#position;
    const entries =
      position?.epoch === source.epoch && position.revision <= source.revision
        ? source.since(position, limits.frameRecords)
        : undefined;
    if (position === undefined || entries === undefined) return this.#beginSnapshot();
    if (entries.length > 0 || position.revision < source.revision) {
      return this.#sendDelta(entries);
    }
    return this.#beginBucket();
  }

  #beginSnapshot(): boolean {
    const { source, clock, figures } = this.#options;
    const position = { epoch: source.epoch, revision: source.revision };
    // References, not copies: what the log replaces meanwhile lives until it is sent.
    const records = [...source.records()];
    this.#job = {
      kind: 'snapshot',
      position,
      records,
      digests: source.digests(),
      healthy: source.health.state === 'healthy',
      startedMs: clock.monotonicMs(),
      next: 0,
      bytes: 0,
    };
    figures.snapshots++;
    this.#buckets.clear();
    this.#send({ type: 'snapshot-begin', position, records: records.length }, 0);
    return true;
  }

  #stepSnapshot(job: SnapshotJob): boolean {
    const { source, clock, figures } = this.#options;
    if (job.next < job.records.length) {
      const { records, bytes } = fillFrame(job.records, job.next, this.#options.limits);
      job.next += records.length;
      job.bytes += bytes;
      this.#send({ type: 'records', records, removals: [], revision: 0 }, bytes);
      return true;
    }
    this.#job = undefined;
    this.#position = job.position;
    const isHealthy = job.healthy && source.health.state === 'healthy';
    this.#send(
      {
        type: 'snapshot-end',
        position: job.position,
        digests: job.digests,
        health: isHealthy
          ? source.health
          : { state: 'unknown', reason: source.health.reason || 'the registry was not trusted' },
      },
      0,
    );
    figures.lastSnapshot = {
      atMs: clock.nowMs(),
      durationMs: clock.monotonicMs() - job.startedMs,
      records: job.records.length,
      bytes: job.bytes,
    };
    return true;
  }

  #sendDelta(entries: readonly LogEntry[]): boolean {
    const { source, limits } = this.#options;
    const { entries: taken, bytes } = fillDelta(entries, limits);
    const isAll = taken.length === entries.length && entries.length < limits.frameRecords;
    const revision = isAll ? source.revision : (taken.at(-1)?.revision ?? source.revision);
    this.#position = { epoch: source.epoch, revision };
    this.#send(
      {
        type: 'records',
        records: taken.filter((entry) => entry.type === 'upsert'),
        removals: taken.filter((entry) => entry.type === 'removal'),
        revision,
      },
      bytes,
    );
    return true;
  }

  /** Takes up the next bucket that was asked for. Only called when all deltas are sent. */
  #beginBucket(): boolean {
    const { source } = this.#options;
    const [bucket] = this.#buckets;
    if (bucket === undefined) return false;
    this.#buckets.delete(bucket);
    const records = [...source.bucket(bucket)];
    this.#job = { kind: 'bucket', bucket, records, revision: source.revision, next: 0 };
    return true;
  }

  #stepBucket(job: BucketJob): boolean {
    const { records, bytes } = fillFrame(job.records, job.next, this.#options.limits);
    job.next += records.length;
    const last = job.next === job.records.length;
    if (last) this.#job = undefined;
    const { bucket, revision } = job;
    this.#send({ type: 'bucket-content', bucket, records, last, revision }, bytes);
    return true;
  }

  #hello(version: number): ExporterContent {
    const { source, node, registry } = this.#options;
    return {
      type: 'hello',
      cluster: source.cluster,
      node,
      registry,
      version,
      versionMin: this.#versions.min,
      versionMax: this.#versions.max,
      position: { epoch: source.epoch, revision: source.revision },
    };
  }

  #send(content: ExporterContent, bytes: number): void {
    const { limits, figures, port } = this.#options;
    if (this.#state === 'ended') return;
    if (bytes + frameOverheadBytes > limits.messageBytes) {
      this.#end({
        code: 'record-too-large',
        reason: tooLarge(content, bytes, limits.messageBytes),
      });
      return;
    }
    if (content.type === 'records') {
      figures.recordsOut += content.records.length + content.removals.length;
    }
    const sequence =
      content.type === 'heartbeat'
        ? 0
        : this.#window.sent(bytes + frameOverheadBytes, revisionAfter(content));
    if (!port.send({ sequence, ...content })) this.#isFull = true;
  }

  #end(end: StreamEnd): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#helloTimer?.cancel();
    this.#beat?.cancel();
    this.#coalesce?.cancel();
    this.#unsubscribe?.();
    this.#job = undefined;
    this.#window.clear();
    this.#options.port.end(end);
  }
}
