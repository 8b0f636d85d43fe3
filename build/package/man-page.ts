// The manual page of `syncer`, made from the very commands that there are, in one language.

import type { CommandSpec, OptionSpec } from '../../daemon/cli/command.ts';
import { commands } from '../../daemon/cli/commands.ts';
import { optionsOf } from '../../daemon/cli/program.ts';
import { exitCodes, type ExitCodeName } from '../../proto/errors.ts';
import { createTranslator, type Locale, type Translate } from '../../proto/translate.ts';

/** Gives the page in troff's `man` macros, UTF-8. */
export function manPage(locale: Locale, version: string): string {
  const say = createTranslator(locale);
  const title = say('cli.about.syncer').replace(/[.。]$/, '');
  return [
    `.TH SYNCER 1 "" "ServiceCenter Syncer ${plain(version)}"`,
    section(say('package.man.name')),
    `syncer \\- ${plain(title)}`,
    section(say('package.man.synopsis')),
    '.B syncer',
    '.I command',
    '[\\fIoptions\\fR]',
    section(say('package.man.description')),
    plain(say('package.description')),
    section(say('package.man.commands')),
    ...commands.flatMap((spec) => commandLines(spec, 'syncer', say)),
    section(say('package.man.exits')),
    ...Object.entries(exitCodes).flatMap(([name, code]) =>
      item(`\\fB${code}\\fR`, say(`cli.exit.${name as ExitCodeName}`)),
    ),
    section(say('package.man.environment')),
    ...item('\\fBSYNCER_SOCKET\\fR', say('package.man.socket')),
    ...item('\\fBSYNCER_DATA_DIR\\fR', say('package.man.data-dir')),
    ...item('\\fBSYNCER_LANG\\fR', say('package.man.language')),
    ...item('\\fBSYNCER_…\\fR', say('package.man.keys')),
    section(say('package.man.files')),
    ...item('\\fI/etc/syncer/syncer.yaml\\fR', say('package.man.file-config')),
    ...item('\\fI/var/lib/syncer\\fR', say('package.man.file-state')),
    '',
  ].join('\n');
}

function commandLines(spec: CommandSpec, parent: string, say: Translate): readonly string[] {
  const path = `${parent} ${spec.name}`;
  const below = (spec.subcommands ?? []).flatMap((sub) => commandLines(sub, path, say));
  if (spec.run === undefined) return below;
  const words = spec.arguments === undefined ? '' : ` \\fI${plain(spec.arguments)}\\fR`;
  return [
    `.SS "${path}${words}"`,
    plain(say(spec.about)),
    ...optionsOf(spec).flatMap((option) => optionLines(option, say)),
    '.PP',
    '.nf',
    ...spec.examples.map((example) => `    ${plain(example)}`),
    '.fi',
    ...below,
  ];
}

function optionLines({ flags, about, choices }: OptionSpec, say: Translate): readonly string[] {
  const values = choices === undefined ? '' : ` (${choices.join(', ')})`;
  return item(`\\fB${plain(flags)}\\fR`, `${say(about)}${values}`);
}

function section(title: string): string {
  return `.SH "${plain(title)}"`;
}

function item(tag: string, text: string): readonly string[] {
  return ['.TP', tag, plain(text)];
}

/** Text that troff takes as it is: no escapes, no control line, hyphens that can be copied. */
function plain(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('"', '\\(dq')
    .replace(/^(?=[.'])/, '\\&');
}
