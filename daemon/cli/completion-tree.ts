// Commands and options by path, as the shells' completions need them.

import type { Translate } from '../../proto/translate.ts';
import type { CommandSpec } from './command.ts';
import { optionsOf } from './program.ts';

export interface CompletionNode {
  /** `syncer keys install`. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly about: string }[];
  readonly options: readonly { readonly flag: string; readonly about: string }[];
}

/** Gives the root and every command below it. */
export function completionTree(
  specs: readonly CommandSpec[],
  say: Translate,
): readonly CompletionNode[] {
  const visit = (spec: CommandSpec, parent: string): readonly CompletionNode[] => {
    const path = `${parent} ${spec.name}`;
    const subcommands = spec.subcommands ?? [];
    const node: CompletionNode = {
      path,
      commands: subcommands.map(({ name, about }) => ({ name, about: say(about) })),
      options: (spec.run === undefined ? [] : optionsOf(spec)).map(({ flags, about }) => ({
        flag: longFlag(flags),
        about: say(about),
      })),
    };
    return [node, ...subcommands.flatMap((sub) => visit(sub, path))];
  };
  const root: CompletionNode = {
    path: 'syncer',
    commands: specs.map(({ name, about }) => ({ name, about: say(about) })),
    options: [
      { flag: '--help', about: say('cli.option.help') },
      { flag: '--version', about: say('cli.option.version') },
    ],
  };
  return [root, ...specs.flatMap((spec) => visit(spec, 'syncer'))];
}

function longFlag(flags: string): string {
  return /--[a-z-]+/.exec(flags)?.[0] ?? flags;
}
