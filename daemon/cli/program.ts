// The command line: commander's commands made from the specs, in the reader's language.

import { Argument, Command, CommanderError, Option } from 'commander';
import { exitCodes, SyncerError, type ExitCodeName } from '../../proto/errors.ts';
import type { Locale, Translate } from '../../proto/translate.ts';
import { nearest } from '../support/nearest.ts';
import type { CommandSpec, OptionSpec, OptionValues } from './command.ts';
import type { CliIo } from './io.ts';
import { createSession } from './session.ts';

/** Exit codes that every command can end with. */
const commonExits: readonly ExitCodeName[] = [
  'ok',
  'failure',
  'usage',
  'unavailable',
  'permission',
];

const jsonOption: OptionSpec = { flags: '--json', about: 'cli.option.json' };
const langOption: OptionSpec = {
  flags: '--lang <language>',
  about: 'cli.option.lang',
  choices: ['en', 'zh-CN'],
};
const outputOption: OptionSpec = {
  flags: '--output <form>',
  about: 'cli.option.output',
  choices: ['table', 'wide'],
};
const daemonOptions: readonly OptionSpec[] = [
  { flags: '--data-dir <directory>', about: 'cli.option.data-dir' },
  { flags: '--socket <path>', about: 'cli.option.socket' },
];

export interface ProgramParts {
  readonly io: CliIo;
  readonly say: Translate;
  readonly locale: Locale;
  readonly version: string;
}

/** Runs one command line (without node and script). Gives the exit code; throws `SyncerError`. */
export async function runProgram(
  specs: readonly CommandSpec[],
  argv: readonly string[],
  parts: ProgramParts,
): Promise<number> {
  let exitCode = 0;
  const root = dress(new Command('syncer'), parts)
    .description(parts.say('cli.about.syncer'))
    .version(parts.version, '-V, --version', parts.say('cli.option.version'))
    .addOption(optionFrom(langOption, parts.say))
    .addHelpText('after', () => `\n${parts.say('cli.help.more')}`);
  const done = (code: number): void => void (exitCode = code);
  for (const spec of specs) root.addCommand(build(spec, parts, done));
  try {
    await root.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0;
    // Help that was shown because there was nothing to run.
    if (error.code === 'commander.help') return exitCodes.usage;
    throw usageError(error, root, argv);
  }
}

function build(spec: CommandSpec, parts: ProgramParts, done: (code: number) => void): Command {
  const command = dress(new Command(spec.name), parts).description(parts.say(spec.about));
  if (spec.arguments !== undefined) {
    const list = spec.arguments.split(' ').map((name) => new Argument(name));
    if (spec.argumentChoices !== undefined) list[0]?.choices([...spec.argumentChoices]);
    for (const argument of list) command.addArgument(argument);
  }
  for (const sub of spec.subcommands ?? []) {
    command.addCommand(build(sub, parts, done), { isDefault: sub.name === spec.defaultSubcommand });
  }
  const { run } = spec;
  if (run === undefined) return command;
  for (const option of optionsOf(spec)) command.addOption(optionFrom(option, parts.say));
  command.addHelpText('after', () => helpEnd(spec, parts.say));
  return command.action(async (...received: unknown[]) => {
    // Commander gives the arguments, then the options, then the command.
    const own = command.args;
    const options = received.at(-2) as OptionValues;
    const session = createSession(
      parts.io,
      parts,
      {
        json: options.json === true,
        wide: options.output === 'wide',
        socket: text(options.socket),
        dataDir: text(options.dataDir),
      },
      parts.version,
    );
    try {
      done((await run(session, own, options)) ?? 0);
    } finally {
      session.close();
    }
  });
}

/** Every option of a command, its own first. */
export function optionsOf(spec: CommandSpec): readonly OptionSpec[] {
  return [
    ...(spec.options ?? []),
    jsonOption,
    ...(spec.list === true ? [outputOption] : []),
    langOption,
    ...(spec.local === true || spec.ownDataDir === true ? [] : daemonOptions),
  ];
}

