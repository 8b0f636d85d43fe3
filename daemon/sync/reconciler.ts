// Keeps the registry as it should be: services that something touched are planned anew, a few
// milliseconds at a time, and what the plan asks for goes to the write queue. Now and then all are
// gone through, touched or not.

import { because, type Reason } from '../model/reason.ts';
import type { GuardLimits } from '../model/rules.ts';
import { instanceRecordKey } from '../model/records.ts';
import type { WriteFailure } from '../registry/driver.ts';
import type { AuditEntry } from '../store/ports.ts';
import type { Clock, Timer } from '../support/clock.ts';
import { absencePhase } from './absence.ts';
import { copyInstanceId } from './copy.ts';
import { silenceOf, type Contribution, type DesiredState } from './desired.ts';
import { judgeAbsences, removalGround, type RemovalGround } from './guard.ts';
import type { HeldRemovals } from './held-removals.ts';
import type { LocalCopy, LocalService, LocalView } from './local-view.ts';
import type { PeerState } from './peer-state.ts';
import { planService, type ServicePlan, type Unwanted } from './plan.ts';
import { copyJobKey, failureReason, serviceJobKey, type Writer } from './writer.ts';
import type { WriteJob, WriteQueue } from './write-queue.ts';

export interface ReconcilerOptions {
  readonly cluster: string;
  readonly view: LocalView;
  readonly peers: ReadonlyMap<string, PeerState>;
  readonly desired: () => DesiredState;
  readonly limits: () => GuardLimits;
  readonly held: HeldRemovals;
  readonly queue: WriteQueue;
  readonly writer: Writer;
  readonly clock: Clock;
  /** The registry's view is complete and true. */
  readonly answering: () => boolean;
  /** What the registry's condition lets go (guard.ts). */
  readonly mayRemove: (ground: RemovalGround) => boolean;
  /** Writes for this cluster are paused. */
  readonly paused: (cluster: string) => boolean;
  readonly audit: (entry: Omit<AuditEntry, 'timeMs'>) => void;
  readonly changed: () => void;
}

/**
 * Changes that come together are planned together. Raising it spares plans and delays every change.
 */
const gatherMs = 2;

/**
 * After our own writes a service is planned anew this late: what was written is as planned, and a
 * service that takes thousands of instances must not be planned once for each.
 */
const ownWriteMs = 250;

/** Planning yields to the rest of the process after this long. */
const sliceMs = 10;

/** All services are gone through this often, whatever was touched. */
const auditIntervalMs = 300_000;

/** A write that cannot succeed is tried again after this: the registry may have changed its mind. */
const refusedForMs = 600_000;

interface Refusal {
  readonly aim: string;
  readonly reason: Reason;
  readonly atMs: number;
}

/** What the last plan of a service came to; for status and rows. */
export interface PlanSummary {
  readonly plan: ServicePlan;
  /** Removals that are waiting for proof, for the guard, or for a person. */
  readonly absent: readonly Unwanted[];
}

