// Applications as a model: they register, renew each five seconds, change, crash and move, and know
// nothing of syncers.

import type { Instance, Service } from '../../daemon/model/service.ts';
import type { Clock } from '../../daemon/support/clock.ts';
import type { ModelRegistry } from './model-registry.ts';

const renewMs = 5000;

export interface ApplicationOptions {
  readonly clock: Clock;
  readonly registry: ModelRegistry;
  readonly site: number;
  readonly service: Service;
  readonly instanceId: string;
  readonly endpoint: string;
}

export class Application {
  readonly site: number;
  readonly instanceId: string;
  readonly endpoint: string;
  readonly service: Service;
  serviceId = '';
  alive = false;
  /** When it last had to register, because the registry did not know it. */
  registeredMs = Number.NEGATIVE_INFINITY;
  readonly #clock: Clock;
  readonly #registry: ModelRegistry;
  #version = 0;

  constructor(options: ApplicationOptions) {
    this.#clock = options.clock;
    this.#registry = options.registry;
    this.site = options.site;
    this.service = options.service;
    this.instanceId = options.instanceId;
    this.endpoint = options.endpoint;
  }

  start(): void {
    if (this.alive) return;
    this.alive = true;
    this.#beat();
  }
  /** Unregisters and ends. */
  stop(): void {
    this.alive = false;
    if (this.#reachable) this.#registry.unregister(this.serviceId, this.instanceId);
  }
  crash(): void {
    this.alive = false;
  }
  /** Writes new properties. */
  change(): void {
    this.#version++;
    if (this.alive && this.#reachable && this.#known) this.#register();
  }

  /** What it tells the registry. */
  get content(): Instance {
    return {
      serviceId: this.serviceId,
      instanceId: this.instanceId,
      endpoints: [this.endpoint],
      hostName: `host-${this.site}`,
      status: this.#version % 3 === 2 ? 'DOWN' : 'UP',
      properties: { version: String(this.#version) },
      healthCheck: { mode: 'push', port: 0, interval: 10, times: 2, url: '' },
      dataCenterInfo: undefined,
      version: '',
    };
  }

  get #reachable(): boolean {
    return this.#registry.manner === 'well' || this.#registry.manner === 'cold';
  }
  get #known(): boolean {
    this.#registry.expire();
    const held = this.#registry.services.get(this.serviceId);
    return held?.instances.has(this.instanceId) ?? false;
  }

  #register(): void {
    this.serviceId = this.#registry.putService(this.service);
    if (!this.#known) this.registeredMs = this.#clock.monotonicMs();
    this.#registry.register(this.serviceId, this.content);
  }

  #beat(): void {
    if (!this.alive) return;
    if (this.#reachable && !this.#registry.renew(this.serviceId, this.instanceId)) {
      this.#register();
    } else if (this.#reachable) {
      // A change that met a registry that was away.
      const held = this.#registry.services.get(this.serviceId)?.instances.get(this.instanceId);
      if (held?.instance.properties.version !== String(this.#version)) this.#register();
    }
    this.#clock.after(renewMs, () => this.#beat());
  }
}
