// A driver's own options as keys of the configuration: `registry.options.<name>`, checked by what the
// driver says of them, shown and explained like any other key.

import { driverNames } from '../registry/driver-names.ts';
import { chooseDriver, type ChosenDriver } from '../registry/plugin/choose.ts';
import type { DriverDescription, DriverOption, LocalText } from '../registry/plugin/definition.ts';
import {
  checkOptions,
  type OptionExpectation,
  type OptionProblem,
} from '../registry/plugin/option-values.ts';
import { nearest } from '../support/nearest.ts';
import { unknownKey, type RawValue } from './layers.ts';
import {
  redacted,
  showValue,
  sourceName,
  type ConfigProblem,
  type Message,
  type ValueSource,
} from './problems.ts';

/** The key that holds them all. */
export const optionsKey = 'registry.options';

/** One option as it is in force. */
export interface DriverOptionEntry {
  readonly key: string;
  readonly value: unknown;
  readonly source: ValueSource;
  readonly about: LocalText;
}

export interface DriverOptionsReading {
  readonly problems: readonly ConfigProblem[];
  /** `undefined`: a built-in driver, or none that can be used. */
  readonly entries: readonly DriverOptionEntry[] | undefined;
}

/** Gives the options of the configured driver, and what is wrong with them or with the driver. */
export function readDriverOptions(
  values: ReadonlyMap<string, RawValue>,
  choose: (wanted: string) => ChosenDriver = chooseDriver,
): DriverOptionsReading {
  const kind = values.get('registry.kind');
  if (typeof kind?.value !== 'string') return { problems: [], entries: undefined };
  const chosen = tryChoose(kind.value, choose);
  if (!chosen.ok) return { problems: [chosen.problem], entries: undefined };
  if (chosen.driver.kind === 'built-in') return { problems: [], entries: undefined };
  const { description } = chosen.driver;
  const raw = values.get(optionsKey);
  const given = (raw?.value ?? {}) as Readonly<Record<string, unknown>>;
  const sourceOf = (name: string): ValueSource => raw?.sourceOf([name]) ?? kind.source;
  return {
    problems: checkOptions(description, given).map((problem) =>
      problemOf(problem, sourceOf(problem.name), description),
    ),
    entries: Object.entries(description.options).map(([name, option]) => ({
      key: `${optionsKey}.${name}`,
      ...valueOf(option, given[name], sourceOf(name)),
      about: option.about,
    })),
  };
}

function tryChoose(
  wanted: string,
  choose: (wanted: string) => ChosenDriver,
):
  | { readonly ok: true; readonly driver: ChosenDriver }
  | { readonly ok: false; readonly problem: ConfigProblem } {
  try {
    return { ok: true, driver: choose(wanted) };
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    const parameters = { name: wanted, reason, known: driverNames.join(', ') };
    return { ok: false, problem: { code: 'registry.plugin-broken', parameters } };
  }
}

function valueOf(
  option: DriverOption,
  given: unknown,
  source: ValueSource,
): { readonly value: unknown; readonly source: ValueSource } {
  if (given === undefined) return { value: option.default, source: { kind: 'default' } };
  return { value: option.secret === true ? redacted : given, source };
}

function problemOf(
  problem: OptionProblem,
  source: ValueSource,
  { options }: DriverDescription,
): ConfigProblem {
  const key = `${optionsKey}.${problem.name}`;
  switch (problem.kind) {
    case 'unknown':
      return unknownKey(
        key,
        source,
        problem.nearest === undefined ? undefined : `${optionsKey}.${problem.nearest}`,
      );
    case 'missing':
      return {
        code: 'config.missing-value',
        parameters: { key, source: sourceName(source) },
        expects: { key: 'config.expects.some-value', parameters: {} },
      };
    case 'wrong': {
      const { words } = options[problem.name] ?? {};
      const near =
        typeof problem.value === 'string' ? nearest(problem.value, words ?? []) : undefined;
      const shown = options[problem.name]?.secret === true ? redacted : showValue(problem.value);
      return {
        code: 'config.wrong-value',
        parameters: { key, value: shown, source: sourceName(source), nearest: near ?? 'none' },
        expects: expectation(problem.expects),
      };
    }
  }
}

function expectation(expects: OptionExpectation): Message {
  switch (expects.kind) {
    case 'words':
      return { key: 'config.expects.one-of', parameters: { words: expects.words.join(', ') } };
    case 'minimum':
      return { key: 'config.expects.at-least', parameters: { minimum: expects.minimum } };
    case 'maximum':
      return { key: 'config.expects.at-most', parameters: { maximum: expects.maximum } };
    case 'type':
      return { key: `config.expects.${expects.type}`, parameters: {} };
  }
}
