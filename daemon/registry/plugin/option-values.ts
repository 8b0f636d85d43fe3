// The values of a driver's own options: checked against what the driver says of them, defaults filled
// in. `config check` and the start of the daemon use the same judgement.

import { nearest } from '../../support/nearest.ts';
import type { DriverDescription, DriverOption, OptionValues } from './definition.ts';

/** One mistake in the options. */
export type OptionProblem =
  | { readonly kind: 'unknown'; readonly name: string; readonly nearest: string | undefined }
  | { readonly kind: 'missing'; readonly name: string }
  | {
      readonly kind: 'wrong';
      readonly name: string;
      readonly value: unknown;
      /** What would be right: a type, the words, the bounds. */
      readonly expects: OptionExpectation;
    };

export type OptionExpectation =
  | { readonly kind: 'type'; readonly type: DriverOption['type'] }
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'minimum'; readonly minimum: number }
  | { readonly kind: 'maximum'; readonly maximum: number };

/** Gives what is wrong with `given`; none: it is right. */
export function checkOptions(
  { options }: Pick<DriverDescription, 'options'>,
  given: Readonly<Record<string, unknown>>,
): readonly OptionProblem[] {
  const names = Object.keys(options);
  const problems: OptionProblem[] = [];
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(options, name)) {
      problems.push({ kind: 'unknown', name, nearest: nearest(name, names) });
    }
  }
  for (const [name, option] of Object.entries(options)) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (value === undefined) {
      if (option.required === true) problems.push({ kind: 'missing', name });
      continue;
    }
    const expects = mismatch(option, value);
    if (expects !== undefined) problems.push({ kind: 'wrong', name, value, expects });
  }
  return problems;
}

/** Gives the values with the defaults filled in; throws an error that names the first mistake. */
export function completeOptions(
  description: Pick<DriverDescription, 'kind' | 'options'>,
  given: Readonly<Record<string, unknown>>,
): OptionValues {
  const [problem] = checkOptions(description, given);
  if (problem !== undefined) {
    throw new Error(`registry.options of driver '${description.kind}': ${describe(problem)}`);
  }
  const entries = Object.entries(description.options).map(([name, option]) => [
    name,
    given[name] ?? option.default,
  ]);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as OptionValues;
}

function describe(problem: OptionProblem): string {
  switch (problem.kind) {
    case 'unknown': {
      const near = problem.nearest === undefined ? '' : `; the nearest is '${problem.nearest}'`;
      return `there is no option '${problem.name}'${near}`;
    }
    case 'missing':
      return `option '${problem.name}' is missing: give it a value`;
    case 'wrong':
      return `option '${problem.name}' is wrong: ${describeExpectation(problem.expects)}`;
  }
}

function describeExpectation(expects: OptionExpectation): string {
  switch (expects.kind) {
    case 'type':
      return `give a ${expects.type}`;
    case 'words':
      return `give one of ${expects.words.join(', ')}`;
    case 'minimum':
      return `give at least ${expects.minimum}`;
    case 'maximum':
      return `give at most ${expects.maximum}`;
  }
}

function mismatch(option: DriverOption, value: unknown): OptionExpectation | undefined {
  if (!hasType(option.type, value)) return { kind: 'type', type: option.type };
  const { words, minimum, maximum } = option;
  if (words !== undefined && typeof value === 'string' && !words.includes(value)) {
    return { kind: 'words', words };
  }
  if (typeof value !== 'number') return undefined;
  if (minimum !== undefined && value < minimum) return { kind: 'minimum', minimum };
  if (maximum !== undefined && value > maximum) return { kind: 'maximum', maximum };
  return undefined;
}

function hasType(type: DriverOption['type'], value: unknown): boolean {
  switch (type) {
    case 'text':
      return typeof value === 'string';
    case 'number':
      return typeof value === 'number' && Number.isFinite(value);
    case 'boolean':
      return typeof value === 'boolean';
    case 'list':
      return Array.isArray(value) && value.every((item) => typeof item === 'string');
  }
}
