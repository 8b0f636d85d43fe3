// Carries a plan out: one job of the write queue per step. What a job writes is worked out when it
// runs; what the registry took is put into the view at once, ahead of the driver's next round.

import { because, type Reason } from '../model/reason.ts';
import { instanceRecordKey } from '../model/records.ts';
import { leaseSecondsOf, type Service } from '../model/service.ts';
import { stampService } from '../model/stamp.ts';
import type { RegistryDriver, ServiceRef, WriteFailure, WriteResult } from '../registry/driver.ts';
import type { AuditEntry, MappingStore } from '../store/ports.ts';
import { copyHash } from './copy.ts';
import type { Contribution, DesiredInstance, DesiredState } from './desired.ts';
import type { RemovalGround } from './guard.ts';
import type { LeaseKeeper } from './lease-keeper.ts';
import type { LocalCopy, LocalService, LocalView } from './local-view.ts';
import type { PeerState } from './peer-state.ts';
import type { ReadBack } from './read-back.ts';
import { priorities, type WriteJob } from './write-queue.ts';

export interface WriterOptions {
  readonly driver: RegistryDriver;
  readonly view: LocalView;
  readonly store: MappingStore;
  readonly leases: LeaseKeeper;
  readonly readBack: ReadBack;
  readonly desired: () => DesiredState;
  readonly peer: (cluster: string) => PeerState | undefined;
  /** The writer's epoch, for stamps. */
  readonly epoch: () => number;
  /** What the registry's condition lets go (guard.ts); without a ground: a service. */
  readonly mayRemove: (ground?: RemovalGround) => boolean;
  readonly audit: (entry: Omit<AuditEntry, 'timeMs'>) => void;
  /** What is under a service changed by our own hand. */
  readonly touched: (keyText: string) => void;
  /** A copy was removed. */
  readonly removed: (copy: LocalCopy) => void;
}

/** The write queue's key of a copy. */
export function copyJobKey(keyText: string, copyId: string): string {
  return `${keyText}/${copyId}`;
}
/** The write queue's key of a service. */
export function serviceJobKey(keyText: string): string {
  return keyText;
}

export class Writer {
  readonly #options: WriterOptions;
  /** Services that are being found or made, so that their instances wait for one call. */
  readonly #ensuring = new Map<string, Promise<WriteResult<string>>>();

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  put(wanted: DesiredInstance, isNew: boolean): WriteJob {
    const { keyText, peer } = wanted.contribution;
    return {
      key: copyJobKey(keyText, wanted.copyId),
      priority: isNew ? priorities.add : priorities.update,
      cluster: peer.cluster,
      aim: `put ${wanted.hash}`,
      work: 'put',
      run: (signal) => this.#put(wanted, isNew, signal),
    };
  }

