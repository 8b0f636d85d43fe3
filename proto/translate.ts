// Messages in the language of the reader: ICU texts of `locales/`, typed by the English catalogue.
// Pure: the daemon, the desktop shell and the web UI use the same one.

import { IntlMessageFormat } from 'intl-messageformat';
import en from './locales/en.json' with { type: 'json' };
import zhCN from './locales/zh-CN.json' with { type: 'json' };

/** Dotted paths to the texts of a nested catalogue. */
type Paths<Tree> = {
  [Name in keyof Tree & string]: Tree[Name] extends string ? Name : `${Name}.${Paths<Tree[Name]>}`;
}[keyof Tree & string];

/** Every message there is (`errors.config.unknown-key.text`). */
export type MessageKey = Paths<typeof en>;

export type MessageParameters = Readonly<Record<string, string | number | boolean>>;

/** Gives the text of a message with its placeholders filled. Never throws. */
export type Translate = (key: MessageKey, parameters?: MessageParameters) => string;

export const locales = ['en', 'zh-CN'] as const;
export type Locale = (typeof locales)[number];

interface Catalogue {
  readonly [name: string]: string | Catalogue;
}

const catalogues: Readonly<Record<Locale, Catalogue>> = { en, 'zh-CN': zhCN };

/** Gives the translator of one language. What is missing in it is said in English. */
export function createTranslator(locale: Locale): Translate {
  const formats = new Map<string, IntlMessageFormat>();
  return (key, parameters = {}) => {
    const pattern = lookUp(catalogues[locale], key) ?? lookUp(catalogues.en, key);
    if (pattern === undefined) return `%${key}%`;
    try {
      let format = formats.get(key);
      if (format === undefined) {
        format = new IntlMessageFormat(pattern, locale, undefined, { ignoreTag: true });
        formats.set(key, format);
      }
      return String(format.format<string>({ ...parameters }));
    } catch {
      // A parameter is missing: the raw text with its braces still says more than a stack trace.
      return pattern;
    }
  };
}

/**
 * Picks the language: the flag, then SYNCER_LANG, LC_ALL, LC_MESSAGES, LANG, as POSIX orders them.
 * Any Chinese gets `zh-CN`, everything else `en`.
 */
export function pickLocale(
  flag: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): Locale {
  const wish = [
    flag,
    environment.SYNCER_LANG,
    environment.LC_ALL,
    environment.LC_MESSAGES,
    environment.LANG,
  ].find((text) => text !== undefined && text !== '');
  return wish !== undefined && /^zh\b|^zh_/i.test(wish) ? 'zh-CN' : 'en';
}

function lookUp(catalogue: Catalogue, key: string): string | undefined {
  let node: string | Catalogue | undefined = catalogue;
  for (const name of key.split('.')) {
    if (typeof node !== 'object' || !Object.hasOwn(node, name)) return undefined;
    node = node[name];
  }
  return typeof node === 'string' ? node : undefined;
}