function optionFrom(spec: OptionSpec, say: Translate): Option {
  const option = new Option(spec.flags, say(spec.about));
  return spec.choices === undefined ? option : option.choices([...spec.choices]);
}

function dress(command: Command, { io, say }: ProgramParts): Command {
  return (
    command
      .exitOverride()
      // The errors are told by us: in the reader's language, and as JSON where asked.
      .configureOutput({ writeOut: io.out, writeErr: io.error, outputError: () => undefined })
      .configureHelp({
        helpWidth: Math.min(io.columns, 100),
        styleTitle: (title) => titleIn(title, say),
      })
      .helpOption('-h, --help', say('cli.option.help'))
      .helpCommand('help [command]', say('cli.about.help'))
      .showSuggestionAfterError(false)
  );
}

/** Commander's headings, which have no other hook. */
function titleIn(title: string, say: Translate): string {
  switch (title) {
    case 'Usage:':
      return say('cli.help.usage');
    case 'Arguments:':
      return say('cli.help.arguments');
    case 'Options:':
      return say('cli.help.options');
    case 'Commands:':
      return say('cli.help.commands');
    default:
      return title;
  }
}

function helpEnd(spec: CommandSpec, say: Translate): string {
  const exits = [...new Set([...commonExits, ...(spec.exits ?? [])])]
    .map((name) => ({ code: exitCodes[name], text: say(`cli.exit.${name}`) }))
    .sort((a, b) => a.code - b.code)
    .map(({ code, text: meaning }) => `  ${String(code).padStart(3)}  ${meaning}`);
  const examples = spec.examples.map((example) => `  ${example}`);
  return ['', say('cli.help.examples'), ...examples, '', say('cli.help.exits'), ...exits].join(
    '\n',
  );
}

function usageError(error: CommanderError, root: Command, argv: readonly string[]): SyncerError {
  const named = /'([^']*)'/.exec(error.message)?.[1] ?? '';
  const command = commandIn(root, argv);
  switch (error.code) {
    case 'commander.unknownCommand':
      return new SyncerError('request.unknown-command', {
        command: named,
        nearest: nearest(named, namesOf(command)) ?? 'none',
      });
    case 'commander.unknownOption':
      return new SyncerError('request.unknown-option', {
        option: named,
        command: pathOf(command),
        nearest: nearest(named, flagsOf(command)) ?? 'none',
      });
    case 'commander.missingArgument':
      return new SyncerError('request.missing-argument', {
        argument: `<${named}>`,
        command: pathOf(command),
      });
    case 'commander.optionMissingArgument':
      return new SyncerError('request.missing-argument', {
        argument: named,
        command: pathOf(command),
      });
    case 'commander.excessArguments': {
      const extra = argv.at(-1) ?? '';
      // A group is given a word that is none of its commands.
      return command.commands.length > 0
        ? new SyncerError('request.unknown-command', {
            command: `${pathOf(command)} ${extra}`,
            nearest: nearest(extra, namesOf(command)) ?? 'none',
          })
        : new SyncerError('request.excess-argument', { argument: extra, command: pathOf(command) });
    }
    default: {
      // `option '--output <form>' argument 'x' is invalid. Allowed choices are table, wide.`
      const value = /argument '([^']*)'/.exec(error.message)?.[1] ?? '';
      const expected = /choices are ([^.]*)/.exec(error.message)?.[1] ?? '';
      return new SyncerError('request.wrong-argument', { argument: named, value, expected });
    }
  }
}

/** The innermost command that the words of the line name. */
function commandIn(root: Command, argv: readonly string[]): Command {
  let command = root;
  for (const word of argv) {
    const next = command.commands.find((candidate) => candidate.name() === word);
    if (next === undefined) break;
    command = next;
  }
  return command;
}

function pathOf(command: Command): string {
  const parent = command.parent === null ? '' : `${pathOf(command.parent)} `;
  return `${parent}${command.name()}`;
}

function namesOf(command: Command): readonly string[] {
  return command.commands.map((candidate) => candidate.name());
}

function flagsOf(command: Command): readonly string[] {
  return command.options.flatMap(({ long }) => (long === undefined ? [] : [long]));
}

function text(value: string | boolean | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
