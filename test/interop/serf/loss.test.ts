// Nothing flaps while every host loses one datagram in ten: three real agents and three of ours,
// each in a network namespace of its own. One minute here, ten with TEST_NIGHTLY=1.

import { describe, expect, it } from 'vitest';
import { MemberProcess } from '../../support/member-process.ts';
import { createNetwork } from '../../support/netns.ts';
import { losePackets, lossUnavailable } from '../../support/packet-loss.ts';
import { poll } from '../../support/poll.ts';
import { serfUnavailable } from '../../support/serf-agent.ts';
import { agentSees, later, settingsOf, startAgent } from './pool-of-six.ts';

const missing = serfUnavailable() ?? lossUnavailable();
const minutes = process.env.TEST_NIGHTLY === '1' ? 10 : 1;

describe.skipIf(missing !== undefined)(`10 % loss${missing ? `: ${missing}` : ''}`, () => {
  it(
    `makes no member of six fail in ${minutes} min`,
    async () => {
      const network = createNetwork(6);
      later(async () => network.close());
      const [goHosts, ourHosts] = [network.hosts.slice(0, 3), network.hosts.slice(3)];
      const agents = await Promise.all(
        goHosts.map((host, index) =>
          startAgent(`serf-${index}`, {
            host: host.address,
            port: 7946,
            wrap: (command) => host.wrap(command),
          }),
        ),
      );
      const ours = await Promise.all(
        ourHosts.map(async (host, index) => {
          const process = new MemberProcess((command) => host.wrap(command));
          later(() => process.kill());
          const node = `ours-${index}`;
          const bind = { host: host.address, port: 7946 };
          return { node, process, address: await process.start(settingsOf(node, { bind })) };
        }),
      );
      const seed = agents[0]?.address ?? '';
      for (const { node, process } of ours) await process.join(node, [seed]);
      for (const agent of agents.slice(1)) await agent.run('join', ours[0]?.address ?? '');
      const all = Object.fromEntries([...agents, ...ours].map(({ node }) => [node, 'alive']));
      for (const agent of agents) await agentSees(agent, all);
      for (const { node, process } of ours) {
        await poll(
          async () => ((await process.members(node)).length === 6 ? true : undefined),
          30_000,
        );
      }

      for (const host of network.hosts) losePackets(host, 10);
      await new Promise((resolve) => setTimeout(resolve, minutes * 60_000));

      for (const { node, process } of ours) {
        const flaps = process.events.filter(
          ({ event }) => event.type === 'member-failed' || event.type === 'member-left',
        );
        expect({ node, flaps }).toEqual({ node, flaps: [] });
        const members = await process.members(node);
        expect(members.map(({ status }) => status)).toEqual(Array(6).fill('alive'));
      }
      for (const agent of agents) {
        expect(agent.log).not.toContain('EventMemberFailed');
        await agentSees(agent, all);
      }
    },
    (minutes + 3) * 60_000,
  );
});
