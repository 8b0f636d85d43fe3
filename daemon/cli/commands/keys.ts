// `syncer keys`: the keyring of the pool. A key is read from the line or, better, from a file.

import { readFile } from 'node:fs/promises';
import { exitCodes, SyncerError } from '../../../proto/errors.ts';
import type { KeysResponse } from '../../../proto/gen/syncer/control/v1/control.ts';
import type { MessageKey } from '../../../proto/translate.ts';
import { textOption, type CommandSpec } from '../command.ts';
import type { Session } from '../session.ts';

const keyTimeoutMs = 60_000;

const listCommand: CommandSpec = {
  name: 'list',
  about: 'cli.about.keys-list',
  examples: ['syncer keys list'],
  list: true,
  run: (session) => operate(session, 'list', ''),
};

export const keysCommand: CommandSpec = {
  name: 'keys',
  about: 'cli.about.keys',
  examples: [],
  subcommands: [
    listCommand,
    changeCommand('install', 'cli.about.keys-install'),
    changeCommand('use', 'cli.about.keys-use'),
    changeCommand('remove', 'cli.about.keys-remove'),
  ],
  defaultSubcommand: 'list',
};

function changeCommand(name: string, about: MessageKey): CommandSpec {
  return {
    name,
    arguments: '[key]',
    about,
    examples: [`syncer keys ${name} --key-file new.key`],
    options: [{ flags: '--key-file <file>', about: 'cli.option.key-file' }],
    exits: ['notFound'],
    async run(session, [key], options) {
      const file = textOption(options, 'keyFile');
      return operate(session, name, key ?? (await readKey(file)));
    },
  };
}

async function operate(session: Session, operation: string, key: string): Promise<number> {
  const client = await session.connect();
  const outcome = await client.call('keys', { operation, key }, keyTimeoutMs);
  const failed = Object.entries(outcome.errors);
  // A member that did not answer keeps its old keys: a rotation is not done.
  const code =
    failed.length > 0 || outcome.answered < outcome.asked ? exitCodes.failure : exitCodes.ok;
  if (session.json) {
    session.printJson(outcome);
    return code;
  }
  const { say } = session;
  const { asked, answered } = outcome;
  session.line(say('cli.say.keys-answered', { asked, answered }));
  for (const [member, detail] of failed)
    session.line(say('cli.say.keys-failed', { member, detail }));
  if (operation === 'list') printKeys(session, outcome);
  return code;
}

function printKeys(session: Session, { keys, primaryKeys }: KeysResponse): void {
  const { say, words } = session;
  session.table(Object.entries(keys), [
    { title: say('cli.column.key'), cell: ([key]) => key },
    { title: say('cli.column.members'), align: 'right', cell: ([, count]) => words.count(count) },
    {
      title: say('cli.column.primary'),
      align: 'right',
      cell: ([key]) => words.count(primaryKeys[key] ?? 0),
    },
  ]);
}

async function readKey(file: string | undefined): Promise<string> {
  if (file === undefined) {
    throw new SyncerError('request.missing-argument', {
      argument: '[key] | --key-file',
      command: 'syncer keys',
    });
  }
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SyncerError('request.file-unreadable', { file, reason }, cause);
  }
}
