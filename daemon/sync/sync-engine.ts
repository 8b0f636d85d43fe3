// The synchronisation of one registry, put together from its parts.

import {
  instanceRecordKey,
  type ExportRecord,
  type ExportSource,
  type ImportSink,
} from '../model/records.ts';
import { because } from '../model/reason.ts';
import type { GuardLimits, Rules } from '../model/rules.ts';
import { leaseSecondsOf } from '../model/service.ts';
import type { InstanceRef, RegistryChange, RegistryCondition } from '../registry/driver.ts';
import type { AuditEntry, HeldRemoval } from '../store/ports.ts';
import type { Timer } from '../support/clock.ts';
import { AbsenceWatch } from './absence-watch.ts';
import { DesiredState } from './desired.ts';
import type {
  Explanation,
  HeldSelection,
  InstanceFilter,
  InstanceRow,
  LookupHit,
  PlanView,
  ServiceRow,
  SyncEngine,
  SyncStatus,
} from './engine.ts';
import type { SyncEngineOptions } from './engine-options.ts';
import { explain } from './explain.ts';
import { ExportLog } from './export-log.ts';
import { ExportMirror } from './export-mirror.ts';
import { Exporter } from './exporter.ts';
import { mayHaveLost, mayRemove } from './guard.ts';
import { HeldRemovals } from './held-removals.ts';
import { Leading } from './leading.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import { LocalView } from './local-view.ts';
import { lookupExport } from './lookup.ts';
import { PeerRegistry } from './peer-registry.ts';
import type { PeerService } from './peer-records.ts';
import type { PeerState } from './peer-state.ts';
import { planView } from './plan-view.ts';
import { ReadBack } from './read-back.ts';
import { Reconciler } from './reconciler.ts';
import { instanceRows, serviceRows, type RowSources } from './rows.ts';
import { compileRules, type CompiledRules } from './rules.ts';
import { syncStatus } from './status.ts';
import { WriteQueue } from './write-queue.ts';
import { WriterEpoch } from './writer-epoch.ts';
import { refOf, Writer } from './writer.ts';

/** The engine of one of several replicas. */
export interface ReplicaEngine extends SyncEngine {
  /** Takes the leader's export while this replica follows. */
  readonly exportMirror: ImportSink;
  /** Whether the registry has been read completely once. */
  readonly viewed: boolean;
  /** How the registry answers now; cheaper than `status()`. */
  readonly condition: RegistryCondition;
  /** The newest writer's epoch that a stamp in the registry carries. */
  readonly newestEpoch: number;
}

/** Gives the engine; nothing happens before `start`. */
export function createSyncEngine(options: SyncEngineOptions): ReplicaEngine {
  return new Engine(options);
}

class Engine implements ReplicaEngine {
  readonly #options: SyncEngineOptions;
  readonly #view = new LocalView();
  readonly #log: ExportLog;
  readonly #exporter: Exporter;
  readonly #mirror: ExportMirror;
  readonly #peers: PeerRegistry;
  readonly #held: HeldRemovals;
  readonly #epoch: WriterEpoch;
  readonly #queue: WriteQueue;
  readonly #leases: LeaseKeeper;
  readonly #readBack: ReadBack;
  readonly #writer: Writer;
  readonly #reconciler: Reconciler;
  readonly #absenceWatch: AbsenceWatch;
  readonly #listeners = new Set<() => void>();
  #rules: CompiledRules;
  #limits: GuardLimits;
  #desired: DesiredState;
  #condition: RegistryCondition = { state: 'unknown', reason: 'starting', detail: 'not read yet' };
  #conditionSinceMs: number;
  readonly #leading: Leading;
  #viewed = false;
  #keepTimer: Timer | undefined;
  #stopRole: (() => void) | undefined;

