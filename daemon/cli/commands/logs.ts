// `syncer logs`: the daemon's log, from its ring and on.

import type { LogLine } from '../../../proto/gen/syncer/control/v1/control.ts';
import { textOption, type CommandSpec } from '../command.ts';
import { numberOption } from '../paging.ts';
import type { Session } from '../session.ts';
import type { Tone } from '../style.ts';
import { harmless } from '../width.ts';

export const logsCommand: CommandSpec = {
  name: 'logs',
  about: 'cli.about.logs',
  examples: ['syncer logs', 'syncer logs --follow --level warn', 'syncer logs --part gossip'],
  options: [
    { flags: '-f, --follow', about: 'cli.option.follow' },
    {
      flags: '--level <level>',
      about: 'cli.option.level',
      choices: ['debug', 'info', 'warn', 'error'],
    },
    { flags: '--part <name>', about: 'cli.option.part' },
    { flags: '-n, --tail <lines>', about: 'cli.option.tail' },
  ],
  async run(session, _args, options) {
    const client = await session.connect();
    const request = {
      level: textOption(options, 'level') ?? '',
      part: textOption(options, 'part') ?? '',
      follow: options.follow === true,
      tail: numberOption(options, 'tail', 100_000),
    };
    for await (const line of client.stream('streamLogs', request, session.io.interrupt)) {
      if (line.dropped > 0) {
        session.io.error(`${session.say('cli.say.lines-dropped', { count: line.dropped })}\n`);
      }
      if (session.json) session.printJson(jsonLine(line), true);
      else printLine(session, line);
    }
  },
};

const tones: Readonly<Record<string, Tone>> = { warn: 'warning', error: 'bad', fatal: 'bad' };

function printLine(session: Session, line: LogLine): void {
  const { style, words } = session;
  const level = style.paint(line.level.toUpperCase().padEnd(5), tones[line.level] ?? 'quiet');
  const part = line.part === '' ? '' : `${line.part}: `;
  const fields = line.fields === '{}' ? '' : ` ${style.paint(harmless(line.fields), 'quiet')}`;
  session.line(`${words.time(line.timeMs)} ${level} ${harmless(part + line.message)}${fields}`);
}

function jsonLine(line: LogLine): unknown {
  const { timeMs, level, part, message } = line;
  return { timeMs, level, part, message, fields: JSON.parse(line.fields || '{}') as unknown };
}
