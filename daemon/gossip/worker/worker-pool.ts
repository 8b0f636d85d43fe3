// The main side of the gossip worker: the port of pool.ts, with the members mirrored here so that
// reading them costs nothing, and a worker that dies started again.

import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { backoff } from '../../support/backoff.ts';
import { sleep, type Clock } from '../../support/clock.ts';
import { listenError } from '../../support/listen-error.ts';
import type { Logger } from '../../support/logger.ts';
import { systemRandom } from '../../support/random.ts';
import type { GossipPool, IncomingQuery, PoolEvent, PoolMember, PoolSettings } from '../pool.ts';
import type { Address } from '../transport/transport.ts';
import type { Call, Failure, Returned, ToMain, ToWorker, WorkerStart } from './protocol.ts';

/** The worker's memory, MiB. A pool of 10,000 members needs about half of it. */
const workerMemoryMb = 256;
/** Members dialled after a crash of the worker. */
const rejoinCount = 5;
/** A worker that has run for so long has not died of its start: the next restart comes soon. */
const soundAfterMs = 60_000;
/** How long the worker may take to end when it is told to. */
const endTimeoutMs = 10_000;

/** The worker died, or is not there yet; the call may be tried again. */
class GossipWorkerError extends Error {
  override readonly name = 'GossipWorkerError';
}

/** Gives a pool that runs in a worker thread of its own; nothing happens before `start`. */
export function createGossipPool(
  settings: PoolSettings,
  parts: { readonly logger: Logger; readonly clock: Clock },
): GossipPool {
  return new WorkerPool(settings, parts);
}

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

type Handler = Parameters<GossipPool['answer']>[1];
type Phase = 'new' | 'running' | 'ending' | 'ended';

class WorkerPool implements GossipPool {
  readonly node: string;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #members = new Map<string, PoolMember>();
  readonly #listeners = new Set<(event: PoolEvent) => void>();
  readonly #handlers = new Map<string, Handler>();
  readonly #calls = new Map<number, Waiting>();
  readonly #ended = new AbortController();
  #settings: PoolSettings;
  #worker: Worker | undefined;
  #phase: Phase = 'new';
  #nextCall = 0;
  #restarts = 0;
  readonly #waits = backoff({ initialMs: 250, maxMs: 30_000, factor: 2 }, systemRandom);
  /** Members from before a crash that the new worker has not found again. */
  #lost = new Map<string, PoolMember>();

  constructor(settings: PoolSettings, parts: { readonly logger: Logger; readonly clock: Clock }) {
    this.node = settings.node;
    this.#settings = settings;
    this.#logger = parts.logger;
    this.#clock = parts.clock;
  }

