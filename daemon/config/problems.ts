// What is wrong with a configuration, and where each value came from.

import { describeError } from '../../proto/errors.ts';
import type { ErrorCode } from '../../proto/errors.ts';
import type { MessageKey, MessageParameters, Translate } from '../../proto/translate.ts';

/** Where a value was found. */
export type ValueSource =
  | { readonly kind: 'flag'; readonly name: string }
  | { readonly kind: 'environment'; readonly name: string }
  | { readonly kind: 'file'; readonly file: string; readonly line: number }
  | { readonly kind: 'default' }
  /** A default that depends on the machine or on another key. */
  | { readonly kind: 'derived'; readonly from: string };

/** A message with its parameters, translated when it is shown. */
export interface Message {
  readonly key: MessageKey;
  readonly parameters: MessageParameters;
}

export interface ConfigProblem {
  readonly code: ErrorCode;
  readonly parameters: MessageParameters;
  /** What would have been right; becomes the parameter `expected`. */
  readonly expects?: Message;
}

/** Gives what is wrong and what to do, in the translator's language. */
export function describeProblem(
  problem: ConfigProblem,
  translate: Translate,
): { readonly text: string; readonly remedy: string } {
  const { code, parameters, expects } = problem;
  if (expects === undefined) return describeError({ code, parameters }, translate);
  const expected = translate(expects.key, expects.parameters);
  return describeError({ code, parameters: { ...parameters, expected } }, translate);
}

/** Gives a source as people write it: `--sc-addr`, `SYNCER_SC_ADDR`, `syncer.yaml:12`, `default`. */
export function describeSource(source: ValueSource, translate: Translate): string {
  switch (source.kind) {
    case 'default':
      return translate('config.source.default');
    case 'derived':
      return translate('config.source.derived', { from: source.from });
    default:
      return sourceName(source);
  }
}

/** The name of a source that a person wrote; the same in every language. */
export function sourceName(source: ValueSource): string {
  switch (source.kind) {
    case 'flag':
      return `--${source.name}`;
    case 'environment':
      return source.name;
    case 'file':
      return `${source.file}:${source.line}`;
    case 'derived':
      return source.from;
    case 'default':
      return 'default';
  }
}

export const redacted = '<redacted>';

/** Gives any value in one line of at most 200 characters. */
export function showValue(value: unknown): string {
  if (typeof value === 'string') return cut(value === '' ? '""' : value);
  try {
    return value === undefined ? '' : cut(JSON.stringify(value));
  } catch {
    // A YAML alias may point at its own parent.
    return '(a value that contains itself)';
  }
}

function cut(text: string): string {
  const line = text.replaceAll(/\p{Cc}+/gu, ' ');
  return line.length > 200 ? `${line.slice(0, 199)}…` : line;
}
