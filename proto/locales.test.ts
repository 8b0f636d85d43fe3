import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { IntlMessageFormat } from 'intl-messageformat';
import { describe, expect, it } from 'vitest';
import { errorMessageKeys, errorTable } from './errors.ts';
import type { ErrorCode } from './errors.ts';
import en from './locales/en.json' with { type: 'json' };
import zhCN from './locales/zh-CN.json' with { type: 'json' };

const root = fileURLToPath(new URL('..', import.meta.url));

interface Tree {
  readonly [name: string]: string | Tree;
}

function flatten(tree: Tree, prefix = ''): Map<string, string> {
  const flat = new Map<string, string>();
  for (const [name, value] of Object.entries(tree)) {
    if (typeof value === 'string') flat.set(prefix + name, value);
    else for (const [key, text] of flatten(value, `${prefix}${name}.`)) flat.set(key, text);
  }
  return flat;
}

interface Node {
  readonly type: number;
  readonly value?: string;
  readonly options?: Readonly<Record<string, { readonly value: readonly Node[] }>>;
}

/** The names of all placeholders of an ICU text, in plural and select branches too. */
function placeholders(text: string): Set<string> {
  const names = new Set<string>();
  const visit = (nodes: readonly Node[]): void => {
    for (const node of nodes) {
      // 0 is literal text, 7 the `#` of a plural; all others name a parameter.
      if (node.type !== 0 && node.type !== 7 && node.value !== undefined) names.add(node.value);
      for (const option of Object.values(node.options ?? {})) visit(option.value);
    }
  };
  visit(new IntlMessageFormat(text, 'en', undefined, { ignoreTag: true }).getAst());
  return names;
}

const english = flatten(en);
const chinese = flatten(zhCN);

describe('the message catalogues', () => {
  it('have the same keys', () => {
    expect([...chinese.keys()].sort()).toEqual([...english.keys()].sort());
  });

  it.each([...english.keys()])('%s: the same placeholders in both, and not empty', (key) => {
    const translated = chinese.get(key) ?? '';
    expect(translated.trim()).not.toBe('');
    expect(english.get(key)?.trim()).not.toBe('');
    expect([...placeholders(translated)].sort()).toEqual(
      [...placeholders(english.get(key) ?? '')].sort(),
    );
  });

  it('name a text and a remedy for every error, and no error that is not in the table', () => {
    const wanted = (Object.keys(errorTable) as ErrorCode[]).flatMap((code) =>
      Object.values(errorMessageKeys(code)),
    );
    const present = [...english.keys()].filter((key) => key.startsWith('errors.'));
    expect(present.sort()).toEqual([...wanted].sort());
  });

  it('hold no message that no source speaks of', () => {
    const sources = readSources();
    // A key may be put together from its area and a code: `errors.` by the table, others as
    // `area.${...}` in a template.
    const composed = (key: string): boolean =>
      key
        .split('.')
        .some((_, index, names) => sources.includes(`\`${names.slice(0, index).join('.')}.\${`));
    const unused = [...english.keys()].filter(
      (key) => !key.startsWith('errors.') && !sources.includes(`'${key}'`) && !composed(key),
    );
    expect(unused).toEqual([]);
  });
});

function readSources(): string {
  const folders = readdirSync(root, { withFileTypes: true })
    .filter(
      (entry) =>
        entry.isDirectory() && ['build', 'daemon', 'main', 'renderer'].includes(entry.name),
    )
    .map((entry) => entry.name);
  return folders
    .flatMap((folder) =>
      readdirSync(`${root}${folder}`, { recursive: true, encoding: 'utf8' })
        .filter((path) => /\.(ts|svelte)$/.test(path) && !path.endsWith('.test.ts'))
        .map((path) => readFileSync(`${root}${folder}/${path}`, 'utf8')),
    )
    .join('\n');
}
