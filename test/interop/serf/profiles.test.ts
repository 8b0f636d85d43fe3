// The WAN profile, and IPv6, beside the real agent.

import { describe, expect, it } from 'vitest';
import { noLoopbackV6 } from '../../../daemon/gossip/transport/loopback-v6.ts';
import { serfUnavailable } from '../../support/serf-agent.ts';
import { agentSees, detectionMs, startAgent, startOurs, weSee } from './pool-of-six.ts';

const missing = serfUnavailable();

describe.skipIf(missing !== undefined)(`other pools${missing ? `: ${missing}` : ''}`, () => {
  it('of the WAN profile are joined from both sides and left', async () => {
    const agent = await startAgent('serf-1', { profile: 'wan' });
    const one = await startOurs('ours-1', { profile: 'wan' });
    const two = await startOurs('ours-2', { profile: 'wan' });
    expect(await one.pool.join([agent.address])).toMatchObject({ joined: 1 });
    await agent.run('join', two.address);
    const all = { 'serf-1': 'alive', 'ours-1': 'alive', 'ours-2': 'alive' } as const;
    await Promise.all([agentSees(agent, all), weSee(one, all), weSee(two, all)]);
    await two.pool.leave();
    await Promise.all([
      agentSees(agent, { 'ours-2': 'left' }, detectionMs),
      weSee(one, { 'ours-2': 'left' }, detectionMs),
    ]);
  });

  it('over IPv6 are joined from both sides, with addresses that the other reads', async ({
    skip,
  }) => {
    const withoutV6 = noLoopbackV6();
    skip(withoutV6 !== '', withoutV6);
    const agent = await startAgent('serf-1', { host: '[::1]' });
    const one = await startOurs('ours-1', { bind: { host: '::1', port: 0 } });
    const two = await startOurs('ours-2', { bind: { host: '::1', port: 0 } });
    expect(await one.pool.join([agent.address])).toMatchObject({ joined: 1 });
    const port = two.address.split(':').at(-1) ?? '';
    await agent.run('join', `[::1]:${port}`);
    const all = { 'serf-1': 'alive', 'ours-1': 'alive', 'ours-2': 'alive' } as const;
    await Promise.all([agentSees(agent, all), weSee(one, all), weSee(two, all)]);
    expect(one.pool.members().map(({ address }) => address)).toEqual(['::1', '::1', '::1']);
  });
});
