// The command line as one function: words in, exit code out. Errors are told here, once.

import { readFileSync } from 'node:fs';
import { asSyncerError, describeError, type SyncerError } from '../../proto/errors.ts';
import { createTranslator, pickLocale, type Translate } from '../../proto/translate.ts';
import { commands } from './commands.ts';
import { processIo, type CliIo } from './io.ts';
import { runProgram } from './program.ts';
import { harmless } from './width.ts';

/** Runs `argv` (without node and script) and gives the exit code. Never throws. */
export async function runCli(argv: readonly string[], io: CliIo = processIo()): Promise<number> {
  const locale = pickLocale(languageIn(argv), io.environment);
  const say = createTranslator(locale);
  try {
    return await runProgram(commands, argv, { io, say, locale, version: productVersion() });
  } catch (thrown) {
    const error = asSyncerError(thrown);
    // An interrupt is what the person wanted.
    if (error.code === 'request.cancelled' && io.interrupt.aborted) return 0;
    tell(error, argv.includes('--json'), io, say);
    return error.exitCode;
  }
}

function tell(error: SyncerError, json: boolean, io: CliIo, say: Translate): void {
  const { text, remedy } = describeError(error, say);
  if (json) {
    const { code, parameters } = error;
    io.error(`${JSON.stringify({ error: { code, text, remedy, parameters } })}\n`);
    return;
  }
  io.error(`${harmless(text)}\n${harmless(remedy)}\n`);
  if (error.code === 'internal.bug' && error.cause instanceof Error) {
    io.error(`${error.cause.stack ?? ''}\n`);
  }
}

/** The language is needed before commander has read the line: its own texts are in it, too. */
function languageIn(argv: readonly string[]): string | undefined {
  const at = argv.findIndex((word) => word === '--lang' || word.startsWith('--lang='));
  const word = argv[at];
  if (word === undefined) return undefined;
  return word === '--lang' ? argv[at + 1] : word.slice('--lang='.length);
}

/** The package.json beside the bundle, or that of the repository. */
function productVersion(): string {
  for (const up of ['./package.json', '../../package.json']) {
    try {
      const parsed: unknown = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8'));
      if (typeof parsed === 'object' && parsed !== null && 'version' in parsed) {
        return String(parsed.version);
      }
    } catch {
      // Not there: one further up.
    }
  }
  return 'unknown';
}
