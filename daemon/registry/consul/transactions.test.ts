import { describe, expect, it } from 'vitest';
import type { Outcome } from '../common/trouble.ts';
import type { Transacted } from './api.ts';
import type { Operation } from './transaction-wire.ts';
import { createTransactions } from './transactions.ts';

const never = new AbortController().signal;
const nodeFirst: Operation = { kind: 'set-node', node: 'n', address: '', meta: {} };
const deletion = (id: string): Operation => ({
  kind: 'delete-service',
  node: 'n',
  id,
  name: 's',
  modifyIndex: 1,
});

/** A Consul that refuses what `refuses` says, and remembers what it was sent. */
function consul(refuses: (id: string) => string | undefined = () => undefined) {
  const sent: (readonly Operation[])[] = [];
  const transactions = createTransactions(
    {
      transact(operations): Promise<Outcome<Transacted>> {
        sent.push(operations);
        const errors = new Map<number, string>();
        for (const [at, each] of operations.entries()) {
          const what = each.kind === 'delete-service' ? refuses(each.id) : undefined;
          if (what !== undefined) errors.set(at, what);
        }
        const value: Transacted =
          errors.size === 0 ? { done: true, found: new Map() } : { done: false, errors };
        return Promise.resolve({ ok: true, value });
      },
    },
    () => nodeFirst,
  );
  return { transactions, sent };
}

describe('transactions', () => {
  it('put together what comes together, each with the node first, and keep to 128', async () => {
    const { transactions, sent } = consul();
    const ids = Array.from({ length: 300 }, (_, at) => `i${at}`);
    const all = await Promise.all(ids.map((id) => transactions.submit([deletion(id)], never)));
    expect(all.every((each) => each.ok && each.value.done)).toBe(true);
    expect(sent.every(([first]) => first === nodeFirst)).toBe(true);
    expect(sent.every(({ length }) => length <= 128)).toBe(true);
    expect(sent.length).toBe(3);
  });

  it('refuse those who are refused, and do the rest', async () => {
    const { transactions, sent } = consul((id) => (id === 'i7' ? 'index is stale' : undefined));
    const ids = Array.from({ length: 20 }, (_, at) => `i${at}`);
    const all = await Promise.all(ids.map((id) => transactions.submit([deletion(id)], never)));
    for (const [at, each] of all.entries()) {
      expect(each).toMatchObject({ ok: true, value: { done: at !== 7 } });
    }
    expect(sent.at(-1)).toHaveLength(20);
  });

  it('keep to the size that Consul takes', async () => {
    const { transactions, sent } = consul();
    const large = (id: string): Operation => deletion(id + 'x'.repeat(200_000));
    await Promise.all(['a', 'b', 'c'].map((id) => transactions.submit([large(id)], never)));
    expect(sent.map(({ length }) => length)).toEqual([3, 2]);
  });

  it('tell everybody where it is the node that is refused', async () => {
    const transactions = createTransactions(
      {
        transact: () =>
          Promise.resolve({
            ok: true,
            value: { done: false, errors: new Map([[0, 'Permission denied']]) },
          }),
      },
      () => nodeFirst,
    );
    const both = await Promise.all([
      transactions.submit([deletion('a')], never),
      transactions.submit([deletion('b')], never),
    ]);
    for (const each of both) {
      expect(each).toEqual({ ok: true, value: { done: false, what: 'Permission denied' } });
    }
  });

  it('reject for a caller who gives up', async () => {
    const { transactions } = consul();
    const aborted = AbortSignal.abort(new Error('not any more'));
    await expect(transactions.submit([deletion('a')], aborted)).rejects.toThrow('not any more');
  });
});