  /** Makes a service that is missing: all of them at once, instead of each before its instances. */
  makeService(contribution: Contribution): WriteJob {
    const { keyText, peer, source } = contribution;
    return {
      key: serviceJobKey(keyText),
      priority: priorities.make,
      cluster: peer.cluster,
      aim: 'make service',
      work: 'service',
      run: async (signal) => {
        if (this.#options.view.byKey(keyText) !== undefined) return undefined;
        if (this.#options.desired().contributionOf(source) !== contribution) return undefined;
        return this.#ensure(contribution, signal);
      },
    };
  }

  remove(keyText: string, copy: LocalCopy, ground: RemovalGround): WriteJob {
    return {
      key: copyJobKey(keyText, copy.instance.instanceId),
      priority: priorities.remove,
      cluster: copy.stamp.originCluster,
      aim: 'remove',
      work: 'remove',
      run: (signal) => this.#remove(copy, ground, signal),
    };
  }

  updateService(contribution: Contribution): WriteJob {
    const { keyText, peer, service } = contribution;
    return {
      key: serviceJobKey(keyText),
      priority: priorities.update,
      cluster: peer.cluster,
      aim: 'update service',
      work: 'service',
      run: async (signal) => {
        const local = this.#options.view.byKey(keyText);
        if (local?.madeBy === undefined || local.natives.size > 0) return undefined;
        const result = await this.#options.driver.updateService(service, peer.cluster, signal);
        if (!result.ok) return result;
        const { serviceId } = local.service;
        this.#options.view.putService({ ...stamped(service, peer.cluster), serviceId });
        this.#say('service-updated', peer.cluster, service, because('differs'));
        this.#options.touched(keyText);
        return result;
      },
    };
  }

  releaseService(local: LocalService): WriteJob {
    const { keyText } = local;
    const cluster = local.madeBy ?? '';
    return {
      key: serviceJobKey(keyText),
      priority: priorities.update,
      cluster,
      aim: 'release service',
      work: 'service',
      run: async (signal) => {
        const now = this.#options.view.byKey(keyText);
        if (now?.madeBy === undefined || now.natives.size === 0) return undefined;
        const result = await this.#options.driver.releaseService(refOf(now.service), signal);
        if (result.ok) this.#say('released', cluster, now.service, because('application-in-it'));
        return result;
      },
    };
  }

  removeService(local: LocalService): WriteJob {
    const { keyText } = local;
    const cluster = local.madeBy ?? '';
    return {
      key: serviceJobKey(keyText),
      priority: priorities.service,
      cluster,
      aim: 'remove service',
      work: 'service',
      run: async (signal) => {
        const now = this.#options.view.byKey(keyText);
        if (now?.madeBy === undefined || now.natives.size + now.copies.size > 0) return undefined;
        if (!this.#options.mayRemove()) return undefined;
        const result = await this.#options.driver.removeService(refOf(now.service), signal);
        if (!result.ok) return result;
        this.#options.view.removeService(now.service.serviceId);
        this.#say('service-removed', cluster, now.service, because('service-empty'));
        this.#options.touched(keyText);
        return result;
      },
    };
  }

  async #put(
    planned: DesiredInstance,
    isNew: boolean,
    signal: AbortSignal,
  ): Promise<WriteResult<unknown> | undefined> {
    const { driver, view, desired, epoch, touched } = this.#options;
    const { contribution } = planned;
    const { peer, source, keyText } = contribution;
    // The last state wins: what the peer says now, not what it said when the plan was made.
    const current = source.instances.get(planned.source.instanceId);
    if (current === undefined || desired().contributionOf(source) !== contribution) {
      return undefined;
    }
    const ensured = await this.#ensure(contribution, signal);
    if (!ensured.ok) return ensured;
    const serviceId = ensured.value;
    const copy = desired().build({ ...planned, source: current }, epoch(), serviceId);
    const result = await driver.putInstance(contribution.service, copy, signal);
    if (!result.ok) {
      if (result.failure.code === 'service-gone') {
        view.removeService(serviceId);
        touched(keyText);
      }
      return result;
    }
    // What was planned is what was written, unless the peer said something newer meanwhile.
    const hash = current === planned.source ? planned.hash : copyHash(copy);
    view.putInstance(copy, hash);
    const ref = { ...refOf({ ...contribution.service, serviceId }), instanceId: copy.instanceId };
    const leaseSeconds = leaseSecondsOf(copy);
    this.#options.leases.keep(ref, leaseSeconds, true);
    this.#options.store.putMapping({
      cluster: peer.cluster,
      domain: ref.domain,
      project: ref.project,
      originServiceId: source.serviceId,
      originInstanceId: current.instanceId,
      serviceId,
      instanceId: copy.instanceId,
      hash,
      leaseSeconds,
    });
    this.#options.audit({
      action: isNew ? 'created' : 'updated',
      cluster: peer.cluster,
      service: contribution.service.name,
      instance: copy.instanceId,
      reason: because('written', {
        revision: current.revision,
        service: source.serviceId,
        instance: current.instanceId,
      }),
    });
    this.#options.readBack.written(peer, current, ref, hash);
    touched(keyText);
    return result;
  }

  async #remove(
    copy: LocalCopy,
    ground: RemovalGround,
    signal: AbortSignal,
  ): Promise<WriteResult<unknown> | undefined> {
    const { driver, view, touched, mayRemove, peer: peerOf } = this.#options;
    const { stamp, instance } = copy;
    const local = view.byId(instance.serviceId);
    if (local?.copies.get(instance.instanceId) === undefined || !mayRemove(ground))
      return undefined;
    const peer = peerOf(stamp.originCluster);
    const named = peer?.service(stamp.originService)?.instances.has(stamp.originInstance) === true;
    const proofOfOrigin = ground.kind === 'tombstone' || ground.kind === 'absence';
    if (named && proofOfOrigin) return undefined;
    const ref = { ...refOf(local.service), instanceId: instance.instanceId };
    const result = await driver.removeInstance(ref, stamp.originCluster, signal);
    if (!result.ok) return result;
    view.removeInstance(instance.serviceId, instance.instanceId);
    this.#options.leases.forget(ref);
    this.#options.store.deleteMapping({
      cluster: stamp.originCluster,
      originServiceId: stamp.originService,
      originInstanceId: stamp.originInstance,
    });
    this.#options.audit({
      action: 'removed',
      cluster: stamp.originCluster,
      service: local.service.name,
      instance: instance.instanceId,
      reason: ground.reason,
    });
    peer?.forgetRemoval(
      instanceRecordKey({ serviceId: stamp.originService, instanceId: stamp.originInstance }),
    );
    this.#options.removed(copy);
    touched(local.keyText);
    return result;
  }

  /** Gives the local id of the service, found or made once for all of its instances. */
  #ensure(contribution: Contribution, signal: AbortSignal): Promise<WriteResult<string>> {
    const { keyText } = contribution;
    const local = this.#options.view.byKey(keyText);
    if (local !== undefined) return Promise.resolve({ ok: true, value: local.service.serviceId });
    let ensuring = this.#ensuring.get(keyText);
    if (ensuring === undefined) {
      ensuring = this.#create(contribution, signal).finally(() => this.#ensuring.delete(keyText));
      this.#ensuring.set(keyText, ensuring);
    }
    return ensuring;
  }

  async #create(contribution: Contribution, signal: AbortSignal): Promise<WriteResult<string>> {
    const { service, peer } = contribution;
    const result = await this.#options.driver.ensureService(service, peer.cluster, signal);
    if (!result.ok) return result;
    const { serviceId, created, ours } = result.value;
    const content = ours ? stamped(service, peer.cluster) : service;
    // Found, and not in the view yet: the driver's next round brings what it holds.
    this.#options.view.putService({ ...content, serviceId });
    if (created) {
      this.#say(
        'service-created',
        peer.cluster,
        service,
        because('first-instance', { cluster: peer.cluster }),
      );
    }
    return { ok: true, value: serviceId };
  }

  #say(action: string, cluster: string, service: Service, reason: Reason): void {
    this.#options.audit({ action, cluster, service: service.name, instance: '', reason });
  }
}

function stamped(service: Service, cluster: string): Service {
  return { ...service, properties: stampService(service.properties, cluster) };
}

/** The ids of a service in the local registry. */
export function refOf(service: Service): ServiceRef {
  return { domain: service.domain, project: service.project, serviceId: service.serviceId };
}

/** Why a write failed, with the registry's own words. */
export function failureReason({ code, detail }: WriteFailure): Reason {
  return because(`failed-${code}`, { detail });
}
