// What the suite says of values: a handful of words, each of which fails with what was there and what
// was to be there. Fields that are `undefined` and fields that are missing are the same.

import { inspect, isDeepStrictEqual } from 'node:util';

/** A value that stands for many. */
class Pattern {
  readonly matches: (value: unknown) => boolean;
  readonly shown: string;

  constructor(shown: string, matches: (value: unknown) => boolean) {
    this.shown = shown;
    this.matches = matches;
  }

  [inspect.custom](): string {
    return this.shown;
  }
}

interface Words {
  toBe(expected: unknown): void;
  toEqual(expected: unknown): void;
  /** Has at least these fields. */
  toMatchObject(expected: object): void;
  /** A list with this item, or a text with this part. */
  toContain(item: unknown): void;
  toContainEqual(item: unknown): void;
  toHaveLength(length: number): void;
  toBeDefined(): void;
  toBeUndefined(): void;
  toBeGreaterThan(than: number): void;
  toBeLessThan(than: number): void;
}

interface Expectation extends Words {
  readonly not: Pick<Words, 'toBe' | 'toEqual'>;
  readonly rejects: { toThrow(message: string | RegExp): Promise<void> };
}

/** Says something of `actual`; throws where it is not so. */
export function expect(actual: unknown): Expectation {
  const words: Words = {
    toBe: (expected) => check(Object.is(actual, expected), actual, 'to be', expected),
    toEqual: (expected) => check(equal(actual, expected), actual, 'to equal', expected),
    toMatchObject: (expected) => check(matches(actual, expected), actual, 'to match', expected),
    toContain: (item) => {
      const there =
        typeof actual === 'string' ? actual.includes(String(item)) : listOf(actual).includes(item);
      check(there, actual, 'to contain', item);
    },
    toContainEqual: (item) =>
      check(
        listOf(actual).some((each) => equal(each, item)),
        actual,
        'to contain',
        item,
      ),
    toHaveLength: (length) =>
      check(listOf(actual).length === length, actual, 'to have the length', length),
    toBeDefined: () => check(actual !== undefined, actual, 'to be', 'defined'),
    toBeUndefined: () => check(actual === undefined, actual, 'to be', undefined),
    toBeGreaterThan: (than) => check(Number(actual) > than, actual, 'to be greater than', than),
    toBeLessThan: (than) => check(Number(actual) < than, actual, 'to be less than', than),
  };
  return {
    ...words,
    not: {
      toBe: (expected) => check(!Object.is(actual, expected), actual, 'not to be', expected),
      toEqual: (expected) => check(!equal(actual, expected), actual, 'not to equal', expected),
    },
    rejects: {
      async toThrow(message) {
        const rejection = await Promise.resolve(actual).then(
          (value: unknown) => ({ value }),
          (error: unknown) => ({ error }),
        );
        if (!('error' in rejection)) {
          throw new ExpectationError('rejection', rejection.value, 'to be');
        }
        const { error } = rejection;
        const text = error instanceof Error ? error.message : String(error);
        const fits = typeof message === 'string' ? text.includes(message) : message.test(text);
        check(fits, text, 'to say', message);
      },
    },
  };
}

/** Holds all of these, whatever else it holds, in any order. */
expect.arrayContaining = (items: readonly unknown[]): Pattern =>
  new Pattern(
    `a list with ${inspect(items)}`,
    (value) =>
      Array.isArray(value) &&
      items.every((item) => value.some((each: unknown) => equal(each, item))),
  );

/** Has these fields, whatever else it has. */
expect.objectContaining = (fields: object): Pattern =>
  new Pattern(`something with ${inspect(fields)}`, (value) => matches(value, fields));

class ExpectationError extends Error {
  override readonly name = 'ExpectationError';

  constructor(expected: unknown, actual: unknown, relation: string) {
    super(`expected ${show(actual)} ${relation} ${show(expected)}`);
  }
}

function check(holds: boolean, actual: unknown, relation: string, expected: unknown): void {
  if (!holds) throw new ExpectationError(expected, actual, relation);
}

function equal(actual: unknown, expected: unknown): boolean {
  if (expected instanceof Pattern) return expected.matches(actual);
  if (Array.isArray(expected)) {
    return (
      Array.isArray(actual) &&
      actual.length === expected.length &&
      expected.every((item, index) => equal(actual[index], item))
    );
  }
  if (expected instanceof Set || !isRecord(expected) || !isRecord(actual)) {
    return isDeepStrictEqual(actual, expected);
  }
  const names = new Set([...Object.keys(actual), ...Object.keys(expected)]);
  return [...names].every((name) => equal(actual[name], expected[name]));
}

function matches(actual: unknown, expected: unknown): boolean {
  if (expected instanceof Pattern || !isRecord(expected)) return equal(actual, expected);
  return (
    isRecord(actual) &&
    Object.entries(expected).every(([name, value]) => matches(actual[name], value))
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

function show(value: unknown): string {
  return inspect(value, { depth: 8, breakLength: 100, maxArrayLength: 20, maxStringLength: 400 });
}
