// What one peer cluster exports, as far as we heard it: its records, where its log stands, how its
// registry fares and since when it has been silent. Replication fills it; the reconciler reads it.

import { decodeService, RecordError } from '../model/record-codec.ts';
import {
  instanceRecordKey,
  serviceRecordKey,
  type ExportHealth,
  type ExportRecord,
  type ImportSink,
  type LinkState,
  type PeerHeartbeat,
  type Position,
  type RemovalRecord,
} from '../model/records.ts';
import type { Clock } from '../support/clock.ts';
import { copyBytes } from './copy-bytes.ts';
import { bucketOf, DigestTable } from '../model/digest.ts';
import type { PeerInstance, PeerRemoval, PeerService } from './peer-records.ts';
import { CatchUp, hasReached } from './catch-up.ts';
import { fitsKind, splitRecordKey } from './record-keys.ts';
import { SilenceClock } from './silence-clock.ts';

/** Records taken from one peer. What exceeds them is refused and said; it bounds our memory. */
const maxRecords = 1_000_000;
/** A record larger than this is refused: no registry takes an instance or service of that size. */
const maxPayloadBytes = 4 * 1024 * 1024;
/** Removals of a peer that are remembered while its copies leave. */
const maxRemovals = 200_000;

/** What the reconciler hears of a peer. */
export interface PeerObserver {
  /** A service of the peer, or instances under it, changed. */
  serviceChanged(peer: PeerState, service: PeerService): void;
  /** Health, link or completeness changed: all of the peer's copies may be judged anew. */
  peerChanged(peer: PeerState): void;
}

export class PeerState implements ImportSink {
  readonly cluster: string;
  readonly #clock: Clock;
  readonly #observer: PeerObserver;
  readonly #services = new Map<string, PeerService>();
  readonly #removals = new Map<string, PeerRemoval>();
  readonly #refused = new Map<string, string>();
  readonly #digests = new DigestTable();
  #instances = 0;
  #records = 0;
  #unproven = 0;
  #position: Position | undefined;
  #staging = false;
  #generation = 0;
  #complete = false;
  readonly #catchUp = new CatchUp();
  #health: ExportHealth = { state: 'unknown', reason: 'not heard yet' };
  #link: LinkState = 'connecting';
  #linkReason = '';
  #sinceMs: number;
  readonly #silence: SilenceClock;
  #clockOffsetMs: number | undefined;
  #roundTripMs: number | undefined;
  #provenEqualMs: number | undefined;

  /** @param lastHeardMs wall clock of the last sign of life in an earlier process, if there was one */
  constructor(
    cluster: string,
    lastHeardMs: number | undefined,
    clock: Clock,
    observer: PeerObserver,
  ) {
    this.cluster = cluster;
    this.#clock = clock;
    this.#observer = observer;
    this.#silence = new SilenceClock(clock, lastHeardMs);
    this.#sinceMs = clock.nowMs();
  }

  get position(): Position | undefined {
    return this.#staging ? undefined : this.#position;
  }
  get health(): ExportHealth {
    return this.#health;
  }
  get linkState(): LinkState {
    return this.#link;
  }
  get linkReason(): string {
    return this.#linkReason;
  }
  get sinceMs(): number {
    return this.#sinceMs;
  }
  /** Wall clock of the last sign of life, in this process or an earlier one. */
  get lastHeardMs(): number | undefined {
    return this.#silence.lastHeardMs;
  }
  /** True once this process has heard it. */
  get heardHere(): boolean {
    return this.#silence.heardHere;
  }
  get clockOffsetMs(): number | undefined {
    return this.#clockOffsetMs;
  }
  get roundTripMs(): number | undefined {
    return this.#roundTripMs;
  }
  get provenEqualMs(): number | undefined {
    return this.#provenEqualMs;
  }
  get instanceCount(): number {
    return this.#instances;
  }
  get serviceCount(): number {
    return this.#records - this.#instances;
  }
  /** Since the last sign of life, milliseconds, whatever the wall clock did meanwhile. */
  get silentForMs(): number {
    return this.#silence.silentForMs;
  }
  /** How long this process has known the peer, milliseconds. */
  get listeningForMs(): number {
    return this.#silence.listeningForMs;
  }
  /** True when it has told all that happened while it was not heard (catch-up.ts). */
  get isCurrent(): boolean {
    return this.#catchUp.isCurrent;
  }
  /**
   * True when what we hold is the peer's whole export as of now, and its registry vouches for it:
   * only then does absence prove anything.
   */
  get provesAbsence(): boolean {
    return this.isCurrent && this.#isWhole;
  }
  /** Records that were refused, with the reason. */
  get refused(): ReadonlyMap<string, string> {
    return this.#refused;
  }

