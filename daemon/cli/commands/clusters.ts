// `syncer clusters`: the clusters of the pool, with their replicas and what is known of them.

import type { TopologyCluster } from '../../../proto/gen/syncer/control/v1/control.ts';
import type { CommandSpec } from '../command.ts';
import { markOf } from '../style.ts';

export const clustersCommand: CommandSpec = {
  name: 'clusters',
  about: 'cli.about.clusters',
  examples: ['syncer clusters', 'syncer clusters --json'],
  list: true,
  async run(session) {
    const client = await session.connect();
    const topology = await client.call('getTopology', {});
    if (session.json) {
      session.printJson(topology);
      return;
    }
    const { say, words } = session;
    const count = (value: number | undefined): string =>
      value === undefined ? say('cli.say.unknown') : words.count(value);
    session.table(topology.clusters, [
      {
        title: say('cli.column.cluster'),
        cell: ({ name, self }) => (self ? say('cli.say.own', { name }) : name),
      },
      {
        title: say('cli.column.registry'),
        cell: ({ registryKind }) => registryKind ?? say('cli.say.unknown'),
      },
      { title: say('cli.column.replicas'), cell: replicas },
      {
        title: say('cli.column.services'),
        align: 'right',
        cell: ({ services }) => count(services),
      },
      {
        title: say('cli.column.instances'),
        align: 'right',
        cell: ({ instances }) => count(instances),
      },
    ]);
  },
};

/** One mark a replica, with the name of each. */
function replicas({ replicas: list }: TopologyCluster): string {
  return list
    .map(
      ({ node, status, leader }) => `${markOf(status).mark}${leader === true ? '*' : ''} ${node}`,
    )
    .join(', ');
}
