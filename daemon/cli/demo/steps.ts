// What the applications of the demo do, and how a consumer of the other site sees it: one step is
// done in one registry and looked for in the other until it is readable there.

import type { Clock } from '../../support/clock.ts';
import { sleep } from '../../support/clock.ts';
import { randomInt, type Random } from '../../support/random.ts';
import type { RegistryClient } from './registry-client.ts';

export type StepKind = 'register' | 'status' | 'properties' | 'remove';

export interface StepResult {
  readonly kind: StepKind;
  readonly timeMs: number;
  readonly service: string;
  readonly instance: string;
  readonly from: string;
  readonly to: string;
  /** From the registry's acknowledgement to the first answer of the other one; `undefined`: never. */
  readonly delayMs: number | undefined;
}

export interface DemoEnd {
  readonly cluster: string;
  readonly client: RegistryClient;
}

interface Running {
  readonly end: DemoEnd;
  readonly serviceId: string;
  readonly service: string;
  readonly instance: string;
}

/** How long a step is looked for, and how often. */
const limitMs = 30_000;
const lookEveryMs = 5;

const services = ['orders', 'payment', 'stock', 'carts', 'users'];

/** The applications of both sites. */
export class DemoApplications {
  readonly #ends: readonly [DemoEnd, DemoEnd];
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #running: Running[] = [];
  #count = 0;

  constructor(ends: readonly [DemoEnd, DemoEnd], clock: Clock, random: Random) {
    this.#ends = ends;
    this.#clock = clock;
    this.#random = random;
  }

  /** Instances that run now in one site. */
  running(cluster: string): number {
    return this.#running.filter(({ end }) => end.cluster === cluster).length;
  }

  /** Does one step of this kind and waits until the other site shows it. */
  async step(kind: StepKind, signal: AbortSignal): Promise<StepResult> {
    const chosen = kind === 'register' ? await this.#start() : this.#choose();
    const { end, service, instance } = chosen;
    const other = end === this.#ends[0] ? this.#ends[1] : this.#ends[0];
    const isThere = await this.#act(kind, chosen);
    const timeMs = this.#clock.nowMs();
    const delayMs = await this.#look(() => isThere(other.client), signal);
    return { kind, timeMs, service, instance, from: end.cluster, to: other.cluster, delayMs };
  }

  /** A kind that makes sense now: between three and twelve instances run. */
  nextKind(): StepKind {
    if (this.#running.length < 3) return 'register';
    const dice = randomInt(this.#random, 10);
    if (dice < 4 && this.#running.length < 12) return 'register';
    if (dice < 6) return 'status';
    return dice < 8 ? 'properties' : 'remove';
  }

  async #start(): Promise<Running> {
    const end = this.#ends[this.#count % 2 === 0 ? 0 : 1];
    const service = services[this.#count % services.length] ?? 'orders';
    this.#count += 1;
    const serviceId = await end.client.service(service);
    return { end, serviceId, service, instance: `${service}-${end.cluster}-${this.#count}` };
  }

  #choose(): Running {
    const chosen = this.#running[randomInt(this.#random, this.#running.length)];
    if (chosen === undefined) throw new Error('no application runs');
    return chosen;
  }

  /** Does it, and gives how to tell that a registry shows it. */
  async #act(
    kind: StepKind,
    { end, serviceId, service, instance, ...rest }: Running,
  ): Promise<(client: RegistryClient) => Promise<boolean>> {
    const shown = async (client: RegistryClient) =>
      (await client.find(service)).find(
        ({ properties }) => properties?.['syncer-origin-instance'] === instance,
      );
    switch (kind) {
      case 'register': {
        await end.client.register(serviceId, instance, `rest://10.1.0.${this.#count % 250}:8080`);
        this.#running.push({ end, serviceId, service, instance, ...rest });
        return async (client) => (await shown(client)) !== undefined;
      }
      case 'status': {
        const present = (await end.client.find(service)).find((one) => one.instanceId === instance);
        const status = present?.status === 'UP' ? 'OUTOFSERVICE' : 'UP';
        await end.client.setStatus(serviceId, instance, status);
        return async (client) => (await shown(client))?.status === status;
      }
      case 'properties': {
        this.#count += 1;
        const build = String(this.#count);
        await end.client.setProperties(serviceId, instance, { build });
        return async (client) => (await shown(client))?.properties?.build === build;
      }
      case 'remove': {
        await end.client.remove(serviceId, instance);
        const at = this.#running.findIndex((one) => one.instance === instance);
        this.#running.splice(at, 1);
        return async (client) => (await shown(client)) === undefined;
      }
    }
  }

  async #look(isThere: () => Promise<boolean>, signal: AbortSignal): Promise<number | undefined> {
    const start = this.#clock.monotonicMs();
    for (;;) {
      const there = await isThere();
      const passedMs = this.#clock.monotonicMs() - start;
      if (there) return passedMs;
      if (passedMs > limitMs) return undefined;
      await sleep(this.#clock, lookEveryMs, signal);
    }
  }
}
