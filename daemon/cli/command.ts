// What a command is: plain data and one function. `program.ts` makes commander's commands of it,
// `completion.ts` the shells' completions, so that neither can forget one.

import type { ExitCodeName } from '../../proto/errors.ts';
import type { MessageKey } from '../../proto/translate.ts';
import type { Session } from './session.ts';

export interface OptionSpec {
  /** As commander reads it: `--limit <number>`, `-w, --watch`. */
  readonly flags: string;
  readonly about: MessageKey;
  readonly choices?: readonly string[];
}

/** Option values by commander's camel-case names. */
export type OptionValues = Readonly<Record<string, string | boolean | undefined>>;

export interface CommandSpec {
  readonly name: string;
  /** As commander reads it: `<subject>`, `[cluster]`, `[ids...]`. */
  readonly arguments?: string;
  /** What its one argument may be. */
  readonly argumentChoices?: readonly string[];
  readonly about: MessageKey;
  /** Whole command lines, for `--help`. */
  readonly examples: readonly string[];
  readonly options?: readonly OptionSpec[];
  /** It prints a table: `--output wide`. */
  readonly list?: boolean;
  /** It needs no daemon: `--socket` is not offered. */
  readonly local?: boolean;
  /** `--data-dir` and such are its own options already. */
  readonly ownDataDir?: boolean;
  /** Exit codes beside those of every command. */
  readonly exits?: readonly ExitCodeName[];
  readonly subcommands?: readonly CommandSpec[];
  /** What a group does when none of its commands is named. */
  readonly defaultSubcommand?: string;
  /** Gives the exit code, 0 where it gives none. A group without a command of its own has none. */
  readonly run?: (
    session: Session,
    args: readonly string[],
    options: OptionValues,
  ) => Promise<number> | Promise<void>;
}

/** Reads an option that is a text. */
export function textOption(options: OptionValues, name: string): string | undefined {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
}
