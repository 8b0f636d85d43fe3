// The importing end of one stream, without a transport: frames in, frames out. It judges every
// frame by where the stream stands, and hands to the sink only what is proven.

import { bucketOf, DigestTable } from '../model/digest.ts';
import type { ExportHealth, ExportRecord, ImportSink, Position } from '../model/records.ts';
import type { RemovalRecord } from '../model/records.ts';
import type { Clock, Timer } from '../support/clock.ts';
import type { BucketContent, ExporterFrame, ExporterHello, HeartbeatContent } from './frames.ts';
import type { ImporterFrame, RecordsContent, StreamEnd } from './frames.ts';
import { ownVersions } from './limits.ts';
import type { ReplicationLimits } from './limits.ts';
import { recordBytes } from './record-frames.ts';
import type { EdgeFigures } from './stream-figures.ts';
import { commonVersion, versionMismatch } from './versions.ts';
import type { VersionRange } from './versions.ts';

export interface ImporterPort {
  send(frame: ImporterFrame): void;
  /** Called once, when the session is over; the transport closes. */
  end(end: StreamEnd): void;
}

export interface ImporterSessionOptions {
  readonly sink: ImportSink;
  /** Ourselves. */
  readonly cluster: string;
  readonly node: string;
  readonly registry: string;
  /** Identity of the registry that the wanted cluster is known to serve; empty: not known. */
  readonly wantedRegistry: string;
  /** `push`: the peer opened the stream, and announces itself first. */
  readonly via: 'pull' | 'push';
  readonly clock: Clock;
  readonly limits: ReplicationLimits;
  readonly versions?: VersionRange;
  readonly figures: EdgeFigures;
  readonly port: ImporterPort;
  /** The peer is who it should be, and the stream is in use. */
  onConnected?(hello: ExporterHello): void;
}

/** The stream breaks the protocol; `message` says how. */
class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

interface Snapshot {
  readonly position: Position;
  readonly expected: number;
  readonly digests: DigestTable;
  readonly startedMs: number;
  received: number;
  bytes: number;
}

interface Repair {
  readonly records: ExportRecord[];
  bytes: number;
}

export class ImporterSession {
  readonly #options: ImporterSessionOptions;
  readonly #versions: VersionRange;
  #state: 'announced' | 'greeting' | 'streaming' | 'ended';
  /** What is applied; `undefined`: a snapshot must come first. */
  #position: Position | undefined;
  #snapshot: Snapshot | undefined;
  #badSnapshots = 0;
  /** A snapshot was asked for again: deltas that were on the way do not count. */
  #isAwaitingSnapshot = false;
  #sequence = 0;
  readonly #repairs = new Map<number, Repair>();
  #health: ExportHealth = { state: 'unknown', reason: 'no heartbeat yet' };
  #heardMs: number;
  #isAccepted = false;
  #watch: Timer | undefined;

  constructor(options: ImporterSessionOptions) {
    this.#options = options;
    this.#versions = options.versions ?? ownVersions;
    this.#state = options.via === 'push' ? 'announced' : 'greeting';
    this.#heardMs = options.clock.monotonicMs();
  }

  /** True while the peer has been accepted and the stream is in use. */
  get isStreaming(): boolean {
    return this.#state === 'streaming';
  }

  /**
   * When the last frame came, on the monotonic clock; `undefined` before the peer was accepted:
   * dialling it, or hearing someone else, is no sign of its life.
   */
  get heardMs(): number | undefined {
    return this.#isAccepted ? this.#heardMs : undefined;
  }

  /** Begins: says Hello, or waits for the announcement of a Push. */
  start(): void {
    this.#watchSilence();
    if (this.#state === 'greeting') this.#sendHello();
  }

  /** Takes a frame of the exporter. Nothing of a frame that breaks the protocol is applied. */
  receive(frame: ExporterFrame): void {
    if (this.#state === 'ended') return;
    this.#heardMs = this.#options.clock.monotonicMs();
    try {
      this.#receive(frame);
    } catch (error) {
      this.#end({
        code: 'protocol',
        reason: error instanceof Error ? error.message : String(error),
      });
    }
  }

