// The port between the syncer and one kind of registry. README.md explains how to write a driver.

import type { Instance, Service, ServiceKey } from '../model/service.ts';
import type { RemovalProof } from '../model/records.ts';
import type { Clock } from '../support/clock.ts';
import type { Logger } from '../support/logger.ts';
import type { Random } from '../support/random.ts';

/** What a driver takes from the world. */
export interface DriverEnvironment {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** A service or instance by its ids in this registry. */
export interface ServiceRef {
  readonly domain: string;
  readonly project: string;
  readonly serviceId: string;
}
export interface InstanceRef extends ServiceRef {
  readonly instanceId: string;
}

/** What the registry is known to be doing. */
export type RegistryCondition =
  /** The view is complete and true. */
  | { readonly state: 'answering' }
  /** Nothing may be concluded from what is missing; `reason` is a stable code, `detail` for people. */
  | { readonly state: 'unknown'; readonly reason: UnknownReason; readonly detail: string };

export type UnknownReason =
  | 'starting'
  | 'unreachable'
  | 'refused-rights'
  | 'server-error'
  | 'bad-answer'
  /** After a gap: owners get one full lease to come back. */
  | 'waiting-for-owners'
  /** Too much vanished at once, or the registry is empty. */
  | 'suspicious-loss'
  | 'differing-nodes'
  /** A driver from outside threw, hung, ended or told nonsense; it is being begun anew. */
  | 'driver-fault';

/** Changes of the view since the last call; already proven, in the order to apply them. */
export interface RegistryChange {
  readonly services: readonly Service[];
  /** Instances, native and foreign alike; the stamp in their properties tells which. */
  readonly instances: readonly Instance[];
  readonly removedInstances: readonly (InstanceRef & { readonly proof: RemovalProof })[];
  readonly removedServices: readonly (ServiceRef & { readonly proof: RemovalProof })[];
  /** When the driver saw it, milliseconds. */
  readonly seenAtMs: number;
}

export interface RegistryObserver {
  /** The first call carries the whole view, also when it is empty. */
  changed(change: RegistryChange): void;
  condition(condition: RegistryCondition): void;
}

/** What is known of a registry before it is read. */
export interface RegistryMemory {
  /** Services and instances that it held when it was last read. */
  readonly known: number;
}

/** Why a write did not happen. `retry`: may help later without a change of ours. */
export type WriteFailure =
  | {
      readonly code: 'unreachable' | 'server-error' | 'timeout';
      readonly retry: true;
      readonly detail: string;
    }
  | { readonly code: 'quota'; readonly retry: true; readonly detail: string }
  | { readonly code: 'rights'; readonly retry: true; readonly detail: string }
  /** The service went away meanwhile: ensure it again, then retry. */
  | { readonly code: 'service-gone'; readonly retry: true; readonly detail: string }
  | {
      readonly code: 'too-large' | 'invalid' | 'conflict';
      readonly retry: false;
      readonly detail: string;
    }
  /** The target is not ours (no stamp, or another origin's): never touched. */
  | { readonly code: 'not-ours'; readonly retry: false; readonly detail: string }
  /** A writer with a newer epoch was here. */
  | { readonly code: 'fenced'; readonly retry: false; readonly detail: string };

export type WriteResult<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: WriteFailure };

/** What `ensureService` found or made. */
export interface EnsuredService {
  readonly serviceId: string;
  /** `true`: created now, with our stamp. */
  readonly created: boolean;
  /** `true`: carries our stamp (made by a syncer); `false`: native, nothing of it may be written. */
  readonly ours: boolean;
}

/** What a driver says of the server it found, for `status`. */
export interface RegistryFacts {
  readonly kind: string;
  /** The address in use. */
  readonly address: string;
  /** What the server calls itself; `unknown` where it does not say. */
  readonly version: string;
  /** Behaviours found by asking, name → value (`batch-heartbeat: 1.x`). */
  readonly findings: Readonly<Record<string, string>>;
  /** Cost of the last reading round, milliseconds. */
  readonly roundMs: number | undefined;
  /** The interval between rounds that follows from it. */
  readonly intervalMs: number | undefined;
}

/**
 * One registry, read and written. All methods reject only on a broken call (a bug) or an aborted
 * signal; what the registry answers is in the result.
 */
export interface RegistryDriver {
  readonly kind: string;
  facts(): RegistryFacts;
  /**
   * Observes until `stop`: calls the observer with the whole view, then with changes. A registry
   * that is absent at start is waited for. A removal is reported only when it is proven
   * (design.md §6, servicecenter-api.md §12); else the condition becomes `unknown`.
   *
   * `memory` is what an earlier run has left: a registry that is empty at the first look, and of
   * which something is known, has lost it; one of which nothing is known may always have been empty.
   */
  start(observer: RegistryObserver, memory?: RegistryMemory): void;
  stop(): Promise<void>;
  /** Asks for a reading round soon (a hint that something changed). */
  wake(): void;

  /**
   * Finds the service by its key, or creates it with `service`'s content, stamped as made from
   * `originCluster`. Never changes a service that exists.
   */
  ensureService(
    service: Service,
    originCluster: string,
    signal: AbortSignal,
  ): Promise<WriteResult<EnsuredService>>;
  /** Brings a service of ours to this content (properties, tags, schemas). `not-ours` for a native one. */
  updateService(
    service: Service,
    originCluster: string,
    signal: AbortSignal,
  ): Promise<WriteResult<void>>;
  /** Takes our stamp off a service in which an application has registered: it is native from now on. */
  releaseService(ref: ServiceRef, signal: AbortSignal): Promise<WriteResult<void>>;
  /** Removes a service of ours that is empty. `conflict` while it has instances or consumers. */
  removeService(ref: ServiceRef, signal: AbortSignal): Promise<WriteResult<void>>;

  /**
   * Registers the copy, or brings it to this content; idempotent. `copy.instanceId` is ours and
   * `copy.properties` carry the stamp. Never touches an instance without our stamp (`not-ours`).
   * The lease is `leaseSecondsOf(copy)`.
   */
  putInstance(key: ServiceKey, copy: Instance, signal: AbortSignal): Promise<WriteResult<void>>;
  /** Removes a copy; `not-ours` unless a fresh read shows our stamp with this origin. Already gone is ok. */
  removeInstance(
    ref: InstanceRef,
    originCluster: string,
    signal: AbortSignal,
  ): Promise<WriteResult<void>>;
  /** Renews leases in batches; gives those that the registry no longer knows. */
  renew(
    refs: readonly InstanceRef[],
    signal: AbortSignal,
  ): Promise<WriteResult<{ readonly missing: readonly InstanceRef[] }>>;
  /** Reads one instance past all caches, as a consumer's registry call would; `undefined`: not there. */
  readInstance(ref: InstanceRef, signal: AbortSignal): Promise<WriteResult<Instance | undefined>>;

  /** `content` as this registry will give it back, so that equal content compares equal. */
  normalise(instance: Instance): Instance;
  /** Largest number of leases worth putting in one `renew`. */
  readonly renewBatchSize: number;
}