  services(): Iterable<PeerService> {
    return this.#services.values();
  }
  service(serviceId: string): PeerService | undefined {
    return this.#services.get(serviceId);
  }
  /** How a key ceased to be exported, if that is remembered. */
  removal(key: string): PeerRemoval | undefined {
    return this.#removals.get(key);
  }
  /** A removal's work is done: its copy is gone. */
  forgetRemoval(key: string): void {
    this.#removals.delete(key);
  }

  snapshotBegin(position: Position): void {
    this.#staging = true;
    this.#catchUp.fallBehind();
    this.#generation++;
    this.#position = position;
  }

  upsert(records: readonly ExportRecord[], receivedAtMs: number): void {
    this.#silence.heard(receivedAtMs);
    const touched = new Set<PeerService>();
    for (const record of records) {
      const refusal = this.#refusal(record);
      if (refusal !== undefined) {
        this.#refused.set(record.key, refusal);
        continue;
      }
      const service = this.#put(record, this.#staging ? 0 : receivedAtMs);
      if (service !== undefined) touched.add(service);
    }
    this.#announce(touched);
  }

  snapshotEnd(position: Position, health: ExportHealth): void {
    const touched = new Set<PeerService>();
    for (const service of this.#services.values()) {
      if (service.record !== undefined && service.generation !== this.#generation) {
        this.#doubt(service, touched);
      }
      for (const instance of service.instances.values()) {
        if (instance.generation !== this.#generation) this.#doubt(service, touched, instance);
      }
    }
    this.#staging = false;
    this.#position = position;
    this.#complete = true;
    this.#setHealth(health);
    this.#conclude(position, touched);
    this.#announce(touched);
    this.#observer.peerChanged(this);
  }

  remove(removals: readonly RemovalRecord[], receivedAtMs: number): void {
    this.#silence.heard(receivedAtMs);
    const touched = new Set<PeerService>();
    for (const removal of removals) {
      this.#refused.delete(removal.key);
      const found = this.#locate(removal.key);
      if (removal.proof === 'tombstone') {
        if (found !== undefined) this.#delete(found.service, found.instance, touched);
        this.#remember(removal.key, removal);
      } else if (found !== undefined) {
        this.#doubt(found.service, touched, found.instance);
      }
    }
    if (this.#position !== undefined) this.#conclude(this.#position, touched);
    this.#announce(touched);
  }

  advance(position: Position): void {
    this.#position = position;
    if (this.#catchUp.reached(this.position)) this.#observer.peerChanged(this);
  }

  heartbeat(beat: PeerHeartbeat): void {
    this.#silence.heard(beat.receivedAtMs);
    this.#clockOffsetMs = beat.clockOffsetMs ?? this.#clockOffsetMs;
    this.#roundTripMs = beat.roundTripMs ?? this.#roundTripMs;
    if (beat.provenEqual) this.#provenEqualMs = beat.receivedAtMs;
    const healthChanged = this.#setHealth(beat.health);
    // One whose registry has not been read yet (it has just started) only repeats what it knew.
    if (beat.health.state === 'healthy') this.#catchUp.heard(beat.position);
    const caughtUp = this.#catchUp.reached(this.position);
    const touched = new Set<PeerService>();
    this.#conclude(beat.position, touched);
    this.#announce(touched);
    if (healthChanged || caughtUp) this.#observer.peerChanged(this);
  }

  link(state: LinkState, reason: string): void {
    const changed = state !== this.#link;
    if (changed) this.#sinceMs = this.#clock.nowMs();
    this.#link = state;
    this.#linkReason = reason;
    if (state === 'connected') this.#silence.heard(this.#clock.nowMs());
    else this.#catchUp.fallBehind();
    if (changed) this.#observer.peerChanged(this);
  }

  digests(): readonly number[] {
    return this.#digests.values();
  }

  bucket(index: number): ReadonlyMap<string, number> {
    const hashes = new Map<string, number>();
    for (const service of this.#services.values()) {
      const key = `s/${service.serviceId}`;
      if (service.record !== undefined && !service.unproven && bucketOf(key) === index) {
        hashes.set(key, service.record.hash);
      }
      for (const instance of service.instances.values()) {
        const instanceKey = `i/${service.serviceId}/${instance.instanceId}`;
        if (!instance.unproven && bucketOf(instanceKey) === index) {
          hashes.set(instanceKey, instance.hash);
        }
      }
    }
    return hashes;
  }

  get #isWhole(): boolean {
    return this.#complete && !this.#staging && this.#health.state === 'healthy';
  }

  #setHealth(health: ExportHealth): boolean {
    const changed = health.state !== this.#health.state;
    this.#health = health;
    return changed;
  }

  #refusal(record: ExportRecord): string | undefined {
    if (record.payload.length > maxPayloadBytes) {
      return `record of ${record.payload.length} bytes, over the limit of ${maxPayloadBytes}`;
    }
    if (this.#records >= maxRecords && this.#locate(record.key) === undefined) {
      return `the peer exports more than ${maxRecords} records`;
    }
    return fitsKind(record.key, record.kind) ? undefined : 'a key that does not fit its kind';
  }