  /** The transport is gone. */
  lost(reason: string): void {
    this.#end({ code: 'lost', reason });
  }

  /** Ends for a reason of ours. */
  abort(end: StreamEnd): void {
    this.#end(end);
  }

  #receive(frame: ExporterFrame): void {
    if (frame.type === 'heartbeat') {
      if (this.#state !== 'streaming') throw new ProtocolError('heartbeat before Hello');
      this.#receiveHeartbeat(frame);
      return;
    }
    if (frame.sequence !== this.#sequence + 1) {
      throw new ProtocolError(`frame ${frame.sequence} after ${this.#sequence}`);
    }
    this.#sequence = frame.sequence;
    if (frame.type === 'goodbye') {
      this.#end({ code: frame.leaving ? 'left' : 'goodbye', reason: frame.reason });
      return;
    }
    if (frame.type === 'hello') {
      this.#receiveHello(frame);
    } else {
      if (this.#state !== 'streaming') throw new ProtocolError(`'${frame.type}' before Hello`);
      switch (frame.type) {
        case 'snapshot-begin':
          this.#beginSnapshot(frame.position, frame.records);
          break;
        case 'records':
          if (this.#snapshot === undefined) this.#applyDelta(frame);
          else this.#applyToSnapshot(this.#snapshot, frame);
          break;
        case 'snapshot-end':
          this.#endSnapshot(frame.position, frame.digests, frame.health);
          break;
        case 'bucket-content':
          this.#takeBucket(frame);
          break;
      }
    }
    if (!this.#hasEnded()) {
      this.#options.port.send({ type: 'acknowledge', sequence: frame.sequence });
    }
  }

  #hasEnded(): boolean {
    return this.#state === 'ended';
  }

  #receiveHello(hello: ExporterHello): void {
    const { sink, wantedRegistry } = this.#options;
    if (this.#state === 'streaming') throw new ProtocolError('a second Hello');
    if (hello.cluster !== sink.cluster) {
      const reason = `cluster '${hello.cluster}' answered instead of '${sink.cluster}'`;
      this.#end({ code: 'wrong-cluster', reason });
      return;
    }
    if (wantedRegistry !== '' && hello.registry !== '' && hello.registry !== wantedRegistry) {
      const reason =
        `cluster '${hello.cluster}' at another registry answered (${hello.registry} instead of ` +
        `${wantedRegistry}): two sites use one name; give one of them another --cluster-name`;
      this.#end({ code: 'wrong-cluster', reason });
      return;
    }
    const range = { min: hello.versionMin, max: hello.versionMax };
    const common = commonVersion(this.#versions, range);
    const isAnnouncement = this.#state === 'announced';
    const isSpoken = hello.version >= this.#versions.min && hello.version <= this.#versions.max;
    if (common === undefined || (!isAnnouncement && !isSpoken)) {
      this.#end({ code: 'version', reason: versionMismatch(this.#versions, range) });
      return;
    }
    if (isAnnouncement) {
      this.#state = 'greeting';
      this.#sendHello();
      return;
    }
    this.#state = 'streaming';
    this.#isAccepted = true;
    // What our Hello asked to resume from. The exporter sends a snapshot where its log's epoch is
    // another, or does not reach back that far.
    this.#position = sink.position;
    this.#options.onConnected?.(hello);
  }

  #beginSnapshot(position: Position, records: number): void {
    const { sink, clock, figures } = this.#options;
    if (this.#snapshot !== undefined) throw new ProtocolError('a snapshot within a snapshot');
    this.#isAwaitingSnapshot = false;
    this.#repairs.clear();
    this.#position = undefined;
    this.#snapshot = {
      position,
      expected: records,
      digests: new DigestTable(),
      startedMs: clock.monotonicMs(),
      received: 0,
      bytes: 0,
    };
    figures.snapshots++;
    sink.snapshotBegin(position);
  }

  #applyToSnapshot(snapshot: Snapshot, frame: RecordsContent): void {
    const { sink, clock, figures } = this.#options;
    if (frame.removals.length > 0) throw new ProtocolError('removals within a snapshot');
    snapshot.received += frame.records.length;
    if (snapshot.received > snapshot.expected) {
      throw new ProtocolError(`more records than the ${snapshot.expected} that were announced`);
    }
    for (const record of frame.records) {
      snapshot.digests.toggle(record.key, record.hash);
      snapshot.bytes += recordBytes(record);
    }
    figures.recordsIn += frame.records.length;
    sink.upsert(frame.records, clock.nowMs());
  }

