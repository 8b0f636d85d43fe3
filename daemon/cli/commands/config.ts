// `syncer config`: is it right, where does each value come from, and what should be another one?
// Starts nothing, and asks no daemon: this is how the desktop program mends the configuration of a
// daemon that cannot start.

import { existsSync } from 'node:fs';
import { exitCodes, SyncerError } from '../../../proto/errors.ts';
import type { LoadedConfig } from '../../config/load.ts';
import { describeSource, showValue } from '../../config/problems.ts';
import type { ConfigAccess, ConfigEdit, ConfigOutcome } from '../../control/ports.ts';
import { createConfigAccess } from '../../wiring/config-access.ts';
import { textOption, type CommandSpec, type OptionValues } from '../command.ts';
import { readConfigText } from '../../config/machine.ts';
import { configInput, configOptions, loadFrom } from '../config-options.ts';
import {
  mistakesJson,
  problemsJson,
  tellMistakes,
  tellNotices,
  tellProblems,
} from '../problem-list.ts';
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
      from: source.kind,
    }));
    if (session.json) {
      const { file, version, previousVersion, values } = accessTo(session, options).view();
      const known = new Map(values.map((value) => [value.key, value]));
      session.printJson({
        file,
        version,
        previousVersion,
        entries: entries.map((entry) => {
          const { locked, live, about } = known.get(entry.key) ?? {};
          return { ...entry, value: entry.value ?? null, locked, live, about };
        }),
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

const setCommand: CommandSpec = {
  name: 'set',
  arguments: '[assignments...]',
  about: 'cli.about.config-set',
  examples: [
    'syncer config set --config syncer.yaml registry.addresses=http://10.0.0.1:30100',
    'syncer config set --config syncer.yaml guard.count=',
    'syncer config set --config syncer.yaml --changes changes.json',
  ],
  options: [
    ...configOptions,
    { flags: '--changes <file>', about: 'cli.option.changes' },
    { flags: '--expect <version>', about: 'cli.option.expect' },
    { flags: '--dry-run', about: 'cli.option.dry-run' },
  ],
  ownDataDir: true,
  exits: ['config', 'temporary', 'io'],
  async run(session, args, options) {
    const access = accessTo(session, options);
    const { version } = access.view();
    const edits = [...args.map(editOf), ...changesOf(options)];
    const outcome =
      options.dryRun === true
        ? { ...access.validate(edits), version }
        : await access.apply(textOption(options, 'expect') ?? version, edits);
    return told(session, access, outcome);
  },
};

const backCommand: CommandSpec = {
  name: 'back',
  about: 'cli.about.config-back',
  examples: ['syncer config back --config syncer.yaml'],
  options: [...configOptions, { flags: '--expect <version>', about: 'cli.option.expect' }],
  ownDataDir: true,
  exits: ['config', 'temporary', 'io'],
  async run(session, _args, options) {
    const access = accessTo(session, options);
    const expected = textOption(options, 'expect') ?? access.view().version;
    return told(session, access, await access.rollBack(expected));
  },
};

export const configCommand: CommandSpec = {
  name: 'config',
  about: 'cli.about.config',
  examples: [],
  subcommands: [checkCommand, showCommand, setCommand, backCommand],
};

/** The file as a daemon that is not running would read it. */
function accessTo(session: Session, options: OptionValues): ConfigAccess {
  const input = configInput(options, session.io);
  return createConfigAccess({
    input,
    loaded: loadFrom(options, session.io),
    onApplied: () => undefined,
  });
}

/** `key=value`: JSON where it reads as such, else the text; nothing after `=`: the default again. */
function editOf(assignment: string): ConfigEdit {
  const at = assignment.indexOf('=');
  if (at < 1) throw wrongArgument('assignments', assignment, 'key=value');
  const key = assignment.slice(0, at);
  const text = assignment.slice(at + 1);
  return { key, value: text === '' ? undefined : valueOf(text) };
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** `{ "guard.count": 80, "gossip.join": null }`: what a command line should not show stands in a file. */
function changesOf(options: OptionValues): readonly ConfigEdit[] {
  const file = textOption(options, 'changes');
  if (file === undefined) return [];
  const expected = '{ "key": value }';
  if (!existsSync(file)) throw wrongArgument('--changes', file, expected);
  const changes = valueOf(readConfigText(file));
  if (typeof changes !== 'object' || changes === null || Array.isArray(changes)) {
    throw wrongArgument('--changes', file, expected);
  }
  return Object.entries(changes).map(([key, value]: [string, unknown]) => ({
    key,
    value: value ?? undefined,
  }));
}

function wrongArgument(argument: string, value: string, expected: string): SyncerError {
  return new SyncerError('request.wrong-argument', { argument, value, expected });
}

function told(session: Session, access: ConfigAccess, outcome: ConfigOutcome): number {
  const { problems, restartKeys, version } = outcome;
  const code = problems.length === 0 ? exitCodes.ok : exitCodes.config;
  if (session.json) {
    const mistakes = mistakesJson(session, problems);
    session.printJson({ ok: code === exitCodes.ok, version, restartKeys, problems: mistakes });
    return code;
  }
  tellMistakes(session, problems);
  if (code !== exitCodes.ok) return code;
  const { file } = access.view();
  const keys = restartKeys.join(', ');
  session.line(session.say('cli.say.config-set', { file, count: restartKeys.length, keys }));
  return code;
}

function noticesJson(session: Session, { notices }: LoadedConfig): readonly string[] {
  return notices.map(({ key, parameters }) => session.say(key, parameters));
}
