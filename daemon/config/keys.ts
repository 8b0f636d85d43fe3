// The keys of the schema as a list: path, flag, environment variable, kind, default.

import { z } from 'zod';
import type { MessageKey } from '../../proto/translate.ts';
import { configSchema, keyFacts } from './schema.ts';

/** How a value of the key is written as plain text (flag, environment). */
export type KeyKind =
  'text' | 'number' | 'boolean' | /** Comma separated. */ 'list' | /** YAML alone. */ 'structure';

export interface ConfigKey {
  /** `gossip.bind`: as in YAML. */
  readonly path: string;
  readonly schema: z.ZodType;
  readonly kind: KeyKind;
  /** Without dashes; `undefined`: no flag. */
  readonly flag: string | undefined;
  readonly argument: string;
  /** `undefined`: a structure, which only YAML can hold. */
  readonly variable: string | undefined;
  readonly secret: boolean;
  /** As one would write it; `undefined`: none, or derived from the machine. */
  readonly defaultValue: unknown;
  /** Allowed words, where there are few. */
  readonly words: readonly string[];
}

/** Every key, in the schema's order. */
export const configKeys: readonly ConfigKey[] = [...keysOf(configSchema, [])];

/** The groups (`registry`, `registry.tls`), which hold keys and no value. */
export const configGroups: ReadonlySet<string> = new Set(
  configKeys.flatMap(({ path }) => {
    const names = path.split('.');
    return names.slice(1).map((_, index) => names.slice(0, index + 1).join('.'));
  }),
);

const byPath = new Map(configKeys.map((key) => [key.path, key]));

/** Gives the key of this path, if there is one. */
export function findKey(path: string): ConfigKey | undefined {
  return byPath.get(path);
}

/** Gives the message that says what a key is for. */
export function aboutKey(path: string): MessageKey {
  return `config.about.${path}` as MessageKey;
}

function* keysOf(group: z.ZodObject, names: readonly string[]): Generator<ConfigKey> {
  for (const [name, schema] of Object.entries(group.shape) as [string, z.ZodType][]) {
    const path = [...names, name];
    const facts = keyFacts.get(schema);
    if (facts === undefined) {
      if (!(schema instanceof z.ZodObject)) throw new Error(`${path.join('.')} has no facts`);
      yield* keysOf(schema, path);
      continue;
    }
    const { inner, defaultValue } = unwrap(schema);
    const kind = kindOf(inner);
    const upper = (text: string): string => text.replaceAll('-', '_').toUpperCase();
    const written = facts.flag ?? path.join('-').replaceAll(/[A-Z](?![A-Z])/g, '-$&');
    yield {
      path: path.join('.'),
      schema,
      kind,
      flag: facts.flag,
      argument: facts.argument ?? kind,
      variable: kind === 'structure' ? undefined : `SYNCER_${upper(written)}`,
      secret: facts.secret ?? false,
      defaultValue,
      words: inner instanceof z.ZodEnum ? inner.options.map(String) : [],
    };
  }
}

/** Takes off what makes a schema optional. */
function unwrap(schema: z.ZodType): { readonly inner: z.ZodType; readonly defaultValue: unknown } {
  if (schema instanceof z.ZodPrefault) {
    return { inner: schema.unwrap() as z.ZodType, defaultValue: schema.def.defaultValue };
  }
  if (schema instanceof z.ZodExactOptional) {
    return { inner: schema.unwrap() as z.ZodType, defaultValue: undefined };
  }
  return { inner: schema, defaultValue: undefined };
}

function kindOf(schema: z.ZodType): KeyKind {
  if (schema instanceof z.ZodNumber) return 'number';
  if (schema instanceof z.ZodBoolean) return 'boolean';
  if (schema instanceof z.ZodRecord) return 'structure';
  if (!(schema instanceof z.ZodArray)) return 'text';
  return schema.element instanceof z.ZodObject ? 'structure' : 'list';
}
