// `syncer services`: services with their native and foreign instances.

import { textOption, type CommandSpec } from '../command.ts';
import { pageFrom, pageOptions, sayRest } from '../paging.ts';

export const servicesCommand: CommandSpec = {
  name: 'services',
  arguments: '[text]',
  about: 'cli.about.services',
  examples: ['syncer services', 'syncer services orders --sort foreign --desc'],
  options: [{ flags: '--cluster <name>', about: 'cli.option.cluster' }, ...pageOptions],
  list: true,
  async run(session, [text = ''], options) {
    const client = await session.connect();
    const page = pageFrom(options);
    const answer = await client.call('listServices', {
      page,
      text,
      cluster: textOption(options, 'cluster') ?? '',
    });
    if (session.json) {
      session.printJson(answer);
      return;
    }
    if (answer.total === 0) {
      session.line(session.say('cli.empty.services'));
      return;
    }
    const { say, words } = session;
    session.table(answer.rows, [
      { title: say('cli.column.service'), cell: (row) => row.key?.name ?? '' },
      { title: say('cli.column.version'), cell: (row) => row.key?.version ?? '' },
      { title: say('cli.column.app'), cell: (row) => row.key?.app ?? '' },
      { title: say('cli.column.environment'), cell: (row) => row.key?.environment ?? '' },
      {
        title: say('cli.column.native'),
        align: 'right',
        cell: (row) =>
          // Where no own instance is left, consumers live on the others' alone.
          row.nativeInstances === 0
            ? { text: words.count(0), tone: 'warning' }
            : words.count(row.nativeInstances),
      },
      {
        title: say('cli.column.foreign'),
        cell: (row) =>
          Object.entries(row.foreignInstances)
            .map(([cluster, count]) => `${cluster} ${words.count(count)}`)
            .join(', ') || '–',
      },
      { title: say('cli.column.made-by'), wide: true, cell: (row) => row.madeBy },
      { title: say('cli.column.service-id'), wide: true, cell: (row) => row.serviceId },
      {
        title: say('cli.column.tenant'),
        wide: true,
        cell: (row) => `${row.key?.domain ?? ''}/${row.key?.project ?? ''}`,
      },
    ]);
    sayRest(session, page, answer.rows.length, answer.total);
  },
};
