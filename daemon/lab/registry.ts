// An in-memory registry with the behaviour of ServiceCenter: its parts put together, no network.

import type { Clock } from '../support/clock.ts';
import type { Instance, Service } from './content.ts';
import type { Context, Dialect, InstanceEvent } from './context.ts';
import { Frozen } from './frozen.ts';
import { History } from './history.ts';
import { removeInstance } from './instances.ts';
import { Leases } from './leases.ts';
import { defaultQuotas, Quotas, type QuotaLimits } from './quotas.ts';
import { Store, type InstanceRecord } from './store.ts';

export interface RegistryOptions {
  readonly clock: Clock;
  /** Shown as `cluster` in the dump. */
  readonly name: string;
  readonly dialect: Dialect;
  readonly enableCache: boolean;
  readonly quotas?: Partial<QuotaLimits>;
  /** Lifts the rule that production admits each declared schema once. */
  readonly schemaEditable: boolean;
  /** How many changes the history keeps. Raising it costs about 300 bytes each. */
  readonly historyLimit: number;
}

/** Everything that a registry holds, with the ends of its leases. */
export interface RegistryState {
  readonly name: string;
  readonly nowMs: number;
  readonly services: readonly {
    readonly domain: string;
    readonly project: string;
    readonly rev: number;
    readonly service: Service;
    readonly tags: Readonly<Record<string, string>>;
    readonly schemas: Readonly<Record<string, { readonly text: string; readonly summary: string }>>;
  }[];
  readonly instances: readonly {
    readonly domain: string;
    readonly project: string;
    readonly rev: number;
    readonly instance: Instance;
    readonly ttlMs: number;
    /** Wall clock, milliseconds since 1970. */
    readonly leaseEndsMs: number;
    readonly renewals: number;
    readonly lastRenewedBy: string;
  }[];
}

/** The model; the operations on it are functions over `context` (`services.ts`, `instances.ts`, ...). */
export class Registry {
  readonly context: Context;
  readonly frozen: Frozen;
  readonly history: History;
  readonly #listeners = new Set<(event: InstanceEvent) => void>();

  constructor(options: RegistryOptions) {
    const { clock } = options;
    this.history = new History(clock, options.historyLimit);
    this.frozen = new Frozen(clock);
    const leases = new Leases<InstanceRecord>(clock, (record) =>
      removeInstance(this.context, record, 'lease-ended', 'registry'),
    );
    this.context = {
      clock,
      store: new Store(),
      leases,
      history: this.history,
      quotas: new Quotas({ ...defaultQuotas, ...options.quotas }),
      dialect: options.dialect,
      cacheEnabled: options.enableCache,
      cache: { visibleShare: 1 },
      name: options.name,
      schemaEditable: options.schemaEditable,
      events: {
        instance: (event) => {
          for (const listener of this.#listeners) listener(event);
        },
      },
    };
  }

  /** Hears every change of an instance; returns the way to stop. */
  onInstance(listener: (event: InstanceEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** As a start on an empty data directory: everything is gone, and nobody is told. */
  loseData(): void {
    for (const tenant of this.context.store.tenants.values()) {
      for (const service of tenant.services.values()) {
        for (const { lease } of service.instances.values()) this.context.leases.revoke(lease);
      }
    }
    this.context.store.clear();
    this.frozen.clear();
  }

  /** As a start on the same data: every lease in full, the cache whole again (§12). */
  restartLeases(): void {
    this.context.leases.restartAll();
    for (const tenant of this.context.store.tenants.values()) {
      for (const service of tenant.services.values()) {
        service.cached = service.truth;
        for (const instance of service.instances.values()) instance.cached = instance.truth;
      }
    }
    this.frozen.clear();
  }

  /** Gives the exact content. */
  state(): RegistryState {
    const { clock, name, store } = this.context;
    const nowMs = clock.nowMs();
    const offsetMs = nowMs - clock.monotonicMs();
    const services = [];
    const instances = [];
    for (const { domain, project, services: held } of store.tenants.values()) {
      for (const { truth, rev, tags, schemas, instances: own } of held.values()) {
        const texts = Array.from(schemas, ([id, { text, summary }]) => [id, { text, summary }]);
        services.push({
          domain,
          project,
          rev,
          service: truth,
          tags,
          schemas: Object.fromEntries(texts) as Record<string, { text: string; summary: string }>,
        });
        for (const record of own.values()) {
          instances.push({
            domain,
            project,
            rev: record.rev,
            instance: record.truth,
            ttlMs: record.lease.ttlMs,
            leaseEndsMs: record.lease.endsMs + offsetMs,
            renewals: record.renewals,
            lastRenewedBy: record.lastRenewedBy,
          });
        }
      }
    }
    return { name, nowMs, services, instances };
  }

  close(): void {
    this.#listeners.clear();
    this.context.leases.close();
  }
}
