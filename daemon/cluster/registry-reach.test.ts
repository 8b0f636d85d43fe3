// When a leader that its registry does not answer hands over: to one that the registry answers, and
// to nobody else.

import { describe, expect, it } from 'vitest';
import type { IncomingQuery } from '../gossip/pool.ts';
import { silentLogger } from '../support/logger.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { watchRegistryReach } from './registry-reach.ts';

/** Three replicas, of which `one` leads at first; who reaches the registry is the test's to say. */
function place() {
  const clock = new VirtualClock();
  const names = ['one', 'two', 'three'];
  const reaching = new Set(names);
  const answers = new Map<string, (query: IncomingQuery) => unknown>();
  const stopping = new AbortController();
  const state = { leader: 'one', asked: 0 };
  for (const name of names) {
    watchRegistryReach(
      {
        pool: {
          answer: (_query, handler) => answers.set(name, handler),
          async query(_name, _payload, { filterNodes = [] }) {
            state.asked += 1;
            const responses = filterNodes.map((from) => ({
              from,
              payload: answers.get(from)?.({ from: name } as IncomingQuery) as Uint8Array,
            }));
            return { responses } as never;
          },
        },
        reaches: () => reaching.has(name),
        leads: () => state.leader === name,
        nobodyLeads: () => state.leader === '',
        others: () => names.filter((other) => other !== name),
        handOver: () => {
          state.leader = names.find((other) => other !== name && reaching.has(other)) ?? '';
          return Promise.resolve();
        },
        clock,
        logger: silentLogger,
      },
      stopping.signal,
    );
  }
  return { clock, reaching, state, answers, stopping };
}

describe('a leader that does not reach its registry', () => {
  it('hands over to a replica that does, after some patience', async () => {
    const { clock, reaching, state } = place();
    reaching.delete('one');
    await clock.advanceAsync(2_000);
    expect(state.leader).toBe('one');
    await clock.advanceAsync(3_000);
    expect(state.leader).toBe('two');
  });

  it('stays while nobody is better off, asks again, and stays when its registry is back', async () => {
    const { clock, reaching, state } = place();
    reaching.clear();
    await clock.advanceAsync(20_000);
    expect(state).toMatchObject({ leader: 'one' });
    expect(state.asked).toBeGreaterThan(1);
    reaching.add('one').add('two');
    await clock.advanceAsync(20_000);
    expect(state.leader).toBe('one');
  });

  it('rides out a short absence without a question', async () => {
    const { clock, reaching, state } = place();
    for (let round = 0; round < 5; round += 1) {
      reaching.delete('one');
      await clock.advanceAsync(2_000);
      reaching.add('one');
      await clock.advanceAsync(1_000);
    }
    expect(state).toEqual({ leader: 'one', asked: 0 });
  });

  it('answers nobody but replicas of its cluster', () => {
    const { answers } = place();
    expect(answers.get('one')?.({ from: 'stranger' } as IncomingQuery)).toBeUndefined();
  });
});
