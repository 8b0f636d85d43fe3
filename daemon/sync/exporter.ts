// From the local registry to the export log: what is native, after the export rules. Copies carry a
// stamp and never leave again, so nothing can echo.

import { encodeInstance, encodeService } from '../model/record-codec.ts';
import { instanceRecordKey, serviceRecordKey } from '../model/records.ts';
import type { Instance } from '../model/service.ts';
import { withoutStamp } from '../model/stamp.ts';
import type { RegistryChange, RegistryCondition } from '../registry/driver.ts';
import type { ExportLog } from './export-log.ts';
import type { LocalService, LocalView } from './local-view.ts';
import { renameService, rewriteEndpoints, type CompiledRules } from './rules.ts';

/** Writes the export log from the view. Called after the view took a change in. */
export class Exporter {
  readonly #log: ExportLog;
  readonly #view: LocalView;
  #rules: CompiledRules;
  #condition: RegistryCondition | undefined;
  /** False in a follower: its log is the leader's (`export-mirror.ts`). */
  #writes: boolean;

  constructor(log: ExportLog, view: LocalView, rules: CompiledRules, writes = true) {
    this.#log = log;
    this.#view = view;
    this.#rules = rules;
    this.#writes = writes;
  }

  /** From now on the log is the leader's. */
  follow(): void {
    this.#writes = false;
  }

  /** From now on the log is ours; it has been taken over, and is brought in line with the view. */
  lead(nowMs: number): void {
    this.#writes = true;
    this.#putAll(nowMs);
    this.#log.markReady();
    if (this.#condition !== undefined) this.condition(this.#condition, nowMs);
    this.#log.notify();
  }

  /** Brings what `change` named into the log; the view has taken it in already. */
  changed(change: RegistryChange): void {
    if (!this.#writes) return;
    const nowMs = change.seenAtMs;
    let wrote = false;
    for (const serviceId of this.#servicesOf(change)) {
      const local = this.#view.byId(serviceId);
      if (local !== undefined) wrote = this.#putService(local, nowMs) || wrote;
    }
    for (const { serviceId, instanceId } of change.instances) {
      const local = this.#view.byId(serviceId);
      if (local === undefined) continue;
      const instance = local.natives.get(instanceId);
      const did =
        instance === undefined
          ? this.#log.remove(instanceRecordKey({ serviceId, instanceId }), 'tombstone', nowMs)
          : this.#putInstance(local, instance, nowMs);
      wrote = did || wrote;
    }
    for (const ref of change.removedInstances) {
      wrote = this.#log.remove(instanceRecordKey(ref), ref.proof, nowMs) || wrote;
    }
    for (const ref of change.removedServices) {
      wrote = this.#log.remove(serviceRecordKey(ref), ref.proof, nowMs) || wrote;
    }
    if (!this.#log.ready) {
      this.#log.markReady();
      wrote = true;
    }
    wrote = this.#concludeAbsence(nowMs) || wrote;
    if (wrote) this.#log.notify();
  }

  /** The registry's condition is what the export's health is made of. */
  condition(condition: RegistryCondition, nowMs: number): void {
    this.#condition = condition;
    if (!this.#writes) return;
    const changed = this.#log.setHealth(
      condition.state === 'answering'
        ? { state: 'healthy', reason: '' }
        : { state: 'unknown', reason: `${condition.reason}: ${condition.detail}` },
    );
    const wrote = this.#concludeAbsence(nowMs);
    if (changed || wrote) this.#log.notify();
  }

  /** New rules: what they no longer let out is removed explicitly, because a person said so. */
  setRules(rules: CompiledRules, nowMs: number): void {
    this.#rules = rules;
    if (this.#writes && this.#putAll(nowMs)) this.#log.notify();
  }

  #putAll(nowMs: number): boolean {
    let wrote = false;
    for (const local of this.#view.services()) {
      wrote = this.#putService(local, nowMs) || wrote;
      for (const instance of local.natives.values()) {
        wrote = this.#putInstance(local, instance, nowMs) || wrote;
      }
    }
    return wrote;
  }

  /**
   * Keys that the last process exported and that the registry, now answering completely, does not
   * show: nobody saw them leave, so their removal claims no more than absence.
   */
  #concludeAbsence(nowMs: number): boolean {
    if (!this.#log.ready || this.#condition?.state !== 'answering') return false;
    const ghosts = this.#log.ghostKeys();
    for (const key of ghosts) this.#log.remove(key, 'absence', nowMs);
    return ghosts.length > 0;
  }

  /** The services to look at: those named, and those of ours that natives entered or left. */
  #servicesOf(change: RegistryChange): ReadonlySet<string> {
    const ids = new Set(change.services.map(({ serviceId }) => serviceId));
    for (const { serviceId } of [...change.instances, ...change.removedInstances]) {
      if (this.#view.byId(serviceId)?.madeBy !== undefined) ids.add(serviceId);
    }
    return ids;
  }

  #putService(local: LocalService, nowMs: number): boolean {
    const { service } = local;
    const key = serviceRecordKey(service);
    const verdict = this.#rules.exportVerdict(service);
    const native = local.madeBy === undefined || local.natives.size > 0;
    if (!native || !verdict.included) return this.#log.remove(key, 'tombstone', nowMs);
    const outgoing = renameService(
      { ...service, properties: withoutStamp(service.properties) },
      verdict.rename,
    );
    return this.#log.upsert('service', key, encodeService(outgoing), nowMs);
  }

  #putInstance(local: LocalService, instance: Instance, nowMs: number): boolean {
    const key = instanceRecordKey(instance);
    const verdict = this.#rules.exportVerdict(local.service);
    if (!verdict.included) return this.#log.remove(key, 'tombstone', nowMs);
    const outgoing = rewriteEndpoints(instance, verdict.endpoints);
    return this.#log.upsert('instance', key, encodeInstance(outgoing), nowMs);
  }
}
