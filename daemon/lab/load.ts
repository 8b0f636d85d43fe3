// Made-up applications: so many services and instances that register, renew, change and restart, on a
// lab or on a real ServiceCenter.

import { sleep, systemClock, type Clock } from '../support/clock.ts';
import { randomInt, systemRandom, type Random } from '../support/random.ts';
import { LoadClient, type Pair } from './load-client.ts';
import { makeInstance, makeService } from './load-content.ts';

export interface LoadOptions {
  readonly services: number;
  readonly instancesPerService: number;
  /** Changes per second once all are registered: properties, status, or another instance. Default 0. */
  readonly churnPerSecond?: number;
  /** Seconds between heartbeats; the lease is four times as long. Default 30. */
  readonly heartbeatSeconds?: number;
  /** This share of the services has schemas, tags, paths and all else. Default 0.5. */
  readonly fullShare?: number;
  /** So many instances restart at once, every `massRestartSeconds`. Default 0: never. */
  readonly massRestartCount?: number;
  readonly massRestartSeconds?: number;
  /** Begins every application id and instance id. Default `lab`. */
  readonly prefix?: string;
  readonly domain?: string;
  readonly project?: string;
  /** Connections at once. Default 16. */
  readonly connections?: number;
}

interface LoadStatistics {
  readonly services: number;
  readonly instances: number;
  readonly heartbeats: number;
  readonly changes: number;
  readonly restarts: number;
  /** Instances that the registry had forgotten and that have registered again. */
  readonly registeredAgain: number;
  readonly errors: number;
  readonly lastError: string | undefined;
}

export interface Load {
  statistics(): LoadStatistics;
  /** The instances that ought to be in the registry now. */
  instances(): readonly Pair[];
  /** Takes `count` instances out and registers them again under the same ids, as fast as it goes. */
  massRestart(count: number): Promise<void>;
  /** Stops renewing and changing. With `unregister` every instance is taken out first. */
  stop(options?: { readonly unregister: boolean }): Promise<void>;
}

export interface LoadPorts {
  readonly clock?: Clock;
  readonly random?: Random;
}

/** Pairs in one heartbeat call (servicecenter-api.md §6). */
const batchSize = 1_000;
/** How often churn is dealt out. */
const churnMs = 100;
/** After a call that failed. */
const retryMs = 1_000;

interface Member extends Pair {
  readonly number: number;
}

/**
 * Registers everything, then keeps it alive until `stop`. Resolves when all are registered; rejects
 * with the first refusal of a registration.
 */
export async function startLoad(
  url: string,
  options: LoadOptions,
  { clock = systemClock, random = systemRandom }: LoadPorts = {},
): Promise<Load> {
  const load = new RunningLoad(url, options, clock, random);
  try {
    await load.registerAll();
  } catch (error) {
    await load.stop();
    throw error;
  }
  load.keepAlive();
  return load;
}

class RunningLoad implements Load {
  readonly #client: LoadClient;
  readonly #options: LoadOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #members: Member[] = [];
  readonly #stopped = new AbortController();
  readonly #loops: Promise<void>[] = [];
  readonly #prefix: string;
  readonly #seconds: number;
  readonly #connections: number;
  #nextNumber = 0;
  #counts = { heartbeats: 0, changes: 0, restarts: 0, registeredAgain: 0, errors: 0 };
  #lastError: string | undefined;

