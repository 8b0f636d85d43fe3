// The main thread's end of the worker: one request at a time, in order.

import { Worker } from 'node:worker_threads';
import { isErrorCode, SyncerError } from '../../proto/errors.ts';
import type { Store } from './ports.ts';
import type { Failure, Reply, Request, Rows, WorkerSettings } from './worker-protocol.ts';

interface Pending {
  readonly rows: unknown[];
  readonly resolve: (rows: readonly unknown[]) => void;
  readonly reject: (error: Error) => void;
}

/** The worker beside this file: sources run as they are, artefacts as JavaScript. */
const workerUrl = new URL(
  import.meta.url.endsWith('.ts') ? './sqlite-worker.ts' : './sqlite-worker.js',
  import.meta.url,
);

export class WorkerClient {
  readonly origin: Store['origin'];
  readonly #worker: Worker;
  readonly #pending: Pending[] = [];
  #dead: Error | undefined;

  private constructor(worker: Worker, origin: Store['origin']) {
    this.origin = origin;
    this.#worker = worker;
    worker.on('message', (reply: Reply) => this.#take(reply));
    worker.on('error', (error: Error) => this.#die(error));
    worker.on('exit', (code) => this.#die(new Error(`the store's worker ended (${code})`)));
    // It keeps the process alive only while an answer is awaited.
    worker.unref();
  }

  /** Starts the worker and opens the file. Rejects with `data-dir.unusable`, `store.newer-version`. */
  static async open(settings: WorkerSettings): Promise<WorkerClient> {
    const worker = new Worker(workerUrl, { workerData: settings, name: 'store' });
    const first = await new Promise<Reply>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', (code) => reject(new Error(`the store's worker ended (${code})`)));
    });
    if (first.type === 'opened') return new WorkerClient(worker, first.origin);
    await worker.terminate();
    if (first.type === 'not-opened' && isErrorCode(first.failure.code)) {
      throw new SyncerError(first.failure.code, first.failure.parameters);
    }
    const reason = first.type === 'not-opened' ? first.failure.message : first.type;
    throw new SyncerError('store.unwritable', { file: settings.file, reason });
  }

  /** Whether the worker has ended; the store then opens another. */
  get isDead(): boolean {
    return this.#dead !== undefined;
  }

  /** Gives the rows of a request. Rejects with the disk's refusal. */
  async ask<R extends Request>(request: R): Promise<readonly Rows[R['type']][]> {
    const rows = await new Promise<readonly unknown[]>((resolve, reject) => {
      if (this.#dead !== undefined) {
        reject(this.#dead);
        return;
      }
      this.#pending.push({ rows: [], resolve, reject });
      this.#worker.ref();
      this.#worker.postMessage(request);
    });
    return rows as readonly Rows[R['type']][];
  }

  async close(): Promise<void> {
    if (this.#dead !== undefined) return;
    await this.ask({ type: 'close' });
    await this.#worker.terminate();
  }

  #take(reply: Reply): void {
    const pending = this.#pending[0];
    if (pending === undefined) return;
    if (reply.type === 'part') {
      for (const row of reply.rows) pending.rows.push(row);
      return;
    }
    this.#pending.shift();
    if (this.#pending.length === 0) this.#worker.unref();
    if (reply.type === 'failed') pending.reject(asError(reply.failure));
    else pending.resolve(pending.rows);
  }

  #die(error: Error): void {
    this.#dead ??= error;
    for (const pending of this.#pending.splice(0)) pending.reject(error);
  }
}

function asError(failure: Failure): Error {
  return new Error(`${failure.message} (${failure.code})`);
}