  async start(): Promise<Address> {
    if (this.#phase !== 'new') throw new GossipWorkerError('the pool has been started already');
    this.#phase = 'running';
    try {
      return await this.#launch();
    } catch (error) {
      this.#phase = 'new';
      if (!(error instanceof Error)) throw error;
      const { host, port } = this.#settings.bind;
      throw listenError(error, `${host}:${port}`, '--bind-addr');
    }
  }

  members: GossipPool['members'] = () => [...this.#members.values()];

  join: GossipPool['join'] = (addresses) => this.#call({ op: 'join', addresses });

  leave = (): Promise<void> => this.#end({ op: 'leave' });

  close = (): Promise<void> => this.#end({ op: 'close' });

  forceLeave: GossipPool['forceLeave'] = (node, prune) =>
    this.#call({ op: 'forceLeave', node, prune });

  setTags: GossipPool['setTags'] = async (tags) => {
    await this.#call({ op: 'setTags', tags });
    this.#settings = { ...this.#settings, tags };
  };

  sendEvent: GossipPool['sendEvent'] = (name, payload, coalesce) =>
    this.#call({ op: 'sendEvent', name, payload: copied(payload), coalesce });

  query: GossipPool['query'] = (name, payload, options) =>
    this.#call({ op: 'query', name, payload: copied(payload), options });

  answer: GossipPool['answer'] = (name, handler) => {
    this.#handlers.set(name, handler);
    this.#post({ kind: 'answers', name });
  };

  keys: GossipPool['keys'] = (operation, key) => this.#call({ op: 'keys', operation, key });

  stats: GossipPool['stats'] = async () => ({
    ...(await this.#call({ op: 'stats' })),
    worker_restarts: this.#restarts,
  });

  onEvent: GossipPool['onEvent'] = (listener) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  /** Starts a worker and its member; on failure nothing is left. */
  async #launch(): Promise<Address> {
    const start: WorkerStart = { settings: this.#settings, answers: [...this.#handlers.keys()] };
    const worker = new Worker(workerFile(), {
      workerData: start,
      execArgv: [],
      name: 'gossip',
      resourceLimits: { maxOldGenerationSizeMb: workerMemoryMb },
    });
    this.#worker = worker;
    const startedMs = this.#clock.monotonicMs();
    let running = false;
    let reason = '';
    worker.on('message', (message: ToMain) => this.#receive(worker, message));
    worker.on('error', (error) => (reason = `: ${String(error)}`));
    worker.on('exit', (code) => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      const error = new GossipWorkerError(`the gossip worker ended with code ${code}${reason}`);
      for (const waiting of this.#calls.values()) waiting.reject(error);
      this.#calls.clear();
      if (!running || this.#phase !== 'running') return;
      if (this.#clock.monotonicMs() - startedMs > soundAfterMs) this.#waits.reset();
      void this.#restart(error);
    });
    try {
      const address = await this.#call({ op: 'start' });
      running = true;
      // Peers know this port: a new worker must come back on it.
      const { bind } = this.#settings;
      if (bind.port === 0)
        this.#settings = { ...this.#settings, bind: { ...bind, port: address.port } };
      return address;
    } catch (error) {
      this.#worker = undefined;
      await worker.terminate();
      throw error;
    }
  }

  /** A new worker takes the place of a dead one and dials those that were alive. */
  async #restart(cause: Error): Promise<void> {
    for (const [name, member] of this.#members)
      if (name !== this.node) this.#lost.set(name, member);
    this.#crashed(`${cause.message}; it is started again`);
    for (let running = false; !running && this.#phase === 'running';) {
      this.#restarts += 1;
      try {
        await sleep(this.#clock, this.#waits.nextMs(), this.#ended.signal);
        await this.#launch();
        running = true;
      } catch (error) {
        // Not while the pool is being closed: that ends the wait, too.
        if (!this.#ended.signal.aborted) {
          this.#crashed(`the gossip worker could not be started again: ${String(error)}`);
        }
      }
    }
    if (this.#phase !== 'running') return;
    this.#logger.info({ restarts: this.#restarts }, 'the gossip worker runs again');
    await this.#rejoin();
  }

  async #rejoin(): Promise<void> {
    const lost = [...this.#lost.values()];
    const alive = lost.filter(({ status }) => status === 'alive').slice(0, rejoinCount);
    const addresses = alive.map(({ address, port }) =>
      address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`,
    );
    try {
      if (addresses.length > 0) await this.join(addresses);
    } catch (error) {
      // It died again; the next one rejoins.
      this.#logger.warn({ error: String(error) }, 'the gossip worker could not rejoin');
      return;
    }
    this.#lost.clear();
    for (const member of lost) {
      if (!this.#members.has(member.name)) this.#tell({ type: 'member-reaped', member });
    }
  }

  /** Says that the engine is down, in the log and in the pool's own words. */
  #crashed(detail: string): void {
    this.#logger.error({ restarts: this.#restarts }, detail);
    const trouble = { code: 'engine-crash', source: this.node, detail, count: 1 } as const;
    this.#tell({ type: 'trouble', trouble });
  }

  async #end(call: Extract<Call, { op: 'leave' | 'close' }>): Promise<void> {
    if (this.#phase !== 'running') {
      this.#phase = 'ended';
      return;
    }
    this.#phase = 'ending';
    this.#ended.abort(new GossipWorkerError('the pool has been closed'));
    const worker = this.#worker;
    const tooLate = new AbortController();
    try {
      if (worker !== undefined) {
        await Promise.race([
          this.#call(call),
          sleep(this.#clock, call.op === 'leave' ? 2 * endTimeoutMs : endTimeoutMs, tooLate.signal),
        ]);
      }
    } catch (error) {
      this.#logger.warn({ error: String(error) }, 'the gossip worker did not end as told');
    } finally {
      tooLate.abort();
      this.#phase = 'ended';
      this.#worker = undefined;
      await worker?.terminate();
    }
  }

  #call<Op extends Call['op']>(call: Extract<Call, { op: Op }>): Promise<Returned<Op>> {
    const worker = this.#worker;
    if (worker === undefined) {
      const state = this.#phase === 'running' ? 'is being started again' : 'is not running';
      return Promise.reject(new GossipWorkerError(`the gossip worker ${state}`));
    }
    const id = this.#nextCall++;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      this.#post({ kind: 'call', id, call });
    });
  }

  #post(message: ToWorker): void {
    this.#worker?.postMessage(message);
  }

  #receive(worker: Worker, message: ToMain): void {
    if (this.#worker !== worker) return;
    switch (message.kind) {
      case 'returned':
        this.#take(message.id)?.resolve(message.value as never);
        break;
      case 'rejected':
        this.#take(message.id)?.reject(rebuilt(message.error));
        break;
      case 'members':
        this.#members.clear();
        for (const member of message.members) this.#members.set(member.name, member);
        break;
      case 'batch':
        this.#mirrorRoundTrips(message.roundTrips);
        for (const event of message.events) this.#tell(event);
        if (message.awaited) this.#post({ kind: 'ready' });
        break;
      case 'question':
        void this.#answer(message.id, message.query);
        break;
      case 'log':
        this.#logger[message.level](message.fields, message.message);
        break;
    }
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#calls.get(id);
    this.#calls.delete(id);
    return waiting;
  }

  #mirrorRoundTrips(roundTrips: readonly (readonly [string, number])[]): void {
    for (const [name, roundTripMs] of roundTrips) {
      const member = this.#members.get(name);
      if (member !== undefined) this.#members.set(name, { ...member, roundTripMs });
    }
  }

  #tell(event: PoolEvent): void {
    if (event.type === 'member-reaped') this.#members.delete(event.member.name);
    else if ('member' in event) this.#members.set(event.member.name, event.member);
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        this.#logger.error(
          { event: event.type, error: String(error) },
          'a listener of the pool failed',
        );
      }
    }
  }

  async #answer(id: number, query: IncomingQuery): Promise<void> {
    let payload: Uint8Array | undefined;
    try {
      payload = await this.#handlers.get(query.name)?.(query);
    } catch (error) {
      this.#logger.warn(
        { query: query.name, error: String(error) },
        'a query could not be answered',
      );
    }
    this.#post({ kind: 'answered', id, payload: payload && copied(payload) });
  }
}

/** Only these bytes: posting a `Buffer` would post the whole block that it is a part of. */
function copied(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes);
}

/** The error as the worker threw it; its stack is of this side. */
function rebuilt({ name, message, code }: Failure): Error {
  return Object.assign(new Error(message), { name }, code === undefined ? {} : { code });
}

/** Beside this file in the sources; in the bundle, where its build puts it. */
function workerFile(): URL {
  if (import.meta.url.endsWith('.ts')) return new URL('./worker.ts', import.meta.url);
  const bundled = new URL('./gossip/worker/worker.js', import.meta.url);
  return existsSync(bundled) ? bundled : new URL('./worker.js', import.meta.url);
}