export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #dirty = new Set<string>();
  readonly #written = new Set<string>();
  #writtenTimer: Timer | undefined;
  readonly #plans = new Map<string, PlanSummary>();
  /** Services with absences that the guard has to judge. */
  readonly #doubtful = new Set<string>();
  readonly #refused = new Map<string, Refusal>();
  /** Per peer, when removals without a tombstone were let go (monotonic). */
  readonly #letGo = new Map<string, number[]>();
  #open = false;
  #timer: Timer | undefined;
  #auditTimer: Timer | undefined;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  /** The registry has been read: planning begins. */
  open(): void {
    if (this.#open) return;
    this.#open = true;
    this.#audit();
  }
  stop(): void {
    this.#open = false;
    this.#timer?.cancel();
    this.#writtenTimer?.cancel();
    this.#auditTimer?.cancel();
  }

  /** A service must be planned anew. */
  touch(keyText: string): void {
    this.#dirty.add(keyText);
    this.#schedule();
  }
  /** A service was written by us: plans it anew in a moment. */
  touchLater(keyText: string): void {
    this.#written.add(keyText);
    this.#writtenTimer ??= this.#options.clock.after(ownWriteMs, () => {
      this.#writtenTimer = undefined;
      for (const each of this.#written) this.#dirty.add(each);
      this.#written.clear();
      this.#schedule();
    });
  }
  /** All services that a peer has to do with. */
  touchPeer(cluster: string): void {
    const { view } = this.#options;
    for (const keyText of view.keysWithCopiesOf(cluster)) this.#dirty.add(keyText);
    // What was made from it may be empty by now, and no copy leads there.
    for (const { madeBy, keyText } of view.services()) {
      if (madeBy === cluster) this.#dirty.add(keyText);
    }
    const peer = this.#options.peers.get(cluster);
    for (const source of peer?.services() ?? []) {
      const contribution = this.#options.desired().contributionOf(source);
      if (contribution !== undefined) this.#dirty.add(contribution.keyText);
    }
    this.#schedule();
  }
  touchAll(): void {
    for (const { keyText } of this.#options.view.services()) this.#dirty.add(keyText);
    for (const keyText of this.#options.desired().keys()) this.#dirty.add(keyText);
    for (const keyText of this.#plans.keys()) this.#dirty.add(keyText);
    this.#schedule();
  }

  /** The last plan of a service. */
  summary(keyText: string): PlanSummary | undefined {
    return this.#plans.get(keyText);
  }
  summaries(): Iterable<PlanSummary> {
    return this.#plans.values();
  }
  /** Why the last write of a copy or service cannot succeed, if that is so. */
  refusal(jobKey: string): Reason | undefined {
    return this.#refused.get(jobKey)?.reason;
  }

  /** A write did not happen. */
  failed(job: WriteJob, failure: WriteFailure): void {
    const reason = failureReason(failure);
    if (!failure.retry) {
      const atMs = this.#options.clock.monotonicMs();
      this.#refused.set(job.key, { aim: job.aim, reason, atMs });
      const [service = '', instance = ''] = splitJobKey(job.key);
      const action = failure.code === 'not-ours' ? 'refused' : 'failed';
      this.#options.audit({ action, cluster: job.cluster, service, instance, reason });
    }
  }

  /** Computes the plan of a service under given rules; asks and writes nothing. */
  planOf(keyText: string, desiredState: DesiredState): ServicePlan {
    const { view } = this.#options;
    const local = view.byKey(keyText);
    const desired = desiredState.desired(keyText, local);
    const contributions = [...desiredState.contributions(keyText)].filter(isWanted);
    const leftOut = new Map(desired.leftOut.map((each) => [each.copyId, each]));
    return planService({
      keyText,
      local,
      desired,
      contributions,
      abandoned: local?.madeBy !== undefined && this.#isAbandoned(local.madeBy),
      ground: (copy, service) =>
        this.#ground(copy, service, leftOut.get(copy.instance.instanceId), desiredState),
    });
  }

  #schedule(): void {
    if (!this.#open || this.#dirty.size === 0) return;
    this.#timer ??= this.#options.clock.after(gatherMs, () => {
      this.#timer = undefined;
      this.#slice();
    });
  }

  #slice(): void {
    const { clock } = this.#options;
    const untilMs = clock.monotonicMs() + sliceMs;
    for (const keyText of this.#dirty) {
      this.#dirty.delete(keyText);
      this.#pass(keyText);
      if (clock.monotonicMs() >= untilMs) break;
    }
    // The guard sees all absences of a round together, never a slice of them.
    if (this.#dirty.size === 0) this.#judge();
    this.#options.changed();
    this.#schedule();
  }

  #audit(): void {
    this.#auditTimer?.cancel();
    this.touchAll();
    this.#auditTimer = this.#options.clock.after(auditIntervalMs, () => this.#audit());
  }

  #pass(keyText: string): void {
    const { view, desired } = this.#options;
    const before = this.#plans.get(keyText)?.plan;
    const plan = this.planOf(keyText, desired());
    const absent: Unwanted[] = [];
    const local = view.byKey(keyText);
    const wantedJobs = new Set<string>();
    const order = (job: WriteJob): void => {
      wantedJobs.add(job.key);
      this.#order(job);
    };
    const { writer } = this.#options;
    const [first] = plan.adds;
    if (local === undefined && first !== undefined) order(writer.makeService(first.contribution));
    for (const wanted of plan.adds) order(writer.put(wanted, true));
    for (const { wanted } of plan.updates) order(writer.put(wanted, false));
    if (local !== undefined && plan.release) order(writer.releaseService(local));
    else if (plan.update !== undefined) order(writer.updateService(plan.update));
    for (const unwanted of plan.unwanted) {
      const jobKey = copyJobKey(keyText, unwanted.copy.instance.instanceId);
      if (this.#mayGo(unwanted)) order(writer.remove(keyText, unwanted.copy, unwanted.ground));
      else if (unwanted.ground.kind === 'absence' || unwanted.ground.kind === 'expired') {
        absent.push(unwanted);
        // Let go by the guard a moment ago: the job stands.
        if (this.#options.queue.isPending(jobKey)) wantedJobs.add(jobKey);
      }
    }
    if (local !== undefined && plan.remove) order(writer.removeService(local));
    this.#withdraw(keyText, before, wantedJobs);
    const idle = local === undefined && plan.desired.instances.length === 0;
    if (idle && plan.desired.leftOut.length === 0) this.#plans.delete(keyText);
    else this.#plans.set(keyText, { plan, absent });
    if (absent.length > 0) this.#doubtful.add(keyText);
    else this.#doubtful.delete(keyText);
  }

  /** What needs no guard: a tombstone, a decision at home, an ended policy, a person's word. */
  #mayGo({ copy, ground }: Unwanted): boolean {
    const id = copy.instance.instanceId;
    if (!this.#options.mayRemove(ground)) return false;
    switch (ground.kind) {
      case 'tombstone':
      case 'decision':
        return true;
      case 'expired':
        return this.#options.held.get(id) === undefined;
      case 'absence':
        return this.#options.held.isApproved(id);
      case 'unproven':
        return false;
    }
  }

  #order(job: WriteJob): void {
    const { queue, paused, clock } = this.#options;
    if (paused(job.cluster)) {
      queue.cancel(job.key);
      return;
    }
    const refusal = this.#refused.get(job.key);
    if (refusal !== undefined) {
      const old = clock.monotonicMs() - refusal.atMs > refusedForMs;
      if (refusal.aim === job.aim && !old) return;
      this.#refused.delete(job.key);
    }
    queue.put(job);
  }

  /** Takes back what an earlier plan of the service ordered and this one does not. */
  #withdraw(
    keyText: string,
    before: ServicePlan | undefined,
    wantedJobs: ReadonlySet<string>,
  ): void {
    const { queue } = this.#options;
    const withdraw = (key: string): void => {
      if (!wantedJobs.has(key)) queue.cancel(key);
    };
    withdraw(serviceJobKey(keyText));
    if (before === undefined) return;
    for (const { copyId } of before.adds) withdraw(copyJobKey(keyText, copyId));
    for (const { wanted } of before.updates) withdraw(copyJobKey(keyText, wanted.copyId));
    for (const { copy } of before.unwanted) withdraw(copyJobKey(keyText, copy.instance.instanceId));
  }

  /** Puts this round's absences before the guard, peer by peer. */
  #judge(): void {
    const { held, answering, clock, queue, view, writer } = this.#options;
    const rounds = new Map<string, { keyText: string; unwanted: Unwanted }[]>();
    const present = new Set<string>();
    for (const keyText of this.#doubtful) {
      for (const unwanted of this.#plans.get(keyText)?.absent ?? []) {
        const { copy, ground } = unwanted;
        const id = copy.instance.instanceId;
        present.add(id);
        const waits = held.get(id) !== undefined || queue.isPending(copyJobKey(keyText, id));
        if (ground.kind !== 'absence' || waits || !answering()) continue;
        if (this.#options.paused(copy.stamp.originCluster)) continue;
        const round = rounds.get(copy.stamp.originCluster);
        if (round === undefined) rounds.set(copy.stamp.originCluster, [{ keyText, unwanted }]);
        else round.push({ keyText, unwanted });
      }
    }
    for (const [cluster, candidates] of rounds) {
      const limits = this.#options.limits();
      const fromMs = clock.monotonicMs() - limits.windowSeconds * 1000;
      const recent = (this.#letGo.get(cluster) ?? []).filter((atMs) => atMs >= fromMs);
      const toWait = judgeAbsences({
        candidates: candidates.length,
        copies: view.copiesOf(cluster),
        recent: recent.length,
        waiting: held.waitingOf(cluster),
        limits,
      });
      for (const { keyText, unwanted } of candidates) {
        const { copy, ground } = unwanted;
        if (toWait === undefined) {
          recent.push(clock.monotonicMs());
          this.#order(writer.remove(keyText, copy, ground));
          continue;
        }
        held.hold({
          id: copy.instance.instanceId,
          cluster,
          originServiceId: copy.stamp.originService,
          originInstanceId: copy.stamp.originInstance,
          reason: toWait,
        });
      }
      this.#letGo.set(cluster, recent);
    }
    this.#settleHeld(present);
  }

  /** Held removals whose question has gone: named again by the origin, or no longer there. */
  #settleHeld(present: ReadonlySet<string>): void {
    const { held, peers, view, answering } = this.#options;
    if (held.size === 0 || !answering()) return;
    const there = new Set<string>();
    for (const { copies } of view.services()) for (const id of copies.keys()) there.add(id);
    for (const { id, cluster, originServiceId, originInstanceId } of held.list()) {
      if (present.has(id)) continue;
      const source = peers.get(cluster)?.service(originServiceId);
      const named = source?.instances.get(originInstanceId)?.unproven === false;
      if (named || !there.has(id)) held.release(id);
    }
  }

  #isAbandoned(cluster: string): boolean {
    const peer = this.#options.peers.get(cluster);
    return peer?.provesAbsence === true;
  }

  #ground(
    copy: LocalCopy,
    local: LocalService,
    leftOut: { readonly code: string; readonly reason: Reason } | undefined,
    desired: DesiredState,
  ): RemovalGround {
    const { originCluster, originService, originInstance } = copy.stamp;
    if (originCluster === this.#options.cluster) {
      return { kind: 'unproven', reason: because('own-stamp') };
    }
    const peer = this.#options.peers.get(originCluster);
    if (peer === undefined) {
      return { kind: 'unproven', reason: because('cluster-unknown', { cluster: originCluster }) };
    }
    const source = peer.service(originService);
    const live = source?.instances.get(originInstance) !== undefined;
    const contribution = live ? desired.contributionOf(source) : undefined;
    const { absence } = desired.rules.importVerdict(local.service, originCluster);
    return removalGround({
      cluster: originCluster,
      leftOut: leftOut ?? excludedBy(contribution),
      successor: contribution === undefined ? undefined : this.#successor(copy, contribution),
      live,
      removal: peer.removal(
        instanceRecordKey({ serviceId: originService, instanceId: originInstance }),
      ),
      current: peer.isCurrent,
      provesAbsence: peer.provesAbsence,
      absence: absencePhase(absence, silenceOf(peer)).phase,
    });
  }

  /** Where the copy of an instance that is still exported belongs, other than where it is. */
  #successor(
    { stamp, instance }: LocalCopy,
    { keyText }: Contribution,
  ): { readonly where: string; readonly present: boolean } {
    const copyId = copyInstanceId({
      cluster: stamp.originCluster,
      serviceId: stamp.originService,
      instanceId: stamp.originInstance,
    });
    const where = instance.instanceId === copyId ? keyText : `${keyText}, instance ${copyId}`;
    const present = this.#options.view.byKey(keyText)?.copies.has(copyId) === true;
    return { where, present };
  }
}

/** A contribution that rules and absence policy let be. */
function isWanted({ verdict, peer }: Contribution): boolean {
  return verdict.included && absencePhase(verdict.absence, silenceOf(peer)).phase !== 'expired';
}

function excludedBy(
  contribution: Contribution | undefined,
): { readonly code: string; readonly reason: Reason } | undefined {
  if (contribution === undefined || contribution.verdict.included) return undefined;
  return {
    code: 'import-rule',
    reason: because('excluded', { rule: contribution.verdict.ruleName }),
  };
}

function splitJobKey(key: string): readonly string[] {
  const end = key.lastIndexOf('/');
  return end < 0 ? [key] : [key.slice(0, end), key.slice(end + 1)];
}
