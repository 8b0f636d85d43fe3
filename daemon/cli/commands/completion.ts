// `syncer completion`: a script for the shell, made from the very commands that there are.

import { exitCodes } from '../../../proto/errors.ts';
import type { Translate } from '../../../proto/translate.ts';
import type { CommandSpec } from '../command.ts';
import { completionTree, type CompletionNode } from '../completion-tree.ts';

const shells = { bash, zsh, fish } as const;
export type Shell = keyof typeof shells;

/** Gives the script that completes `specs` in `shell`. */
export function completionScript(
  shell: Shell,
  specs: readonly CommandSpec[],
  say: Translate,
): string {
  return shells[shell](completionTree(specs, say));
}

/** Gives the command; `all` are the commands to complete, itself included. */
export function completionCommand(all: () => readonly CommandSpec[]): CommandSpec {
  return {
    name: 'completion',
    arguments: '<shell>',
    about: 'cli.about.completion',
    examples: [
      'syncer completion bash > /etc/bash_completion.d/syncer',
      'syncer completion zsh > ~/.zfunc/_syncer',
      'syncer completion fish > ~/.config/fish/completions/syncer.fish',
    ],
    local: true,
    argumentChoices: Object.keys(shells),
    async run(session, [shell = '']) {
      session.io.out(completionScript(shell as Shell, all(), session.say));
      return exitCodes.ok;
    },
  };
}

/** Words after each command path; paths are looked up as they are typed. */
function bash(tree: readonly CompletionNode[]): string {
  const cases = tree.map(
    ({ path, commands, options }) =>
      `    '${path}') words='${[...commands.map(({ name }) => name), ...options.map(({ flag }) => flag)].join(' ')}' ;;`,
  );
  return `# bash completion of syncer
_syncer() {
  local current path words word
  current="\${COMP_WORDS[COMP_CWORD]}"
  path='syncer'
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path $word" in
${pathPattern(tree, '      ')} path="$path $word" ;;
    esac
  done
  words=''
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [ \${#COMPREPLY[@]} -eq 0 ]; then COMPREPLY=($(compgen -f -- "$current")); fi
}
complete -F _syncer syncer
`;
}

function zsh(tree: readonly CompletionNode[]): string {
  const cases = tree.map(({ path, commands, options }) => {
    const items = [
      ...commands.map(({ name, about }) => `'${zshText(name)}:${zshText(about)}'`),
      ...options.map(({ flag, about }) => `'${zshText(flag)}:${zshText(about)}'`),
    ];
    return `    '${path}') items=(${items.join(' ')}) ;;`;
  });
  return `#compdef syncer
_syncer() {
  local path='syncer' word
  local -a items
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$path $word" in
${pathPattern(tree, '      ')} path="$path $word" ;;
    esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  _describe 'syncer' items || _files
}
_syncer "$@"
`;
}

function fish(tree: readonly CompletionNode[]): string {
  const lines = tree.flatMap(({ path, commands, options }) => {
    const words = path.split(' ').slice(1);
    const seen = words.map((word) => `__fish_seen_subcommand_from ${word}`);
    const names = commands.map(({ name }) => name).join(' ');
    const none = names === '' ? [] : [`not __fish_seen_subcommand_from ${names}`];
    const condition = [...seen, ...none].join('; and ') || 'true';
    return [
      ...commands.map(
        ({ name, about }) =>
          `complete -c syncer -f -n '${condition}' -a '${name}' -d '${fishText(about)}'`,
      ),
      ...options.map(
        ({ flag, about }) =>
          `complete -c syncer -n '${seen.join('; and ') || 'true'}' -l '${flag.slice(2)}' -d '${fishText(about)}'`,
      ),
    ];
  });
  return `# fish completion of syncer\n${lines.join('\n')}\n`;
}

/** A pattern of all paths below the root. */
function pathPattern(tree: readonly CompletionNode[], indent: string): string {
  const paths = tree.filter(({ path }) => path !== 'syncer').map(({ path }) => `'${path}'`);
  return `${indent}${paths.join('|')})`;
}

function zshText(text: string): string {
  return text.replaceAll("'", '’').replaceAll(':', '\\:');
}

function fishText(text: string): string {
  return text.replaceAll("'", '’');
}
