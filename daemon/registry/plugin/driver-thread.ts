// One life of a driver's thread: from its start to its end, whatever ends it. Every message is checked;
// every call has a deadline; a thread that no longer turns is ended.

import { Worker } from 'node:worker_threads';
import type { Clock, Timer } from '../../support/clock.ts';
import type { Logger } from '../../support/logger.ts';
import type {
  RegistryChange,
  RegistryCondition,
  RegistryFacts,
  RegistryMemory,
  WriteResult,
} from '../driver.ts';
import { firstIssue, messageShape, writeResultShape, type CallName, type Frame } from './border.ts';
import type { PluginLimits } from './limits.ts';
import type { Order, WorkerSettings } from './orders.ts';

/** What a driver did that it should not have done. */
export interface DriverFault {
  readonly code:
    'not-loaded' | 'exited' | 'crashed' | 'hangs' | 'late' | 'threw' | 'garbage' | 'contradiction';
  readonly detail: string;
}

export interface ThreadEvents {
  made(): void;
  /** A change is whole. Throws for one that cannot be. */
  changed(change: RegistryChange, whole: boolean): void;
  condition(condition: RegistryCondition): void;
  facts(facts: RegistryFacts): void;
  /** Something went wrong; the thread goes on. */
  fault(fault: DriverFault): void;
  /** The thread has ended, unasked; nothing comes after this. */
  ended(fault: DriverFault): void;
}

interface Pending {
  readonly method: CallName;
  readonly settle: (result: WriteResult<never>) => void;
}

const workerUrl = new URL(
  import.meta.url.endsWith('.ts') ? './driver-worker.ts' : './driver-worker.js',
  import.meta.url,
);

export class DriverThread {
  readonly #worker: Worker;
  readonly #events: ThreadEvents;
  readonly #limits: PluginLimits;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #pending = new Map<number, Pending>();
  readonly #stopped: PromiseWithResolvers<undefined> = Promise.withResolvers();
  #frames: Frame[] = [];
  #items = 0;
  #changes = 0;
  #calls = 0;
  /** Pings in a row without a message after them. */
  #silentPings = 0;
  /** Calls in a row that gave nothing. */
  #badCalls = 0;
  #made = false;
  #over = false;
  #timer: Timer | undefined;

