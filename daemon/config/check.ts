// Checks one value against its schema, and turns each mistake into a problem that names the key, the
// value, the source and the nearest right one.

import { z } from 'zod';
import type { MessageKey } from '../../proto/translate.ts';
import { unknownKey } from './layers.ts';
import type { RawValue } from './layers.ts';
import { nearest } from '../support/nearest.ts';
import { redacted, showValue, sourceName } from './problems.ts';
import type { ConfigProblem, Message } from './problems.ts';

/** Gives the problems of a value; none: it is right. */
export function checkValue(
  path: string,
  schema: z.ZodType,
  raw: RawValue,
  secret: boolean,
): readonly ConfigProblem[] {
  const result = schema.safeParse(raw.value);
  if (result.success) return [];
  return result.error.issues.flatMap((issue) => {
    const key = path + innerPath(issue.path);
    const source = raw.sourceOf(issue.path);
    if (issue.code === 'unrecognized_keys') {
      const known = Object.keys(shapeAt(schema, issue.path) ?? {});
      return issue.keys.map((name) =>
        unknownKey(`${key}.${name}`, raw.sourceOf([...issue.path, name]), nearest(name, known)),
      );
    }
    const value = valueAt(raw.value, issue.path);
    if (value === undefined) {
      return [
        {
          code: 'config.missing-value' as const,
          parameters: { key, source: sourceName(source) },
          expects: expectation(issue),
        },
      ];
    }
    const words = issue.code === 'invalid_value' ? issue.values.map(String) : [];
    const near = typeof value === 'string' ? nearest(value, words) : undefined;
    const shown = secret ? redacted : showValue(withoutAccount(value));
    return [
      {
        code: 'config.wrong-value' as const,
        parameters: { key, value: shown, source: sourceName(source), nearest: near ?? 'none' },
        expects: expectation(issue),
      },
    ];
  });
}

function expectation(issue: z.core.$ZodIssue): Message {
  switch (issue.code) {
    case 'custom':
      return { key: issue.params?.expects as MessageKey, parameters: {} };
    case 'invalid_value':
      return {
        key: 'config.expects.one-of',
        parameters: { words: issue.values.map(String).join(', ') },
      };
    case 'too_small':
      return {
        key:
          issue.origin === 'number' || issue.origin === 'int'
            ? 'config.expects.at-least'
            : 'config.expects.not-empty',
        parameters: { minimum: Number(issue.minimum) },
      };
    case 'too_big':
      return {
        key:
          issue.origin === 'number' || issue.origin === 'int'
            ? 'config.expects.at-most'
            : 'config.expects.not-longer',
        parameters: { maximum: Number(issue.maximum) },
      };
    case 'invalid_type':
      return { key: typeExpectation(issue.expected), parameters: {} };
    default:
      return { key: 'config.expects.other', parameters: { detail: issue.message } };
  }
}

function typeExpectation(type: string): MessageKey {
  switch (type) {
    case 'number':
      return 'config.expects.number';
    case 'int':
      return 'config.expects.whole-number';
    case 'boolean':
      return 'config.expects.boolean';
    case 'array':
      return 'config.expects.list';
    case 'object':
      return 'config.expects.group';
    default:
      return 'config.expects.text';
  }
}

/** `[0].match.service` */
function innerPath(path: readonly PropertyKey[]): string {
  return path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('');
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let found = value;
  for (const step of path) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = (found as Record<PropertyKey, unknown>)[step];
  }
  return found;
}

/** The keys that the object at an inner path may have. */
function shapeAt(
  schema: z.ZodType,
  path: readonly PropertyKey[],
): Readonly<Record<string, unknown>> | undefined {
  let found: unknown = schema;
  const bare = (): void => {
    while (found instanceof z.ZodPrefault || found instanceof z.ZodExactOptional) {
      found = found.unwrap();
    }
  };
  for (const step of path) {
    bare();
    if (found instanceof z.ZodArray) found = found.element;
    else if (found instanceof z.ZodObject) found = found.shape[String(step)];
  }
  bare();
  return found instanceof z.ZodObject ? found.shape : undefined;
}

/** An address with an account in it is a mistake; its password is not shown for that. */
function withoutAccount(value: unknown): unknown {
  return typeof value === 'string' ? value.replace(/^(\w+:\/\/)[^/\s]*@/, `$1${redacted}@`) : value;
}
