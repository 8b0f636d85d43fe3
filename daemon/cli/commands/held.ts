// `syncer held`: removals that wait for a person, and what the person decides.

import type { HeldSelection } from '../../../proto/gen/syncer/control/v1/control.ts';
import { SyncerError } from '../../../proto/errors.ts';
import { textOption, type CommandSpec, type OptionSpec, type OptionValues } from '../command.ts';
import type { Session } from '../session.ts';

const selectionOptions: readonly OptionSpec[] = [
  { flags: '--cluster <name>', about: 'cli.option.held-cluster' },
  { flags: '--all', about: 'cli.option.held-all' },
];

const listCommand: CommandSpec = {
  name: 'list',
  about: 'cli.about.held-list',
  examples: ['syncer held list', 'syncer held list --cluster shanghai'],
  options: [{ flags: '--cluster <name>', about: 'cli.option.cluster' }],
  list: true,
  async run(session, _args, options) {
    const client = await session.connect();
    const { held } = await client.call('listHeld', {
      cluster: textOption(options, 'cluster') ?? '',
    });
    if (session.json) {
      session.printJson({ held });
      return;
    }
    const { say, words } = session;
    if (held.length === 0) {
      session.line(say('cli.empty.held'));
      return;
    }
    const nowMs = session.io.clock.nowMs();
    session.table(held, [
      { title: 'ID', cell: (row) => row.id },
      { title: say('cli.column.cluster'), cell: (row) => row.cluster },
      { title: say('cli.column.origin-id'), cell: (row) => row.originInstanceId },
      { title: say('cli.column.since'), cell: (row) => words.ago(row.heldSinceMs, nowMs) },
      { title: say('cli.column.decision'), cell: (row) => words.state(row.decision) },
      { title: say('cli.column.reason'), cell: (row) => session.inWords(row.reason) },
    ]);
  },
};

const approveCommand: CommandSpec = {
  name: 'approve',
  arguments: '[ids...]',
  about: 'cli.about.held-approve',
  examples: ['syncer held approve 3f1c', 'syncer held approve --cluster shanghai'],
  options: selectionOptions,
  async run(session, ids, options) {
    const client = await session.connect();
    const { count } = await client.call('approve', selectionFrom(ids, options));
    if (session.json) session.printJson({ count });
    else session.line(session.say('cli.say.approved', { count }));
  },
};

const keepCommand: CommandSpec = {
  name: 'keep',
  arguments: '[ids...]',
  about: 'cli.about.held-keep',
  examples: ['syncer held keep 3f1c --for 1h', 'syncer held keep --all'],
  options: [...selectionOptions, { flags: '--for <duration>', about: 'cli.option.keep-for' }],
  async run(session, ids, options) {
    const untilMs = untilFrom(session, textOption(options, 'for'));
    const client = await session.connect();
    const selection = selectionFrom(ids, options);
    const { count } = await client.call('keep', { selection, untilMs });
    if (session.json) session.printJson({ count });
    else session.line(session.say('cli.say.kept', { count }));
  },
};

export const heldCommand: CommandSpec = {
  name: 'held',
  about: 'cli.about.held',
  examples: [],
  subcommands: [listCommand, approveCommand, keepCommand],
  // `syncer held` alone shows them: looking is never wrong.
  defaultSubcommand: 'list',
};

/** Nothing named is a mistake: "all" must be said. */
function selectionFrom(ids: readonly string[], options: OptionValues): HeldSelection {
  const cluster = textOption(options, 'cluster');
  const given = [ids.length > 0, cluster !== undefined, options.all === true].filter(Boolean);
  if (given.length !== 1) {
    throw new SyncerError('request.wrong-argument', {
      argument: '[ids...]',
      value: ids.join(' '),
      expected: '[ids...] | --cluster | --all',
    });
  }
  if (cluster !== undefined) return { which: { $case: 'cluster', cluster } };
  if (options.all === true) return { which: { $case: 'all', all: true } };
  return { which: { $case: 'ids', ids: { ids: [...ids] } } };
}

const unitMs: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

function untilFrom(session: Session, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const match = /^(\d{1,6})([smhd])$/.exec(text);
  const unit = unitMs[match?.[2] ?? ''];
  if (match?.[1] === undefined || unit === undefined) {
    throw new SyncerError('request.wrong-argument', {
      argument: '--for',
      value: text,
      expected: '30m, 1h, 1d',
    });
  }
  return session.io.clock.nowMs() + Number(match[1]) * unit;
}
