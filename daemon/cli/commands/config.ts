// `syncer config`: is it right, and where does each value come from? Starts nothing.

import { exitCodes } from '../../../proto/errors.ts';
import type { LoadedConfig } from '../../config/load.ts';
import { describeSource, showValue } from '../../config/problems.ts';
import type { CommandSpec } from '../command.ts';
import { configOptions, loadFrom } from '../config-options.ts';
import { problemsJson, tellNotices, tellProblems } from '../problem-list.ts';
import type { Session } from '../session.ts';

const checkCommand: CommandSpec = {
  name: 'check',
  about: 'cli.about.config-check',
  examples: ['syncer config check --config syncer.yaml'],
  options: configOptions,
  ownDataDir: true,
  exits: ['config'],
  async run(session, _args, options) {
    const loaded = loadFrom(options, session.io);
    const code = loaded.problems.length === 0 ? exitCodes.ok : exitCodes.config;
    if (session.json) {
      session.printJson({
        ok: code === exitCodes.ok,
        problems: problemsJson(session, loaded.problems),
        notices: noticesJson(session, loaded),
      });
      return code;
    }
    tellProblems(session, loaded.problems);
    tellNotices(session, loaded.notices);
    if (code === exitCodes.ok) session.line(session.say('cli.say.config-ok'));
    return code;
  },
};

const showCommand: CommandSpec = {
  name: 'show',
  about: 'cli.about.config-show',
  examples: ['syncer config show', 'syncer config show --config syncer.yaml --json'],
  options: configOptions,
  list: true,
  ownDataDir: true,
  exits: ['config'],
  async run(session, _args, options) {
    const loaded = loadFrom(options, session.io);
    const code = loaded.problems.length === 0 ? exitCodes.ok : exitCodes.config;
    const entries = loaded.entries.map(({ key, value, source }) => ({
      key,
      value,
      source: describeSource(source, session.say),
    }));
    if (session.json) {
      session.printJson({
        entries: entries.map((entry) => ({ ...entry, value: entry.value ?? null })),
        problems: problemsJson(session, loaded.problems),
        notices: noticesJson(session, loaded),
      });
      return code;
    }
    const { say } = session;
    session.table(entries, [
      { title: say('cli.column.key'), cell: ({ key }) => key },
      { title: say('cli.column.value'), cell: ({ value }) => showValue(value) || '–' },
      { title: say('cli.column.source'), cell: ({ source }) => source },
    ]);
    tellNotices(session, loaded.notices);
    tellProblems(session, loaded.problems);
    return code;
  },
};

export const configCommand: CommandSpec = {
  name: 'config',
  about: 'cli.about.config',
  examples: [],
  subcommands: [checkCommand, showCommand],
};

function noticesJson(session: Session, { notices }: LoadedConfig): readonly string[] {
  return notices.map(({ key, parameters }) => session.say(key, parameters));
}