  constructor(
    settings: WorkerSettings,
    parts: {
      readonly clock: Clock;
      readonly logger: Logger;
      readonly limits: PluginLimits;
      readonly events: ThreadEvents;
    },
  ) {
    this.#events = parts.events;
    this.#limits = parts.limits;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
    this.#worker = new Worker(workerUrl, {
      name: 'driver',
      workerData: settings,
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: parts.limits.memoryMb },
    });
    this.#worker.unref();
    this.#worker.on('message', (message: unknown) => this.#take(message));
    this.#worker.on('error', (error: unknown) => this.#end('crashed', textOf(error)));
    this.#worker.on('exit', (code) => {
      this.#end('exited', `it ended its thread (process.exit or the like, code ${code})`);
      this.#stopped.resolve(undefined);
    });
    for (const stream of [this.#worker.stdout, this.#worker.stderr]) {
      stream.on('data', (bytes: Buffer) => {
        this.#logger.debug({ printed: bytes.toString().slice(0, 2_000) }, 'the driver printed');
      });
    }
    this.#watch();
  }

  start(memory: RegistryMemory | undefined): void {
    this.#send({ type: 'start', memory });
  }

  wake(): void {
    this.#send({ type: 'wake' });
  }

  /** Lets the driver stop, and ends the thread, at the latest after the limit: no timer outlives it. */
  async stop(): Promise<void> {
    this.#send({ type: 'stop' });
    const late = this.#clock.after(this.#limits.stopMs, () => this.#stopped.resolve(undefined));
    await this.#stopped.promise;
    late.cancel();
    this.#finish('the driver is stopped');
    await this.#worker.terminate();
  }

  /** Does one call; rejects only when `signal` is aborted. */
  call(
    method: CallName,
    args: readonly unknown[],
    signal: AbortSignal,
  ): Promise<WriteResult<never>> {
    signal.throwIfAborted();
    if (this.#over) return Promise.resolve(unreachable('the driver is not running'));
    const id = (this.#calls += 1);
    return new Promise((resolve, reject) => {
      const end = (): void => {
        deadline.cancel();
        signal.removeEventListener('abort', aborted);
        this.#pending.delete(id);
      };
      const aborted = (): void => {
        end();
        this.#send({ type: 'cancel', id });
        reject(signal.reason as Error);
      };
      const deadline = this.#clock.after(this.#limits.callMs, () => {
        end();
        this.#send({ type: 'cancel', id });
        const detail = `${method}: no answer within ${this.#limits.callMs / 1_000} s`;
        this.#badCall({ code: 'late', detail });
        resolve({ ok: false, failure: { code: 'timeout', retry: true, detail } });
      });
      signal.addEventListener('abort', aborted, { once: true });
      this.#pending.set(id, {
        method,
        settle(result) {
          end();
          resolve(result);
        },
      });
      this.#send({ type: 'call', id, method, args });
    });
  }

  #send(order: Order): void {
    if (!this.#over) this.#worker.postMessage(order);
  }

  /** Asks at an interval whether the thread turns. */
  #watch(): void {
    this.#timer = this.#clock.after(this.#limits.pingEveryMs, () => {
      if (this.#silentPings >= this.#limits.silentPings) {
        const seconds = (this.#silentPings * this.#limits.pingEveryMs) / 1_000;
        const what = this.#made ? 'its thread has not turned' : 'it has not loaded';
        this.#end('hangs', `${what} for ${seconds} s`);
        return;
      }
      this.#silentPings += 1;
      this.#send({ type: 'ping', id: 0 });
      this.#watch();
    });
  }

  #take(message: unknown): void {
    if (this.#over) return;
    this.#silentPings = 0;
    const parsed = messageShape.safeParse(message);
    if (!parsed.success) {
      this.#end('garbage', `what it tells has the wrong shape: ${firstIssue(parsed.error)}`);
      return;
    }
    const told = parsed.data;
    switch (told.type) {
      case 'made':
        this.#made = true;
        this.#events.made();
        break;
      case 'not-made':
        this.#end('not-loaded', told.message);
        break;
      case 'frame':
        this.#takeFrame(told);
        break;
      case 'condition':
        this.#events.condition(told.condition);
        break;
      case 'facts':
        this.#events.facts(told.facts);
        break;
      case 'result':
        this.#takeResult(told.id, told.result);
        break;
      case 'threw': {
        const pending = this.#pending.get(told.id);
        if (pending === undefined) break;
        const detail = `${pending.method}: ${told.message}`;
        this.#badCall({ code: 'threw', detail });
        pending.settle({ ok: false, failure: { code: 'server-error', retry: true, detail } });
        break;
      }
      case 'pong':
        break;
      case 'stopped':
        this.#stopped.resolve(undefined);
        break;
      case 'log':
        this.#logger[told.level]({}, told.message);
        break;
    }
  }

  /** Nothing of a change is believed before its last frame was right. */
  #takeFrame(frame: Frame): void {
    this.#frames.push(frame);
    this.#items +=
      frame.services.length +
      frame.instances.length +
      frame.removedInstances.length +
      frame.removedServices.length;
    if (frame.change !== this.#changes || this.#items > this.#limits.changeItems) {
      this.#end(
        'garbage',
        `change ${frame.change} has ${this.#items} items, expected ${this.#changes}`,
      );
      return;
    }
    if (!frame.last) return;
    const frames = this.#frames;
    this.#frames = [];
    this.#items = 0;
    const change: RegistryChange = {
      services: frames.flatMap(({ services }) => services),
      instances: frames.flatMap(({ instances }) => instances),
      removedInstances: frames.flatMap(({ removedInstances }) => removedInstances),
      removedServices: frames.flatMap(({ removedServices }) => removedServices),
      seenAtMs: frame.seenAtMs,
    };
    this.#changes += 1;
    try {
      this.#events.changed(change, this.#changes === 1);
    } catch (error) {
      this.#end('garbage', textOf(error));
    }
  }

  #takeResult(id: number, result: unknown): void {
    const pending = this.#pending.get(id);
    // Its deadline was over, or nobody wants it any more.
    if (pending === undefined) return;
    const parsed = writeResultShape(pending.method).safeParse(result);
    if (parsed.success) {
      this.#badCalls = 0;
      pending.settle(parsed.data as WriteResult<never>);
      return;
    }
    const detail = `${pending.method} gave the wrong shape: ${firstIssue(parsed.error)}`;
    this.#badCall({ code: 'garbage', detail });
    pending.settle({ ok: false, failure: { code: 'server-error', retry: true, detail } });
  }

  #badCall(fault: DriverFault): void {
    this.#badCalls += 1;
    if (this.#badCalls >= this.#limits.badCalls) {
      this.#end(
        fault.code,
        `${this.#badCalls} calls in a row gave nothing; the last: ${fault.detail}`,
      );
    } else {
      this.#events.fault(fault);
    }
  }

  /** Ends the thread because of what the driver did. */
  fail(fault: DriverFault): void {
    this.#end(fault.code, fault.detail);
  }

  #end(code: DriverFault['code'], detail: string): void {
    if (this.#over) return;
    this.#finish(detail);
    void this.#worker.terminate();
    this.#events.ended({ code, detail });
  }

  #finish(detail: string): void {
    this.#over = true;
    this.#timer?.cancel();
    for (const { settle } of [...this.#pending.values()]) settle(unreachable(detail));
    this.#stopped.resolve(undefined);
  }
}

function unreachable(detail: string): WriteResult<never> {
  return { ok: false, failure: { code: 'unreachable', retry: true, detail } };
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