  /** Puts a record; gives its service when that changes anything. */
  #put(record: ExportRecord, receivedAtMs: number): PeerService | undefined {
    const { serviceId, instanceId = '' } = splitRecordKey(record.key) ?? { serviceId: '' };
    this.#removals.delete(record.key);
    this.#refused.delete(record.key);
    const service = this.#services.get(serviceId) ?? this.#newService(serviceId);
    if (record.kind === 'service') return this.#putService(service, record);
    const before = service.instances.get(instanceId);
    const revived = before?.unproven === true;
    if (before !== undefined) {
      before.generation = this.#generation;
      if (revived) {
        before.unproven = false;
        this.#unproven--;
        this.#digests.toggle(record.key, before.hash);
      }
      if (before.hash === record.hash) return revived ? service : undefined;
      this.#digests.toggle(record.key, before.hash);
    } else {
      this.#instances++;
      this.#records++;
    }
    this.#digests.toggle(record.key, record.hash);
    service.instances.set(instanceId, {
      instanceId,
      revision: record.revision,
      hash: record.hash,
      originTimeMs: record.originTimeMs,
      payload: copyBytes(record.payload),
      receivedAtMs,
      unproven: false,
      generation: this.#generation,
      derived: undefined,
    });
    return service;
  }

  #putService(service: PeerService, record: ExportRecord): PeerService | undefined {
    const before = service.record;
    const revived = service.unproven;
    service.generation = this.#generation;
    if (revived && before !== undefined) {
      service.unproven = false;
      this.#unproven--;
      this.#digests.toggle(record.key, before.hash);
    }
    if (before?.hash === record.hash) return revived ? service : undefined;
    try {
      service.record = { service: decodeService(record.payload), hash: record.hash };
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      this.#refused.set(record.key, error.message);
      return undefined;
    }
    if (before === undefined) this.#records++;
    else this.#digests.toggle(record.key, before.hash);
    this.#digests.toggle(record.key, record.hash);
    return service;
  }

  #newService(serviceId: string): PeerService {
    const service: PeerService = {
      serviceId,
      record: undefined,
      unproven: false,
      generation: this.#generation,
      instances: new Map(),
    };
    this.#services.set(serviceId, service);
    return service;
  }

  /** Marks as absent without proof: kept, and no part of what we claim to hold. */
  #doubt(service: PeerService, touched: Set<PeerService>, instance?: PeerInstance): void {
    const subject = instance ?? service;
    const hash = instance?.hash ?? service.record?.hash;
    if (subject.unproven || hash === undefined) return;
    subject.unproven = true;
    this.#unproven++;
    this.#digests.toggle(keyOf(service, instance), hash);
    touched.add(service);
  }

  /**
   * A healthy origin whose log we have applied up to `position`: what a snapshot or a repair left
   * out, and nothing named since, is absent for sure.
   */
  #conclude(position: Position, touched: Set<PeerService>): void {
    if (this.#unproven === 0 || !this.#isWhole || !hasReached(this.#position, position)) return;
    const removal = {
      proof: 'absence',
      revision: position.revision,
      originTimeMs: this.#clock.nowMs(),
    } as const;
    for (const service of [...this.#services.values()]) {
      for (const instance of [...service.instances.values()]) {
        if (!instance.unproven) continue;
        this.#delete(service, instance, touched);
        this.#remember(keyOf(service, instance), removal);
      }
      if (service.unproven) {
        this.#delete(service, undefined, touched);
        this.#remember(keyOf(service), removal);
      }
    }
  }

  #delete(
    service: PeerService,
    instance: PeerInstance | undefined,
    touched: Set<PeerService>,
  ): void {
    const subject = instance ?? service;
    const hash = instance?.hash ?? service.record?.hash;
    if (hash === undefined) return;
    if (subject.unproven) this.#unproven--;
    else this.#digests.toggle(keyOf(service, instance), hash);
    this.#records--;
    if (instance === undefined) {
      service.record = undefined;
      service.unproven = false;
    } else {
      this.#instances--;
      service.instances.delete(instance.instanceId);
    }
    touched.add(service);
  }

  #remember(key: string, removal: Omit<PeerRemoval, 'atMs'> & { originTimeMs: number }): void {
    const { proof, revision, originTimeMs } = removal;
    this.#removals.delete(key);
    this.#removals.set(key, { proof, revision, atMs: originTimeMs });
    if (this.#removals.size <= maxRemovals) return;
    const oldest = this.#removals.keys().next();
    if (oldest.done !== true) this.#removals.delete(oldest.value);
  }

  #locate(
    key: string,
  ): { readonly service: PeerService; readonly instance: PeerInstance | undefined } | undefined {
    const parsed = splitRecordKey(key);
    const service = parsed === undefined ? undefined : this.#services.get(parsed.serviceId);
    if (parsed === undefined || service === undefined) return undefined;
    if (parsed.instanceId === undefined) {
      return service.record === undefined ? undefined : { service, instance: undefined };
    }
    const instance = service.instances.get(parsed.instanceId);
    return instance === undefined ? undefined : { service, instance };
  }

  #announce(touched: ReadonlySet<PeerService>): void {
    for (const service of touched) {
      this.#observer.serviceChanged(this, service);
      const empty = service.record === undefined && service.instances.size === 0;
      if (empty) this.#services.delete(service.serviceId);
    }
  }
}

function keyOf(service: PeerService, instance?: PeerInstance): string {
  const { serviceId } = service;
  if (instance === undefined) return serviceRecordKey(service);
  return instanceRecordKey({ serviceId, instanceId: instance.instanceId });
}
