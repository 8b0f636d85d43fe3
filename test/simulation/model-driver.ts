// A driver for the model registry: reads it in rounds, and believes what is missing only by the
// rules of servicecenter-api.md §12.

import {
  serviceKeyText,
  type Instance,
  type Service,
  type ServiceKey,
} from '../../daemon/model/service.ts';
import {
  readInstanceStamp,
  readServiceStamp,
  stampService,
  withoutStamp,
} from '../../daemon/model/stamp.ts';
import type {
  EnsuredService,
  InstanceRef,
  RegistryChange,
  RegistryCondition,
  RegistryDriver,
  RegistryFacts,
  RegistryObserver,
  ServiceRef,
  UnknownReason,
  WriteFailure,
  WriteResult,
} from '../../daemon/registry/driver.ts';
import { sleep, type Clock, type Timer } from '../../daemon/support/clock.ts';
import type { ModelRegistry } from './model-registry.ts';

const roundMs = 100;

/** Applications of the model have no longer leases than this. */
const longestAppLeaseMs = 30_000;

export interface ModelDriverOptions {
  readonly registry: ModelRegistry;
  readonly clock: Clock;
  /** Tells the writes of one process from those of its successor. */
  readonly writer: number;
  readonly windowMs: number;
  /** Called before a copy is removed. */
  readonly removing?: (instance: Instance) => void;
}

export class ModelDriver implements RegistryDriver {
  readonly kind = 'model';
  readonly renewBatchSize = 50;
  readonly #options: ModelDriverOptions;
  #observer: RegistryObserver | undefined;
  #timer: Timer | undefined;
  #condition: RegistryCondition | undefined;
  #seenServices = new Map<string, Service>();
  #seenInstances = new Map<string, Instance>();
  #viewed = false;
  #starts = 0;
  /** Removals are not believed before this. */
  #trustFromMs = 0;
  #stopped = false;

  constructor(options: ModelDriverOptions) {
    this.#options = options;
    this.#starts = options.registry.starts;
    // What was before our start is not known: a start counts as a gap.
    this.#trustFromMs = options.clock.monotonicMs() + longestAppLeaseMs + 1000;
  }

  facts(): RegistryFacts {
    return {
      kind: this.kind,
      address: 'model',
      version: '1',
      findings: {},
      roundMs: 1,
      intervalMs: roundMs,
    };
  }