  #endSnapshot(position: Position, digests: readonly number[], health: ExportHealth): void {
    const { sink, clock, limits, figures, port } = this.#options;
    const snapshot = this.#snapshot;
    if (snapshot === undefined) throw new ProtocolError('the end of no snapshot');
    if (!isSame(snapshot.position, position)) {
      throw new ProtocolError('a snapshot that ends at another position than it began');
    }
    this.#snapshot = undefined;
    const wrong = differing(snapshot.digests.values(), digests);
    if (snapshot.received === snapshot.expected && wrong.length === 0) {
      this.#badSnapshots = 0;
      this.#position = position;
      figures.lastSnapshot = {
        atMs: clock.nowMs(),
        durationMs: clock.monotonicMs() - snapshot.startedMs,
        records: snapshot.received,
        bytes: snapshot.bytes,
      };
      figures.provenEqualMs = clock.nowMs();
      sink.snapshotEnd(position, health);
      return;
    }
    const reason =
      snapshot.received === snapshot.expected
        ? `${wrong.length} of ${digests.length} digests differ`
        : `${snapshot.received} of ${snapshot.expected} records came`;
    if (++this.#badSnapshots >= limits.badSnapshots) {
      const text = `${this.#badSnapshots} snapshots in a row were wrong: ${reason}`;
      this.#end({ code: 'bad-snapshot', reason: text });
      return;
    }
    this.#isAwaitingSnapshot = true;
    port.send({ type: 'snapshot-request', reason });
  }

  #applyDelta(frame: RecordsContent): void {
    const { sink, clock, figures } = this.#options;
    if (this.#isAwaitingSnapshot) return;
    const position = this.#position;
    if (position === undefined) throw new ProtocolError('changes without a snapshot before them');
    const { records, removals, revision } = frame;
    if (revision < position.revision) {
      throw new ProtocolError(`revision ${revision} after ${position.revision}`);
    }
    const beyond = [...records, ...removals].find((entry) => entry.revision > revision);
    if (beyond !== undefined) {
      throw new ProtocolError(`'${beyond.key}' of ${beyond.revision} in a frame up to ${revision}`);
    }
    figures.recordsIn += records.length + removals.length;
    const nowMs = clock.nowMs();
    if (records.length > 0) sink.upsert(records, nowMs);
    if (removals.length > 0) sink.remove(removals, nowMs);
    this.#position = { epoch: position.epoch, revision };
    sink.advance(this.#position);
  }

  #receiveHeartbeat(beat: HeartbeatContent): void {
    const { sink, clock, figures, port } = this.#options;
    this.#health = beat.health;
    const receivedAtMs = clock.nowMs();
    let provenEqual = false;
    // Digests mean something only at the very position that we have applied.
    const isThere = this.#position !== undefined && isSame(this.#position, beat.position);
    if (isThere && beat.digests !== undefined) {
      const drifted = differing(sink.digests(), beat.digests);
      provenEqual = drifted.length === 0;
      if (provenEqual) figures.provenEqualMs = receivedAtMs;
      else if (this.#repairs.size === 0) {
        for (const bucket of drifted) this.#repairs.set(bucket, { records: [], bytes: 0 });
        port.send({ type: 'bucket-request', buckets: drifted });
      }
    }
    figures.roundTripMs = beat.roundTripMs;
    figures.clockOffsetMs = beat.clockOffsetMs;
    sink.heartbeat({
      position: beat.position,
      health: beat.health,
      clockOffsetMs: beat.clockOffsetMs,
      roundTripMs: beat.roundTripMs,
      provenEqual,
      receivedAtMs,
    });
    port.send({
      type: 'echo',
      senderTimeMs: beat.senderTimeMs,
      receiverTimeMs: receivedAtMs,
      provenEqual,
    });
  }

  #takeBucket(content: BucketContent): void {
    const { limits } = this.#options;
    const repair = this.#repairs.get(content.bucket);
    // Asked for before a snapshot began, and answered after it: of no use any more.
    if (repair === undefined) return;
    for (const record of content.records) {
      if (bucketOf(record.key) !== content.bucket) {
        throw new ProtocolError(`'${record.key}' in bucket ${content.bucket}`);
      }
      repair.bytes += recordBytes(record);
      repair.records.push(record);
    }
    if (repair.bytes > 4 * limits.messageBytes) {
      throw new ProtocolError(`bucket ${content.bucket} of more than ${repair.bytes} bytes`);
    }
    if (!content.last) return;
    this.#repairs.delete(content.bucket);
    if (this.#position?.revision === content.revision) this.#repair(content, repair.records);
  }

  /** Makes one bucket equal to the peer's. */
  #repair({ bucket, revision }: BucketContent, records: readonly ExportRecord[]): void {
    const { sink, clock, figures } = this.#options;
    const held = sink.bucket(bucket);
    const nowMs = clock.nowMs();
    const originTimeMs = nowMs + (figures.clockOffsetMs ?? 0);
    const wrong = records.filter((record) => held.get(record.key) !== record.hash);
    const named = new Set(records.map((record) => record.key));
    const gone: RemovalRecord[] = [];
    // Absence proves nothing while the origin does not trust its own view.
    if (this.#health.state === 'healthy') {
      for (const key of held.keys()) {
        if (named.has(key)) continue;
        const kind = key.startsWith('s/') ? 'service' : 'instance';
        gone.push({ kind, key, revision, proof: 'absence', originTimeMs });
      }
    }
    figures.repaired += wrong.length + gone.length;
    if (wrong.length > 0) sink.upsert(wrong, nowMs);
    if (gone.length > 0) sink.remove(gone, nowMs);
  }

  #sendHello(): void {
    const { sink, cluster, node, registry, limits, port } = this.#options;
    port.send({
      type: 'hello',
      cluster,
      node,
      registry,
      versionMin: this.#versions.min,
      versionMax: this.#versions.max,
      position: sink.position,
      windowBytes: limits.windowBytes,
      wantedCluster: sink.cluster,
    });
  }

  #watchSilence(): void {
    const { clock, limits } = this.#options;
    const limitMs = this.#state === 'streaming' ? limits.silentAfterMs : limits.helloTimeoutMs;
    const quietMs = clock.monotonicMs() - this.#heardMs;
    if (quietMs >= limitMs) {
      this.#end({ code: 'silent', reason: `nothing heard for ${Math.round(quietMs)} ms` });
      return;
    }
    this.#watch = clock.after(limitMs - quietMs, () => this.#watchSilence());
  }

  #end(end: StreamEnd): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#watch?.cancel();
    this.#snapshot = undefined;
    this.#repairs.clear();
    this.#options.port.end(end);
  }
}

function isSame(left: Position, right: Position): boolean {
  return left.epoch === right.epoch && left.revision === right.revision;
}

/** The buckets in which two digest lists differ. */
function differing(left: readonly number[], right: readonly number[]): number[] {
  const buckets: number[] = [];
  for (let bucket = 0; bucket < right.length; bucket++) {
    if (left[bucket] !== right[bucket]) buckets.push(bucket);
  }
  return buckets;
}
