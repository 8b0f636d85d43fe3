// Two members with one name, in a pool with real serf agents.

import { describe, expect, it } from 'vitest';
import { poll } from '../../support/poll.ts';
import { serfUnavailable } from '../../support/serf-agent.ts';
import { agentSees, spreadMs, startAgent, startOurs, weSee } from './pool-of-six.ts';

const missing = serfUnavailable();

describe.skipIf(missing !== undefined)(`a name conflict${missing ? `: ${missing}` : ''}`, () => {
  it('ends with the newcomer of ours shut down by majority, and is named on both sides', async () => {
    const agents = await Promise.all(['serf-1', 'serf-2'].map((node) => startAgent(node)));
    const holder = await startOurs('twin');
    for (const agent of agents) await agent.run('join', holder.address);
    await weSee(holder, { 'serf-1': 'alive', 'serf-2': 'alive' });
    for (const agent of agents) await agentSees(agent, { twin: 'alive' });
    const newcomer = await startOurs('twin');
    await newcomer.pool.join([agents[0]?.address ?? '']);
    const evicted = await poll(
      () => newcomer.events.find((event) => event.type === 'evicted'),
      spreadMs,
    );
    expect(evicted).toMatchObject({ detail: expect.stringContaining('twin') });
    for (const side of [holder, newcomer]) {
      const trouble = await poll(
        () =>
          side.events.find(
            (event) => event.type === 'trouble' && event.trouble.code === 'name-conflict',
          ),
        spreadMs,
      );
      expect(trouble).toMatchObject({ trouble: { source: 'twin' } });
    }
    for (const agent of agents) {
      const twin = (await agent.members()).find(({ name }) => name === 'twin');
      expect(twin).toMatchObject({ addr: holder.address, status: 'alive' });
    }
    expect(holder.events.some((event) => event.type === 'evicted')).toBe(false);
  });

  it('ends with a newcomer agent shut down when ours holds the name', async () => {
    const agent = await startAgent('serf-1');
    const holder = await startOurs('twin');
    const other = await startOurs('ours-2');
    await holder.pool.join([agent.address]);
    await other.pool.join([agent.address]);
    await weSee(other, { twin: 'alive', 'serf-1': 'alive' });
    const newcomer = await startAgent('twin');
    // The agent may be gone before its own command has an answer.
    await newcomer.run('join', other.address).catch(() => undefined);
    await poll(
      () => (newcomer.log.includes('minority in name conflict') ? true : undefined),
      spreadMs,
    );
    await weSee(other, { twin: 'alive' });
    await agentSees(agent, { twin: 'alive' });
  });
});
