// `syncer instances`: every instance that is in the registry or should be.

import { textOption, type CommandSpec } from '../command.ts';
import { pageFrom, pageOptions, sayRest } from '../paging.ts';
import { stateCell } from '../status-view.ts';

export const instancesCommand: CommandSpec = {
  name: 'instances',
  arguments: '[text]',
  about: 'cli.about.instances',
  examples: [
    'syncer instances payments',
    'syncer instances --cluster shanghai --state held',
    'syncer instances --sort since --desc --limit 20',
  ],
  options: [
    { flags: '--cluster <name>', about: 'cli.option.cluster' },
    {
      flags: '--state <state>',
      about: 'cli.option.instance-state',
      choices: ['native', 'in-sync', 'pending', 'kept', 'held', 'quarantined', 'left-out'],
    },
    ...pageOptions,
  ],
  list: true,
  async run(session, [text = ''], options) {
    const client = await session.connect();
    const page = pageFrom(options);
    const answer = await client.call('listInstances', {
      page,
      text,
      cluster: textOption(options, 'cluster') ?? '',
      state: textOption(options, 'state') ?? '',
    });
    if (session.json) {
      session.printJson(answer);
      return;
    }
    if (answer.total === 0) {
      session.line(session.say('cli.empty.instances'));
      return;
    }
    const { say, words } = session;
    session.table(answer.rows, [
      { title: say('cli.column.state'), cell: (row) => stateCell(session, row.state) },
      {
        title: say('cli.column.service'),
        cell: (row) => `${row.key?.name ?? ''} ${row.key?.version ?? ''}`,
      },
      { title: say('cli.column.endpoint'), cell: (row) => row.endpoints[0] ?? row.hostName },
      { title: say('cli.column.status'), cell: (row) => row.status },
      { title: say('cli.column.origin'), cell: (row) => row.originCluster },
      {
        title: say('cli.column.lease'),
        align: 'right',
        cell: (row) => words.left(row.leaseUntilMs, answer.nowMs),
      },
      { title: say('cli.column.instance-id'), wide: true, cell: (row) => row.instanceId },
      { title: say('cli.column.origin-id'), wide: true, cell: (row) => row.originInstanceId },
      { title: say('cli.column.since'), wide: true, cell: (row) => words.time(row.sinceMs) },
      {
        title: say('cli.column.reason'),
        wide: true,
        cell: (row) => session.inWords(row.stateReason),
      },
    ]);
    sayRest(session, page, answer.rows.length, answer.total);
  },
};
