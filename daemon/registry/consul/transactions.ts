// Writes of many callers in few transactions: what is submitted while others are under way goes
// together, up to Consul's limits (peers.md §4, "Transactions"). A transaction is all or nothing: those
// whose part was refused are told so, the rest is sent again without them.

import type { Outcome, Trouble } from '../common/trouble.ts';
import type { ConsulApi } from './api.ts';
import type { Operation } from './transaction-wire.ts';

/** Consul takes 128. */
const mostOperations = 128;
/** Consul takes 524,288 bytes; the rest is for brackets and for the node. */
const mostBytes = 500_000;
/** Transactions under way at once: the next is on its way while one is written. */
const mostUnderWay = 2;

/** What became of one caller's operations. */
type Submitted =
  | { readonly done: true; readonly found: ReadonlyMap<string, number> }
  /** Refused, in Consul's words. */
  | { readonly done: false; readonly what: string };

export interface Transactions {
  /** Carries out these operations together or not at all. Rejects only when `signal` is aborted. */
  submit(operations: readonly Operation[], signal: AbortSignal): Promise<Outcome<Submitted>>;
  /** Ends what is under way. */
  stop(): void;
}

interface Group {
  readonly operations: readonly Operation[];
  readonly bytes: number;
  readonly settle: (outcome: Outcome<Submitted>) => void;
}

/** Gives the batcher. `first`: an operation that each transaction begins with (the node). */
export function createTransactions(
  api: Pick<ConsulApi, 'transact'>,
  first: () => Operation,
): Transactions {
  const stopping = new AbortController();
  let waiting: Group[] = [];
  let underWay = 0;
  let scheduled = false;

  const schedule = (): void => {
    if (scheduled || waiting.length === 0 || underWay >= mostUnderWay) return;
    scheduled = true;
    // After this turn: what is submitted within it goes together.
    setImmediate(() => {
      scheduled = false;
      while (waiting.length > 0 && underWay < mostUnderWay) {
        const batch = takeBatch();
        underWay += 1;
        void send(batch).finally(() => {
          underWay -= 1;
          schedule();
        });
      }
    });
  };

  const takeBatch = (): readonly Group[] => {
    let operations = 1;
    let bytes = 0;
    let count = 0;
    for (const group of waiting) {
      operations += group.operations.length;
      bytes += group.bytes;
      if (count > 0 && (operations > mostOperations || bytes > mostBytes)) break;
      count += 1;
    }
    return waiting.splice(0, count);
  };

  const send = async (batch: readonly Group[]): Promise<void> => {
    const operations = [first(), ...batch.flatMap((group) => group.operations)];
    const outcome = await api
      .transact(operations, stopping.signal)
      .catch((): Outcome<never> => ({ ok: false, trouble: stopped }));
    if (!outcome.ok) {
      for (const group of batch) group.settle(outcome);
      return;
    }
    const result = outcome.value;
    if (result.done) {
      for (const group of batch) group.settle({ ok: true, value: result });
      return;
    }
    const refused: Group[] = [];
    const others: Group[] = [];
    let at = 1;
    for (const group of batch) {
      const what = group.operations.flatMap((_, index) => result.errors.get(at + index) ?? [])[0];
      at += group.operations.length;
      if (what === undefined) {
        others.push(group);
        continue;
      }
      refused.push(group);
      group.settle({ ok: true, value: { done: false, what } });
    }
    if (refused.length > 0) {
      waiting = [...others, ...waiting];
      return;
    }
    // It is the transaction itself that is refused.
    const what = [...result.errors.values()][0] ?? 'refused without a word';
    for (const group of batch) group.settle({ ok: true, value: { done: false, what } });
  };

  return {
    submit(operations, signal) {
      return new Promise((resolve, reject) => {
        signal.throwIfAborted();
        const onAbort = (): void => reject(signal.reason as Error);
        signal.addEventListener('abort', onAbort, { once: true });
        waiting.push({
          operations,
          bytes: Buffer.byteLength(JSON.stringify(operations)),
          settle(outcome) {
            signal.removeEventListener('abort', onAbort);
            resolve(outcome);
          },
        });
        schedule();
      });
    },
    stop: () => stopping.abort(new Error('the driver stops')),
  };
}

const stopped: Trouble = {
  kind: 'failed',
  failure: { code: 'unreachable', interrupts: false, sent: true, detail: 'the driver stops' },
};
