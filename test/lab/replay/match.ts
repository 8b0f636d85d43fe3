// Comparing an answer with a recorded one: placeholders take a value at first sight and keep it, and
// lists of objects have no order.

/** What each placeholder stands for, and the reverse: two placeholders never mean the same. */
export class Bindings {
  readonly #values: ReadonlyMap<string, string | number>;

  constructor(values: ReadonlyMap<string, string | number> = new Map()) {
    this.#values = values;
  }

  get(name: string): string | number | undefined {
    return this.#values.get(name);
  }

  /** Gives bindings with this one added, or undefined if it contradicts those there are. */
  bind(name: string, value: string | number): Bindings | undefined {
    const bound = this.#values.get(name);
    if (bound !== undefined) return bound === value ? this : undefined;
    const kind = name.split(':')[0] ?? '';
    for (const [other, taken] of this.#values) {
      if (taken === value && other.split(':')[0] === kind) return undefined;
    }
    return new Bindings(new Map([...this.#values, [name, value]]));
  }

  /** Puts values for the placeholders of a text; throws for one that has none yet. */
  fill(text: string): string {
    return text.replace(/\{\{([^}]+)\}\}/g, (_whole, name: string) => {
      const [kind = '', argument = ''] = name.split(':');
      if (kind === 'pad') return 'x'.repeat(Number(argument));
      if (name === 'findRev:empty') return emptyRevision;
      if (kind === 'timestamp') return '1';
      const value = this.#values.get(name);
      if (value === undefined) throw new Error(`the placeholder {{${name}}} has no value yet`);
      return String(value);
    });
  }

  /** Does so in all texts of a value. */
  fillAll(value: unknown): unknown {
    if (typeof value === 'string') return this.fill(value);
    if (Array.isArray(value)) return value.map((item) => this.fillAll(item));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [this.fill(key), this.fillAll(item)]),
    );
  }
}

const emptyRevision = '97784746be9a2d00f08bc72fe1ce5ff8c7d07ffe';

/** What may stand for each kind of placeholder; those that are bound keep their first value. */
const kinds: Readonly<Record<string, { readonly pattern: string; readonly bound: boolean }>> = {
  serviceId: { pattern: '[0-9a-f]{40}', bound: true },
  instanceId: { pattern: '[0-9a-f]{32}', bound: true },
  findRev: { pattern: '[0-9a-f]{40}', bound: true },
  timestamp: { pattern: '\\d+', bound: false },
  any: { pattern: '[\\s\\S]*', bound: false },
  serverAddress: { pattern: '[^/]+', bound: false },
  peerAddress: { pattern: '.+', bound: false },
  host: { pattern: '.+', bound: false },
};

export interface MatchOptions {
  /** The answer may hold more fields than were recorded. */
  readonly moreFields: boolean;
}

/** Gives the bindings extended by what this comparison has found, or undefined: no match. */
export function match(
  expected: unknown,
  actual: unknown,
  bindings: Bindings,
  options: MatchOptions,
): Bindings | undefined {
  if (typeof expected === 'string') return matchText(expected, actual, bindings);
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || actual.length !== expected.length) return undefined;
    const unordered = expected.some((item) => typeof item === 'object' && item !== null);
    return unordered
      ? matchUnordered(expected, actual, bindings, options)
      : matchInTurn(expected, actual, bindings, options);
  }
  if (typeof expected !== 'object' || expected === null) {
    return expected === actual ? bindings : undefined;
  }
  if (typeof actual !== 'object' || actual === null || Array.isArray(actual)) return undefined;
  const keys = Object.keys(expected);
  if (!options.moreFields && Object.keys(actual).length !== keys.length) return undefined;
  let found: Bindings | undefined = bindings;
  for (const key of keys) {
    const field = (actual as Record<string, unknown>)[key];
    found = match((expected as Record<string, unknown>)[key], field, found, options);
    if (found === undefined) return undefined;
  }
  return found;
}

function matchInTurn(
  expected: readonly unknown[],
  actual: readonly unknown[],
  bindings: Bindings,
  options: MatchOptions,
): Bindings | undefined {
  let found: Bindings | undefined = bindings;
  for (const [at, item] of expected.entries()) {
    found = match(item, actual[at], found, options);
    if (found === undefined) return undefined;
  }
  return found;
}

/** Tries each way of pairing them; an early item taken wrongly is given back. */
function matchUnordered(
  expected: readonly unknown[],
  actual: readonly unknown[],
  bindings: Bindings,
  options: MatchOptions,
): Bindings | undefined {
  const [first, ...rest] = expected;
  if (expected.length === 0) return bindings;
  for (const [at, candidate] of actual.entries()) {
    const found = match(first, candidate, bindings, options);
    if (found === undefined) continue;
    const others = actual.filter((_item, index) => index !== at);
    const all = matchUnordered(rest, others, found, options);
    if (all !== undefined) return all;
  }
  return undefined;
}

function matchText(expected: string, actual: unknown, bindings: Bindings): Bindings | undefined {
  const whole = /^\{\{(rev:\d+)\}\}$/.exec(expected)?.[1];
  if (whole !== undefined) {
    return typeof actual === 'number' ? bindings.bind(whole, actual) : undefined;
  }
  if (typeof actual !== 'string') return undefined;
  const names: string[] = [];
  const pattern = expected
    .split(/(\{\{[^}]+\}\})/)
    .map((part) => {
      const name = /^\{\{(.+)\}\}$/.exec(part)?.[1];
      if (name === undefined) return part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
      const [kind = '', argument = ''] = name.split(':');
      if (kind === 'pad') return `x{${argument}}`;
      if (name === 'findRev:empty') return emptyRevision;
      const known = kinds[kind];
      if (known === undefined) throw new Error(`unknown placeholder {{${name}}}`);
      if (!known.bound) return known.pattern;
      names.push(name);
      return `(${known.pattern})`;
    })
    .join('');
  const values = new RegExp(`^${pattern}$`).exec(actual)?.slice(1);
  let found: Bindings | undefined = values === undefined ? undefined : bindings;
  for (const [at, name] of names.entries()) found = found?.bind(name, values?.[at] ?? '');
  return found;
}
