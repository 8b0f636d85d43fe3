// The log: pino's lines, redacted, then written for people or machines, kept in the ring and, where
// wanted, in a file.

import { pino } from 'pino';
import { prettyFactory } from 'pino-pretty';
import type { Logger } from '../support/logger.ts';
import type { LogEntry, LogLevel, LogRing } from './log-ring.ts';
import { lineRedactor } from './redact.ts';
import type { RotatingFile } from './rotating-file.ts';

export interface LogSettings {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** `auto`: readable where `output` is a terminal, JSON else. */
  readonly format: 'auto' | 'pretty' | 'json';
  readonly output: { readonly isTTY?: boolean; write(text: string): unknown };
  readonly ring: LogRing;
  /** JSON lines, whatever the format. */
  readonly file?: RotatingFile;
  /** Values that must never be seen: passwords, tokens, keys. */
  readonly secrets: readonly string[];
}

/**
 * Gives the daemon's logger. Parts take a child with `{ part: 'gossip' }`, which is shown in front
 * of the message.
 */
export function createLogger(settings: LogSettings): Logger {
  const redact = lineRedactor(settings.secrets);
  const terminal = settings.output.isTTY === true;
  const readable =
    settings.format === 'pretty' || (settings.format === 'auto' && terminal)
      ? prettyFactory({
          colorize: terminal,
          translateTime: 'SYS:HH:MM:ss.l',
          messageFormat: '{if part}{part}: {end}{msg}',
          ignore: 'part',
          singleLine: true,
        })
      : undefined;
  return pino(
    { level: settings.level, base: null, formatters: { level: (label) => ({ level: label }) } },
    {
      write(raw: string) {
        const line = redact(raw);
        settings.output.write(readable === undefined ? line : readable(line));
        settings.file?.write(line);
        const entry = parseLine(line);
        if (entry !== undefined) settings.ring.push(entry);
      },
    },
  );
}

function parseLine(line: string): LogEntry | undefined {
  try {
    const { level, time, part, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
    return {
      timeMs: Number(time),
      level: level as LogLevel,
      part: typeof part === 'string' ? part : '',
      message: typeof msg === 'string' ? msg : '',
      fields,
    };
  } catch {
    // Redaction cut into the JSON: the line is written all the same, and missing in the ring.
    return undefined;
  }
}
