// A registry as a model: services, instances, leases, and the ways in which a registry fails. It
// keeps the books on every write, by applications and by syncers, for the invariants.

import { hash } from 'node:crypto';
import {
  leaseSecondsOf,
  serviceKeyText,
  type Instance,
  type Service,
} from '../../daemon/model/service.ts';
import { readInstanceStamp } from '../../daemon/model/stamp.ts';
import type { Clock } from '../../daemon/support/clock.ts';

interface HeldInstance {
  instance: Instance;
  renewedMs: number;
}
export interface HeldService {
  service: Service;
  readonly instances: Map<string, HeldInstance>;
}

/** How the registry answers. */
export type Manner =
  /** As it should. */
  | 'well'
  /** The port refuses. */
  | 'down'
  /** It takes calls and never answers. */
  | 'hanging'
  /** It answers 500. */
  | 'failing'
  /** It lists less than it holds. */
  | 'cold';

export interface SyncerWrite {
  readonly atMs: number;
  readonly writer: number;
  readonly kind: 'put' | 'remove';
  readonly serviceId: string;
  readonly instanceId: string;
}

export class ModelRegistry {
  readonly services = new Map<string, HeldService>();
  readonly clock: Clock;
  manner: Manner = 'well';
  latencyMs = 1;
  /** Starts since the beginning; a reader sees a restart only as a gap. */
  starts = 1;
  /** The last write of each instance by a syncer. */
  readonly lastWrites = new Map<string, SyncerWrite>();
  readonly violations: string[] = [];
  writes = 0;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** An id by the default rule: derived from the key, so equal in all registries. */
  static idOf(service: Service): string {
    return hash('sha1', serviceKeyText(service), 'hex').slice(0, 32);
  }

  /** Finds or makes a service; gives its id. A second registration's content is ignored. */
  putService(service: Service): string {
    const found = [...this.services.values()].find(
      (each) => serviceKeyText(each.service) === serviceKeyText(service),
    );
    if (found !== undefined) return found.service.serviceId;
    const serviceId = ModelRegistry.idOf(service);
    this.services.set(serviceId, { service: { ...service, serviceId }, instances: new Map() });
    return serviceId;
  }

  /** Registers, or renews when it is alive. */
  register(serviceId: string, instance: Instance): boolean {
    const held = this.services.get(serviceId);
    if (held === undefined) return false;
    const renewedMs = this.clock.monotonicMs();
    const version = held.service.version;
    held.instances.set(instance.instanceId, {
      instance: { ...instance, serviceId, version },
      renewedMs,
    });
    return true;
  }

  renew(serviceId: string, instanceId: string): boolean {
    this.expire();
    const held = this.services.get(serviceId)?.instances.get(instanceId);
    if (held === undefined) return false;
    held.renewedMs = this.clock.monotonicMs();
    return true;
  }

  unregister(serviceId: string, instanceId: string): boolean {
    return this.services.get(serviceId)?.instances.delete(instanceId) ?? false;
  }

  /** Leases that have run out end. */
  expire(): void {
    if (this.manner === 'down') return;
    const nowMs = this.clock.monotonicMs();
    for (const { instances } of this.services.values()) {
      for (const [instanceId, { instance, renewedMs }] of instances) {
        if (nowMs - renewedMs > leaseSecondsOf(instance) * 1000) instances.delete(instanceId);
      }
    }
  }

  /** Comes up again: with its data every lease starts in full (servicecenter-api.md §12). */
  restart(keepsData: boolean): void {
    this.starts++;
    this.manner = 'well';
    if (!keepsData) this.services.clear();
    for (const { instances } of this.services.values()) {
      for (const held of instances.values()) held.renewedMs = this.clock.monotonicMs();
    }
  }

  /** Books a syncer's write, and says when it breaks a promise. */
  book(write: Omit<SyncerWrite, 'atMs'>, windowMs: number): void {
    this.writes++;
    const key = `${write.serviceId}/${write.instanceId}`;
    const atMs = this.clock.monotonicMs();
    const last = this.lastWrites.get(key);
    if (last?.writer === write.writer && atMs - last.atMs < windowMs) {
      this.violations.push(`two writes of ${key} within ${atMs - last.atMs} ms`);
    }
    this.lastWrites.set(key, { ...write, atMs });
    const there = this.services.get(write.serviceId)?.instances.get(write.instanceId);
    if (there !== undefined && readInstanceStamp(there.instance.properties) === undefined) {
      this.violations.push(`a syncer's ${write.kind} reached the native instance ${key}`);
    }
  }
}
