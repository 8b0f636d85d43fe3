// `syncer activity`: the audit log, newest first.

import type { Activity } from '../../../proto/gen/syncer/control/v1/control.ts';
import { textOption, type CommandSpec } from '../command.ts';
import { numberOption } from '../paging.ts';
import type { Session } from '../session.ts';

export const activityCommand: CommandSpec = {
  name: 'activity',
  about: 'cli.about.activity',
  examples: ['syncer activity', 'syncer activity --cluster shanghai --action removed --limit 20'],
  options: [
    { flags: '--cluster <name>', about: 'cli.option.cluster' },
    { flags: '--service <name>', about: 'cli.option.service' },
    { flags: '--instance <id>', about: 'cli.option.instance' },
    { flags: '--action <word>', about: 'cli.option.action' },
    { flags: '--limit <rows>', about: 'cli.option.limit' },
  ],
  list: true,
  async run(session, _args, options) {
    const client = await session.connect();
    const { entries } = await client.call('listActivity', {
      cluster: textOption(options, 'cluster') ?? '',
      service: textOption(options, 'service') ?? '',
      instance: textOption(options, 'instance') ?? '',
      action: textOption(options, 'action') ?? '',
      beforeMs: undefined,
      limit: numberOption(options, 'limit', 1_000) ?? 0,
    });
    if (session.json) session.printJson({ entries });
    else if (entries.length === 0) session.line(session.say('cli.empty.activity'));
    else printActivity(session, entries);
  },
};

/** Prints entries of the audit log as a table. */
export function printActivity(session: Session, entries: readonly Activity[]): void {
  const { say, words } = session;
  session.table(entries, [
    { title: say('cli.column.time'), cell: (entry) => words.time(entry.timeMs) },
    { title: say('cli.column.action'), cell: (entry) => entry.action },
    { title: say('cli.column.cluster'), cell: (entry) => entry.cluster },
    { title: say('cli.column.service'), cell: (entry) => entry.service },
    { title: say('cli.column.instance-id'), wide: true, cell: (entry) => entry.instance },
    { title: say('cli.column.reason'), cell: (entry) => session.inWords(entry.reason) },
  ]);
}
