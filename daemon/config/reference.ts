// The table of all keys, for README.md.

import type { Translate } from '../../proto/translate.ts';
import { aboutKey, configKeys } from './keys.ts';

/** Gives one Markdown table row a key: path, flag, variable, default, meaning. */
export function configReference(translate: Translate): string {
  const rows = configKeys.map((key) => [
    `\`${key.path}\``,
    key.flag === undefined ? '' : `\`--${key.flag}\``,
    key.variable === undefined ? 'YAML alone' : `\`${key.variable}\``,
    key.defaultValue === undefined ? '' : `\`${JSON.stringify(key.defaultValue)}\``,
    translate(aboutKey(key.path)) +
      (key.words.length === 0 ? '' : ` (${key.words.map((word) => `\`${word}\``).join(', ')})`),
  ]);
  const head = ['key', 'flag', 'environment', 'default', 'meaning'];
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}