  constructor(options: SyncEngineOptions) {
    const { cluster, driver, store, clock, random } = options;
    this.#options = options;
    this.#conditionSinceMs = clock.nowMs();
    this.#rules = compileRules(options.rules);
    this.#limits = options.limits;
    this.#desired = new DesiredState(this.#rules, (instance) => driver.normalise(instance));
    const audit = (entry: Omit<AuditEntry, 'timeMs'>): void => {
      store.audit.append({ timeMs: clock.nowMs(), ...entry });
    };
    const touched = (keyText: string): void => this.#reconciler.touchLater(keyText);

    this.#log = new ExportLog(cluster, store);
    const alone = options.role === undefined;
    this.#exporter = new Exporter(this.#log, this.#view, this.#rules, alone);
    this.#mirror = new ExportMirror(this.#log, () => !this.#leading.leads);
    this.#peers = new PeerRegistry(store, clock, {
      serviceChanged: (peer, service) => this.#peerServiceChanged(peer, service),
      peerChanged: (peer) => this.#peerChanged(peer),
    });
    this.#held = new HeldRemovals(store, clock, audit);
    this.#epoch = new WriterEpoch(store, options.role);
    this.#queue = new WriteQueue({
      clock,
      random,
      failed: (job, failure) => {
        this.#reconciler.failed(job, failure);
        options.logger.debug({ key: job.key, ...failure }, 'a write did not happen');
      },
      progressed: () => this.#changed(),
    });
    this.#leases = new LeaseKeeper({
      driver,
      clock,
      random,
      missing: (refs) => this.#leasesMissing(refs),
    });
    this.#readBack = new ReadBack(driver, clock);
    this.#writer = new Writer({
      driver,
      view: this.#view,
      store,
      leases: this.#leases,
      readBack: this.#readBack,
      desired: () => this.#desired,
      peer: (name) => this.#peers.all.get(name),
      epoch: () => this.#epoch.value,
      mayRemove: (ground) => mayRemove(this.#condition, ground),
      audit,
      touched,
      removed: ({ instance }) => this.#held.release(instance.instanceId),
    });
    this.#reconciler = new Reconciler({
      cluster,
      view: this.#view,
      peers: this.#peers.all,
      desired: () => this.#desired,
      limits: () => this.#limits,
      held: this.#held,
      queue: this.#queue,
      writer: this.#writer,
      clock,
      answering: () => this.#condition.state === 'answering',
      mayRemove: (ground) => mayRemove(this.#condition, ground),
      paused: (name) => this.#peers.isPaused(name),
      audit,
      changed: () => this.#changed(),
    });
    this.#leading = new Leading({
      ...{ store, clock, random, logger: options.logger, role: options.role },
      ...{ log: this.#log, exporter: this.#exporter, mirror: this.#mirror, view: this.#view },
      ...{ queue: this.#queue, leases: this.#leases, reconciler: this.#reconciler },
      viewed: () => this.#viewed,
      changed: () => this.#changed(),
    });
    this.#absenceWatch = new AbsenceWatch({
      clock,
      peers: this.#peers.all,
      policies: () => this.#rules.policies,
      phaseChanged: (name) => this.#reconciler.touchPeer(name),
    });
  }

  get exportSource(): ExportSource {
    return this.#log;
  }
  get exportMirror(): ImportSink {
    return this.#mirror;
  }
  get viewed(): boolean {
    return this.#viewed;
  }
  get newestEpoch(): number {
    return this.#view.newestEpoch;
  }

  async start(): Promise<void> {
    const { store, driver, random, role } = this.#options;
    const state = await store.loadState();
    await this.#log.load(state, random, role !== undefined);
    await this.#held.load(state);
    this.#peers.load(state);
    this.#epoch.load(state);
    const mappings = await store.loadMappings();
    this.#leading.remember(mappings);
    this.#stopRole = role?.onChange(() => this.#leading.apply());
    this.#absenceWatch.start();
    this.#keepHeard();
    const known = this.#log.remembered + mappings.length;
    driver.start(
      {
        changed: (change) => this.#registryChanged(change),
        condition: (condition) => this.#conditionChanged(condition),
      },
      { known },
    );
  }

  async stop(drainMs: number): Promise<void> {
    this.#stopRole?.();
    this.#reconciler.stop();
    this.#absenceWatch.stop();
    this.#keepTimer?.cancel();
    await this.#queue.drain(drainMs);
    this.#leases.stop();
    this.#readBack.stop();
    await this.#options.driver.stop();
    this.#peers.keepHeard();
    await this.#options.store.flush();
  }

  peer(cluster: string): ImportSink {
    return this.#peers.get(cluster);
  }

  wake(): void {
    this.#options.driver.wake();
  }

  get condition(): RegistryCondition {
    return this.#condition;
  }

  status(): SyncStatus {
    return syncStatus({
      cluster: this.#options.cluster,
      role: this.#options.role?.role ?? 'leader',
      facts: this.#options.driver.facts(),
      condition: this.#condition,
      conditionSinceMs: this.#conditionSinceMs,
      view: this.#view,
      log: this.#log,
      peers: this.#peers,
      desired: this.#desired,
      reconciler: this.#reconciler,
      queue: this.#queue,
      leases: this.#leases,
      held: this.#held,
      readBack: this.#readBack,
      store: this.#options.store,
      clock: this.#options.clock,
    });
  }

  services(): readonly ServiceRow[] {
    return [...serviceRows(this.#view)];
  }

  instances(filter: InstanceFilter): Iterable<InstanceRow> {
    return instanceRows(this.#rowSources(), filter);
  }

  explain(subject: string): Promise<Explanation> {
    return explain(
      {
        ...this.#rowSources(),
        log: this.#log,
        peers: this.#peers,
        desired: this.#desired,
        rules: this.#rules,
        audit: this.#options.store.audit,
      },
      subject,
    );
  }

  plan(rules?: Rules): PlanView {
    const desired = rules === undefined ? this.#desired : this.#desiredUnder(compileRules(rules));
    const keys = new Set(desired.keys());
    for (const { keyText } of this.#view.services()) keys.add(keyText);
    return planView({
      plans: [...keys].map((keyText) => this.#reconciler.planOf(keyText, desired)),
      local: (keyText) => this.#view.byKey(keyText),
      isHeld: ({ copy }) => this.#held.get(copy.instance.instanceId) !== undefined,
      build: (wanted) => desired.build(wanted, this.#epoch.value, ''),
    });
  }

  held(): readonly HeldRemoval[] {
    return this.#held.list();
  }

  approve(selection: HeldSelection): number {
    const approved = this.#held.approve(selection);
    for (const cluster of new Set(approved.map((held) => held.cluster))) {
      this.#reconciler.touchPeer(cluster);
    }
    return approved.length;
  }

  keep(selection: HeldSelection, untilMs: number | undefined): number {
    const kept = this.#held.keep(selection, untilMs);
    this.#changed();
    return kept.length;
  }

  pause(cluster: string | undefined): void {
    this.#peers.pause(cluster);
    this.#queue.cancelWhere((job) => this.#peers.isPaused(job.cluster));
    this.#auditPause('paused', cluster);
  }

  resume(cluster: string | undefined): void {
    this.#peers.resume(cluster);
    this.#reconciler.touchAll();
    this.#auditPause('resumed', cluster);
  }

  setRules(rules: Rules, limits: GuardLimits): void {
    this.#limits = limits;
    this.#rules = compileRules(rules);
    this.#desired = this.#desiredUnder(this.#rules);
    if (this.#viewed) this.#exporter.setRules(this.#rules, this.#options.clock.nowMs());
    this.#reconciler.touchAll();
    this.#changed();
  }

  lookup(service: string, instance: string | undefined): Iterable<LookupHit> {
    return lookupExport(this.#log, service, instance);
  }

  exported(key: string): ExportRecord | undefined {
    return this.#log.record(key);
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #registryChanged(incoming: RegistryChange): void {
    const change = this.#view.complete(incoming);
    const refs = change.removedInstances;
    for (const ref of refs) this.#leases.forget(ref);
    const touched = this.#view.apply(change);
    for (const { serviceId, instanceId } of change.instances) {
      this.#keepLease(serviceId, instanceId);
    }
    this.#exporter.changed(change);
    if (!this.#viewed) this.#firstView();
    for (const keyText of touched) this.#reconciler.touch(keyText);
    this.#changed();
  }

  /** The registry was read for the first time: from now on there is something to write against. */
  #firstView(): void {
    this.#viewed = true;
    this.#epoch.passBy(this.#view.newestEpoch);
    // Copies of peers that nobody has heard yet: their absence policy begins to count.
    for (const cluster of this.#view.clusters()) {
      if (cluster !== this.#options.cluster) this.#peers.get(cluster);
    }
    this.#reconciler.open();
    this.#leading.apply();
  }

  #keepLease(serviceId: string, instanceId: string): void {
    const local = this.#view.byId(serviceId);
    const copy = local?.copies.get(instanceId);
    if (local === undefined || copy === undefined) return;
    if (copy.stamp.originCluster === this.#options.cluster) return;
    const ref = { ...refOf(local.service), instanceId };
    this.#leases.keep(ref, leaseSecondsOf(copy.instance), false);
  }

  #conditionChanged(condition: RegistryCondition): void {
    const before = this.#condition;
    this.#condition = condition;
    if (before.state !== condition.state) {
      this.#conditionSinceMs = this.#options.clock.nowMs();
      this.#options.logger.info({ condition }, 'the condition of the registry changed');
    }
    this.#exporter.condition(condition, this.#options.clock.nowMs());
    if (mayHaveLost(before, condition)) this.#leases.renewSoon();
    if (before.state === 'unknown' && condition.state === 'answering') {
      this.#queue.retryNow();
      this.#reconciler.touchAll();
    }
    this.#changed();
  }

  #peerServiceChanged(peer: PeerState, service: PeerService): void {
    for (const keyText of this.#desired.refresh(peer, service)) this.#reconciler.touch(keyText);
    // Copies may be where an earlier rule put them.
    const local = this.#view.keysWithCopiesOf(peer.cluster);
    if (service.record === undefined) for (const keyText of local) this.#reconciler.touch(keyText);
  }

  #peerChanged(peer: PeerState): void {
    this.#reconciler.touchPeer(peer.cluster);
    this.#changed();
  }

  /** The registry lost copies: what the view says of them is no longer true. */
  #leasesMissing(refs: readonly InstanceRef[]): void {
    for (const ref of refs) {
      const keyText = this.#view.removeInstance(ref.serviceId, ref.instanceId);
      if (keyText !== undefined) this.#reconciler.touch(keyText);
    }
    this.#options.driver.wake();
  }

  #keepHeard(): void {
    this.#peers.keepHeard();
    this.#keepTimer = this.#options.clock.after(5000, () => this.#keepHeard());
  }

  #desiredUnder(rules: CompiledRules): DesiredState {
    const desired = new DesiredState(rules, (instance) => this.#options.driver.normalise(instance));
    for (const peer of this.#peers.all.values()) {
      for (const service of peer.services()) desired.refresh(peer, service);
    }
    return desired;
  }

  #rowSources(): RowSources {
    return {
      cluster: this.#options.cluster,
      view: this.#view,
      reconciler: this.#reconciler,
      held: this.#held,
      leases: this.#leases,
      clock: this.#options.clock,
      nativeSinceMs: (instance) =>
        this.#log.record(instanceRecordKey(instance))?.originTimeMs ?? this.#conditionSinceMs,
    };
  }

  #auditPause(action: 'paused' | 'resumed', cluster: string | undefined): void {
    this.#options.store.audit.append({
      timeMs: this.#options.clock.nowMs(),
      action,
      cluster: cluster ?? '',
      service: '',
      instance: '',
      reason: cluster === undefined ? because('all-peers') : because('one-peer', { cluster }),
    });
    this.#changed();
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
