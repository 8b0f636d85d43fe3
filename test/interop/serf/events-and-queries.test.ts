// User events and queries between real serf agents and ours, both ways.

import { describe, expect, it } from 'vitest';
import type { QueryOptions, QueryOutcome } from '../../../daemon/gossip/pool.ts';
import { poll } from '../../support/poll.ts';
import { serfUnavailable, type SerfAgent } from '../../support/serf-agent.ts';
import { spreadMs, startAgent, startOurs, startSix, weSee, type Ours } from './pool-of-six.ts';

const missing = serfUnavailable();

/**
 * How often a query is asked. Gossip may miss a member of a small pool (four packets by each, to
 * random others), and nothing repeats a query as push/pulls repeat events: by reckoning one in sixty of
 * six members does not reach all.
 */
const attempts = 6;

/** Asks until the answer satisfies; gives the last one, for a message that shows it. */
async function askAgain<T>(ask: () => Promise<T>, satisfies: (answer: T) => boolean): Promise<T> {
  let answer = await ask();
  for (let attempt = 1; attempt < attempts && !satisfies(answer); attempt += 1) {
    answer = await ask();
  }
  return answer;
}

function received(ours: Ours, name: string): string[] {
  return ours.events.flatMap((event) =>
    event.type === 'user-event' && event.event.name === name
      ? [Buffer.from(event.event.payload).toString()]
      : [],
  );
}

describe.skipIf(missing !== undefined)(`events and queries${missing ? `: ${missing}` : ''}`, () => {
  it('deliver an event of either side to all, once', async () => {
    const { agents, ours } = await startSix();
    const [agent] = agents as [SerfAgent];
    const [one] = ours as [Ours];
    for (let index = 0; index < 10; index += 1) {
      await one.pool.sendEvent('discovered', Buffer.from(`ours ${index}`), false);
      await agent.run('event', '-coalesce=false', 'discovered', `go ${index}`);
    }
    await poll(
      () => ours.every((member) => received(member, 'discovered').length >= 20) || undefined,
      spreadMs,
    );
    for (const each of agents) {
      await poll(
        () =>
          each.log.split('Received event: user-event: discovered').length > 20 ? true : undefined,
        spreadMs,
      ).catch(() => {
        throw new Error(`${each.node} did not receive 20 events:\n${each.log}`);
      });
    }
    // Nothing comes twice, however often gossip repeats it.
    await new Promise((resolve) => setTimeout(resolve, 2000));
    for (const member of ours) {
      const payloads = received(member, 'discovered');
      expect(payloads).toHaveLength(20);
      expect(new Set(payloads).size).toBe(20);
    }
  });

  it('do not replay events from before a join', async () => {
    const agent = await startAgent('serf-1');
    await agent.run('event', 'old', 'x');
    const ours = await startOurs('ours-1');
    await ours.pool.join([agent.address]);
    await weSee(ours, { 'serf-1': 'alive' });
    await agent.run('event', 'new', 'y');
    await poll(() => (received(ours, 'new').length === 1 ? true : undefined), spreadMs);
    expect(received(ours, 'old')).toEqual([]);
  });

  it('refuse an event of more than 512 bytes', async () => {
    const ours = await startOurs('ours-1');
    await expect(ours.pool.sendEvent('big', Buffer.alloc(600), false)).rejects.toThrow(/512/);
  });

  it('answer a query of the agent, chosen by name and by tag', async () => {
    const { agents } = await startSix();
    const [agent] = agents as [SerfAgent];
    interface Printed {
      Acks: string[];
      Responses: Record<string, string>;
    }
    const ask = (expected: number, ...args: string[]): Promise<Printed> =>
      askAgain(
        async () =>
          JSON.parse(
            await agent.run('query', '-format=json', '-timeout=5s', ...args, 'who'),
          ) as Printed,
        ({ Acks, Responses }) => Math.min(Acks.length, Object.keys(Responses).length) >= expected,
      );
    const all = await ask(6);
    expect(Object.keys(all.Responses).sort()).toEqual([
      'ours-1',
      'ours-2',
      'ours-3',
      'serf-1',
      'serf-2',
      'serf-3',
    ]);
    expect(all.Responses['ours-2']).toBe('ours-2');
    expect(all.Acks).toHaveLength(6);
    const byName = await ask(2, '-node=ours-1', '-node=serf-2');
    expect(Object.keys(byName.Responses).sort()).toEqual(['ours-1', 'serf-2']);
    const byTag = await ask(2, '-tag', 'syncer-cluster-name=ours-[23]$');
    expect(Object.keys(byTag.Responses).sort()).toEqual(['ours-2', 'ours-3']);
    const relayed = await ask(6, '-relay-factor=3');
    expect(Object.keys(relayed.Responses)).toHaveLength(6);
  });

  it('ask the agents, chosen by name and by tag, with relays', async () => {
    const { ours } = await startSix();
    const [one] = ours as [Ours];
    const names = (outcome: { responses: readonly { from: string }[] }): string[] =>
      outcome.responses.map(({ from }) => from).sort();
    const ask = (expected: number, options: QueryOptions): Promise<QueryOutcome> =>
      askAgain(
        () => one.pool.query('who', new Uint8Array(0), { timeoutMs: 15_000, ...options }),
        ({ responses }) => responses.length >= expected,
      );
    const all = await ask(6, { wantAck: true });
    expect(names(all)).toEqual(['ours-1', 'ours-2', 'ours-3', 'serf-1', 'serf-2', 'serf-3']);
    expect(all.acks).toHaveLength(6);
    expect(all.asked).toBe(6);
    for (const { from, payload } of all.responses)
      expect(Buffer.from(payload).toString()).toBe(from);
    const go = await ask(3, { filterTags: { side: '^g' }, relayFactor: 2 });
    expect(names(go)).toEqual(['serf-1', 'serf-2', 'serf-3']);
    expect(go.asked).toBe(3);
    const byName = await ask(1, { filterNodes: ['serf-2'] });
    expect(names(byName)).toEqual(['serf-2']);
  });
});
