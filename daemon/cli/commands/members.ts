// `syncer members`: who is in the gossip pool, in serf's words.

import type { CommandSpec } from '../command.ts';
import { textOption } from '../command.ts';
import { stateCell } from '../status-view.ts';

export const membersCommand: CommandSpec = {
  name: 'members',
  about: 'cli.about.members',
  examples: ['syncer members', 'syncer members --status failed', 'syncer members --output wide'],
  options: [
    {
      flags: '--status <status>',
      about: 'cli.option.member-status',
      choices: ['alive', 'leaving', 'left', 'failed'],
    },
    { flags: '--cluster <name>', about: 'cli.option.cluster' },
  ],
  list: true,
  async run(session, _args, options) {
    const client = await session.connect();
    const { members } = await client.call('listMembers', {
      status: textOption(options, 'status') ?? '',
      cluster: textOption(options, 'cluster') ?? '',
    });
    if (session.json) {
      session.printJson({ members });
      return;
    }
    if (members.length === 0) {
      session.line(session.say('cli.empty.members'));
      return;
    }
    const { say, words } = session;
    const nowMs = session.io.clock.nowMs();
    session.table(members, [
      {
        title: say('cli.column.member'),
        cell: ({ name, self }) => (self ? say('cli.say.own', { name }) : name),
      },
      { title: say('cli.column.cluster'), cell: ({ cluster }) => cluster || '–' },
      { title: say('cli.column.address'), cell: ({ address, port }) => place(address, port) },
      { title: say('cli.column.state'), cell: ({ status }) => stateCell(session, status) },
      {
        title: say('cli.column.round-trip'),
        align: 'right',
        cell: ({ self, roundTripMs }) => (self ? '–' : words.duration(roundTripMs)),
      },
      { title: say('cli.column.since'), cell: ({ sinceMs }) => words.ago(sinceMs, nowMs) },
      {
        title: say('cli.column.tags'),
        wide: true,
        cell: ({ tags }) =>
          Object.entries(tags)
            .map(([name, value]) => `${name}=${value}`)
            .join(' '),
      },
    ]);
  },
};

function place(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