  start(observer: RegistryObserver): void {
    this.#observer = observer;
    this.#say('starting', 'not read yet');
    this.#round();
  }
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
  }
  wake(): void {
    // The next round is never far.
  }
  normalise(instance: Instance): Instance {
    return instance;
  }

  async ensureService(
    service: Service,
    originCluster: string,
    signal: AbortSignal,
  ): Promise<WriteResult<EnsuredService>> {
    return this.#call(signal, () => {
      const { registry } = this.#options;
      const before = registry.services.size;
      const serviceId = registry.putService({
        ...service,
        properties: stampService(service.properties, originCluster),
      });
      const ours = readServiceStamp(registry.services.get(serviceId)?.service.properties ?? {});
      const created = registry.services.size > before;
      return { ok: true, value: { serviceId, created, ours: ours !== undefined } };
    });
  }

  async updateService(
    service: Service,
    originCluster: string,
    signal: AbortSignal,
  ): Promise<WriteResult<void>> {
    return this.#call(signal, () => {
      const held = this.#find(service);
      if (held === undefined) return failed('service-gone');
      if (readServiceStamp(held.service.properties) === undefined) return failed('not-ours');
      held.service = {
        ...held.service,
        properties: stampService(service.properties, originCluster),
        tags: service.tags,
        schemas: service.schemas,
      };
      return { ok: true, value: undefined };
    });
  }

  async releaseService(ref: ServiceRef, signal: AbortSignal): Promise<WriteResult<void>> {
    return this.#call(signal, () => {
      const held = this.#options.registry.services.get(ref.serviceId);
      if (held === undefined) return failed('service-gone');
      held.service = { ...held.service, properties: withoutStamp(held.service.properties) };
      return { ok: true, value: undefined };
    });
  }

  async removeService(ref: ServiceRef, signal: AbortSignal): Promise<WriteResult<void>> {
    return this.#call(signal, () => {
      const { registry } = this.#options;
      const held = registry.services.get(ref.serviceId);
      if (held === undefined) return { ok: true, value: undefined };
      if (readServiceStamp(held.service.properties) === undefined) return failed('not-ours');
      if (held.instances.size > 0) return failed('conflict');
      registry.services.delete(ref.serviceId);
      return { ok: true, value: undefined };
    });
  }

  async putInstance(
    key: ServiceKey,
    copy: Instance,
    signal: AbortSignal,
  ): Promise<WriteResult<void>> {
    return this.#call(signal, () => {
      const { registry, writer, windowMs } = this.#options;
      const held = registry.services.get(copy.serviceId);
      if (held === undefined || serviceKeyText(held.service) !== serviceKeyText(key)) {
        return failed('service-gone');
      }
      const stamp = readInstanceStamp(copy.properties);
      const there = held.instances.get(copy.instanceId);
      const before = there && readInstanceStamp(there.instance.properties);
      if (stamp === undefined || (there !== undefined && before === undefined)) {
        return failed('not-ours');
      }
      if (before !== undefined && before.epoch > stamp.epoch) return failed('fenced');
      const { serviceId, instanceId } = copy;
      registry.book({ writer, kind: 'put', serviceId, instanceId }, windowMs);
      registry.register(serviceId, copy);
      return { ok: true, value: undefined };
    });
  }

  async removeInstance(
    ref: InstanceRef,
    originCluster: string,
    signal: AbortSignal,
  ): Promise<WriteResult<void>> {
    return this.#call(signal, () => {
      const { registry, writer, windowMs, removing } = this.#options;
      const { serviceId, instanceId } = ref;
      const there = registry.services.get(serviceId)?.instances.get(instanceId);
      if (there === undefined) return { ok: true, value: undefined };
      const stamp = readInstanceStamp(there.instance.properties);
      if (stamp?.originCluster !== originCluster) return failed('not-ours');
      removing?.(there.instance);
      registry.book({ writer, kind: 'remove', serviceId, instanceId }, windowMs);
      registry.unregister(serviceId, instanceId);
      return { ok: true, value: undefined };
    });
  }

  async renew(
    refs: readonly InstanceRef[],
    signal: AbortSignal,
  ): Promise<WriteResult<{ readonly missing: readonly InstanceRef[] }>> {
    return this.#call(signal, () => {
      const { registry } = this.#options;
      const missing = refs.filter((ref) => !registry.renew(ref.serviceId, ref.instanceId));
      return { ok: true, value: { missing } };
    });
  }

  async readInstance(
    ref: InstanceRef,
    signal: AbortSignal,
  ): Promise<WriteResult<Instance | undefined>> {
    return this.#call(signal, () => {
      const held = this.#options.registry.services.get(ref.serviceId);
      return { ok: true, value: held?.instances.get(ref.instanceId)?.instance };
    });
  }

  async #call<T>(signal: AbortSignal, perform: () => WriteResult<T>): Promise<WriteResult<T>> {
    const { registry, clock } = this.#options;
    signal.throwIfAborted();
    if (registry.manner === 'hanging') await sleep(clock, 3_600_000, signal);
    await sleep(clock, registry.latencyMs, signal);
    if (registry.manner === 'down') return failed('unreachable');
    if (registry.manner === 'failing') return failed('server-error');
    registry.expire();
    return perform();
  }

  #find(key: ServiceKey) {
    const text = serviceKeyText(key);
    return [...this.#options.registry.services.values()].find(
      ({ service }) => serviceKeyText(service) === text,
    );
  }

  #round(): void {
    if (this.#stopped) return;
    const { registry, clock } = this.#options;
    const nowMs = clock.monotonicMs();
    registry.expire();
    const trouble = troubles[registry.manner];
    if (trouble !== undefined) this.#distrust(trouble);
    else this.#read(nowMs);
    this.#timer = clock.after(roundMs, () => this.#round());
  }

  #distrust(reason: UnknownReason): void {
    this.#trustFromMs = this.#options.clock.monotonicMs() + longestAppLeaseMs + 1000;
    this.#say(reason, `the registry is ${this.#options.registry.manner}`);
  }

  #read(nowMs: number): void {
    const { registry } = this.#options;
    const services = new Map<string, Service>();
    const instances = new Map<string, Instance>();
    const cold = registry.manner === 'cold';
    for (const { service, instances: held } of registry.services.values()) {
      services.set(service.serviceId, service);
      for (const { instance } of held.values()) {
        if (cold && instances.size >= registry.services.size) break;
        instances.set(`${service.serviceId}/${instance.instanceId}`, instance);
      }
    }
    // A restart is a gap: owners get a full lease to come back.
    if (registry.starts !== this.#starts) {
      this.#starts = registry.starts;
      this.#trustFromMs = nowMs + longestAppLeaseMs + 1000;
    }
    const before = this.#seenInstances;
    const missing = [...before.keys()].filter((key) => !instances.has(key));
    const gap = nowMs < this.#trustFromMs;
    const large = missing.length > 1 && missing.length > before.size / 2;
    if (large && !gap && this.#condition?.state === 'answering') {
      this.#trustFromMs = nowMs + longestAppLeaseMs + 1000;
    }
    const distrusted = nowMs < this.#trustFromMs;
    const proof = this.#condition?.state === 'answering' ? 'tombstone' : 'absence';
    const change: RegistryChange = {
      services: [...services.values()].filter(
        (service) => this.#seenServices.get(service.serviceId) !== service,
      ),
      instances: [...instances]
        .filter(([key, instance]) => before.get(key) !== instance)
        .map(([, instance]) => instance),
      removedInstances: distrusted
        ? []
        : missing.map((key) => ({ ...this.#refOf(before.get(key)!), proof })),
      removedServices: distrusted
        ? []
        : [...this.#seenServices.values()]
            .filter(({ serviceId }) => !services.has(serviceId))
            .map(({ domain, project, serviceId }) => ({ domain, project, serviceId, proof })),
      seenAtMs: this.#options.clock.nowMs(),
    };
    this.#seenServices = distrusted ? new Map([...this.#seenServices, ...services]) : services;
    this.#seenInstances = distrusted ? new Map([...before, ...instances]) : instances;
    if (!distrusted) this.#answering();
    else if (missing.length > 0) this.#say('suspicious-loss', `${missing.length} are missing`);
    else this.#say('waiting-for-owners', 'after a gap');
    const empty =
      change.services.length + change.instances.length + change.removedInstances.length === 0 &&
      change.removedServices.length === 0;
    if (!empty || !this.#viewed) {
      this.#viewed = true;
      this.#observer?.changed(change);
    }
  }

  #refOf(instance: Instance): InstanceRef {
    const { serviceId, instanceId } = instance;
    const service = this.#seenServices.get(serviceId);
    return {
      domain: service?.domain ?? 'default',
      project: service?.project ?? 'default',
      serviceId,
      instanceId,
    };
  }

  #answering(): void {
    if (this.#condition?.state === 'answering') return;
    this.#condition = { state: 'answering' };
    this.#observer?.condition(this.#condition);
  }

  #say(reason: UnknownReason, detail: string): void {
    const same = this.#condition?.state === 'unknown' && this.#condition.reason === reason;
    if (same) return;
    this.#condition = { state: 'unknown', reason, detail };
    this.#observer?.condition(this.#condition);
  }
}

const troubles: Record<string, UnknownReason | undefined> = {
  down: 'unreachable',
  hanging: 'unreachable',
  failing: 'server-error',
  cold: 'bad-answer',
};

function failed<T>(code: WriteFailure['code']): WriteResult<T> {
  const retry = ['unreachable', 'server-error', 'timeout', 'quota', 'service-gone'].includes(code);
  return { ok: false, failure: { code, retry, detail: 'the model says so' } as WriteFailure };
}
