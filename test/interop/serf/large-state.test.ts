// A push/pull with a thousand members in it, from the agent to ours and from ours to the agent.

import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { pushNodeState, pushPullHeader } from '../../../daemon/gossip/wire/messages.ts';
import { pushPull } from '../../../daemon/gossip/serf/messages.ts';
import { encodeTags } from '../../../daemon/gossip/serf/tags.ts';
import { poll } from '../../support/poll.ts';
import { serfUnavailable } from '../../support/serf-agent.ts';
import { spreadMs, startAgent, startOurs } from './pool-of-six.ts';

const missing = serfUnavailable();
const fakes = Array.from({ length: 1000 }, (_, index) => `fake-${index}`);

/** Tells a member of a thousand others that nobody has ever seen, as a peer in a large pool does. */
async function pushFakes(address: string): Promise<void> {
  const [host = '', port = ''] = address.split(':');
  const nodes = fakes.map((name) =>
    pushNodeState.encodeBody({
      name,
      addr: Uint8Array.of(127, 0, 0, 1),
      port: 9,
      meta: encodeTags({ 'syncer-cluster-name': name, 'syncer-rpc-port': '30190' }),
      incarnation: 1,
      state: 0,
      vsn: Uint8Array.of(1, 5, 2, 2, 5, 4),
    }),
  );
  const state = pushPull.encode({
    lTime: 1000,
    statusLTimes: new Map(fakes.map((name, index) => [name, index + 1])),
    leftMembers: [],
    eventLTime: 1,
    events: [],
    queryLTime: 1,
  });
  const header = pushPullHeader.encode({
    nodes: nodes.length,
    userStateLen: state.length,
    join: true,
  });
  await new Promise<void>((resolve, reject) => {
    const socket = connect(Number(port), host, () => {
      socket.write(Buffer.concat([header, ...nodes, state]));
    });
    socket.on('error', reject);
    socket.on('data', () => undefined);
    socket.on('close', () => resolve());
  });
}

describe.skipIf(missing !== undefined)(`a large state${missing ? `: ${missing}` : ''}`, () => {
  it('comes from the agent to ours in one join', async () => {
    const agent = await startAgent('serf-1');
    await pushFakes(agent.address);
    await poll(
      async () => ((await agent.members()).length === fakes.length + 1 ? true : undefined),
      spreadMs,
    );
    const ours = await startOurs('ours-1');
    expect(await ours.pool.join([agent.address])).toEqual({ joined: 1, failures: [] });
    const known = new Map(ours.pool.members().map((member) => [member.name, member]));
    expect(known.size).toBe(fakes.length + 2);
    expect(known.get('fake-999')?.tags).toEqual({
      'syncer-cluster-name': 'fake-999',
      'syncer-rpc-port': '30190',
    });
  });

  it('comes from ours to the agent in one join', async () => {
    const ours = await startOurs('ours-1');
    await pushFakes(ours.address);
    await poll(
      () => (ours.pool.members().length === fakes.length + 1 ? true : undefined),
      spreadMs,
    );
    const agent = await startAgent('serf-1');
    await agent.run('join', ours.address);
    const members = await agent.members();
    expect(members).toHaveLength(fakes.length + 2);
    expect(members.find(({ name }) => name === 'fake-0')?.tags['syncer-cluster-name']).toBe(
      'fake-0',
    );
  });
});