  constructor(url: string, options: LoadOptions, clock: Clock, random: Random) {
    this.#options = options;
    this.#clock = clock;
    this.#random = random;
    this.#prefix = options.prefix ?? 'lab';
    this.#seconds = options.heartbeatSeconds ?? 30;
    this.#connections = options.connections ?? 16;
    this.#client = new LoadClient(url, {
      domain: options.domain ?? 'default',
      project: options.project ?? 'default',
      connections: this.#connections,
    });
  }

  statistics(): LoadStatistics {
    const { services } = this.#options;
    const instances = this.#members.length;
    return { services, instances, ...this.#counts, lastError: this.#lastError };
  }

  instances(): readonly Pair[] {
    return this.#members.map(({ serviceId, instanceId }) => ({ serviceId, instanceId }));
  }

  async registerAll(): Promise<void> {
    const { services, instancesPerService, fullShare = 0.5 } = this.#options;
    const numbers = Array.from({ length: services }, (_none, number) => number);
    await this.#inParallel(numbers, async (number) => {
      const isFull = ((number * 7919) % 1000) / 1000 < fullShare;
      const made = makeService(number, this.#prefix, isFull);
      const { service, tags, schemas } = made;
      const body = tags === undefined ? { service } : { service, tags };
      const serviceId = await this.#client.createService(body);
      if (schemas.length > 0) await this.#client.postSchemas(serviceId, schemas);
      for (let index = 0; index < instancesPerService; index++) {
        await this.#add(serviceId);
      }
    });
  }

  keepAlive(): void {
    const { churnPerSecond = 0, massRestartCount = 0, massRestartSeconds = 60 } = this.#options;
    this.#loops.push(this.#heartbeatLoop());
    if (churnPerSecond > 0) this.#loops.push(this.#churnLoop(churnPerSecond));
    if (massRestartCount > 0) {
      const everyMs = massRestartSeconds * 1000;
      this.#loops.push(this.#repeat(everyMs, () => this.massRestart(massRestartCount)));
    }
  }

  async massRestart(count: number): Promise<void> {
    const start = randomInt(this.#random, Math.max(1, this.#members.length - count));
    const chosen = this.#members.slice(start, start + count);
    await this.#inParallel(chosen, async (member) => {
      await this.#client.unregister(member);
      await this.#register(member);
      this.#counts.restarts += 1;
    });
  }

  async stop(options: { readonly unregister: boolean } = { unregister: false }): Promise<void> {
    this.#stopped.abort(new Error('the load was stopped'));
    await Promise.all(this.#loops);
    if (options.unregister) {
      await this.#inParallel(this.#members.splice(0), (member) => this.#client.unregister(member));
    }
    await this.#client.close();
  }

  async #add(serviceId: string): Promise<void> {
    const number = this.#nextNumber++;
    const member = { serviceId, instanceId: `${this.#prefix}-${String(number)}`, number };
    await this.#register(member);
    this.#members.push(member);
  }

  #register({ serviceId, instanceId, number }: Member): Promise<void> {
    const instance = makeInstance(instanceId, number, this.#seconds, this.#random);
    return this.#client.register(serviceId, instance);
  }

  /** Spreads the batches over the interval, so that the registry sees an even stream. */
  async #heartbeatLoop(): Promise<void> {
    let at = 0;
    await this.#pace(
      () => {
        const batches = Math.max(1, Math.ceil(this.#members.length / batchSize));
        return (this.#seconds * 1000) / batches;
      },
      async () => {
        if (at >= this.#members.length) at = 0;
        const batch = this.#members.slice(at, at + batchSize);
        at += batchSize;
        if (batch.length === 0) return;
        const pairs = batch.map(({ serviceId, instanceId }) => ({ serviceId, instanceId }));
        this.#counts.heartbeats += batch.length;
        if (await this.#client.heartbeats(pairs)) return;
        // 1.x does not say which is unknown; a registration of a live one is only a heartbeat. One
        // that churn has taken out meanwhile must not come back.
        const present = new Set(this.#members);
        const forgotten = batch.filter((member) => present.has(member));
        await this.#inParallel(forgotten, (member) => this.#register(member));
        this.#counts.registeredAgain += forgotten.length;
      },
    );
  }

  #churnLoop(perSecond: number): Promise<void> {
    let owed = 0;
    return this.#repeat(churnMs, async () => {
      owed += (perSecond * churnMs) / 1000;
      const due = Math.floor(owed);
      owed -= due;
      await this.#inParallel(Array.from({ length: due }), () => this.#changeOne());
    });
  }

  async #changeOne(): Promise<void> {
    const at = randomInt(this.#random, this.#members.length);
    const member = this.#members[at];
    if (member === undefined) return;
    const kind = this.#random.next();
    if (kind < 0.5) {
      const build = String(randomInt(this.#random, 1_000_000));
      await this.#client.setProperties(member, { zone: 'z0', build });
    } else if (kind < 0.8) {
      await this.#client.setStatus(member, kind < 0.65 ? 'DOWN' : 'UP');
    } else {
      // Out of the list first, so that no heartbeat brings it back.
      this.#members.splice(at, 1);
      await this.#client.unregister(member);
      await this.#add(member.serviceId);
    }
    this.#counts.changes += 1;
  }

  #repeat(everyMs: number, run: () => Promise<void>): Promise<void> {
    return this.#pace(() => everyMs, run);
  }

  /** Runs at an even pace until stopped; a failed call is counted and the next tried after a wait. */
  async #pace(waitMs: () => number, run: () => Promise<void>): Promise<void> {
    let dueMs = this.#clock.monotonicMs();
    while (!this.#stopped.signal.aborted) {
      dueMs = Math.max(this.#clock.monotonicMs(), dueMs + waitMs());
      try {
        const leftMs = Math.max(0, dueMs - this.#clock.monotonicMs());
        await sleep(this.#clock, leftMs, this.#stopped.signal);
      } catch {
        return;
      }
      try {
        await run();
      } catch (error) {
        this.#counts.errors += 1;
        this.#lastError = (error as Error).message;
        dueMs += retryMs;
      }
    }
  }

  /** Runs for all items, as many at once as there are connections; rejects with the first error. */
  async #inParallel<T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
    const left = items.values();
    const worker = async (): Promise<void> => {
      for (const item of left) await run(item);
    };
    const count = Math.min(this.#connections, items.length);
    await Promise.all(Array.from({ length: count }, worker));
  }
}
