// The configuration file as the control API and `syncer config` read and change it: comments stay, a
// change is checked whole before anything is written, and the version before it can be gone back to,
// by whatever process: it is kept beside the file.

import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { SyncerError } from '../../proto/errors.ts';
import { createTranslator } from '../../proto/translate.ts';
import { findKey } from '../config/keys.ts';
import { loadConfig, type ConfigInput, type LoadedConfig } from '../config/load.ts';
import { redacted, sourceName, type ConfigProblem } from '../config/problems.ts';
import type { LocalText } from '../registry/plugin/definition.ts';
import { loadRules } from '../config/rules-file.ts';
import type { Config } from '../config/schema.ts';
import type {
  ConfigAccess,
  ConfigEdit,
  ConfigMistake,
  ConfigOutcome,
  ConfigVerdict,
} from '../control/ports.ts';
import { editedText, versionOf } from './config-text.ts';

/** Keys that take effect at once; all others take a restart. */
const liveKeys = [
  'rules.export',
  'rules.import',
  'rules.absence',
  'guard.share',
  'guard.count',
  'guard.windowSeconds',
];

export interface ConfigAccessOptions {
  /** What the configuration was loaded from; flags and environment do not change any more. */
  readonly input: ConfigInput;
  readonly loaded: LoadedConfig;
  /** Called with the configuration in force after each change of a live key. */
  readonly onApplied: (config: Config) => void;
}

/**
 * Gives access to the configuration of a daemon that has been started with it, or of one that has not
 * been started. The file is read anew each time: a person may edit it, too.
 */
export function createConfigAccess(options: ConfigAccessOptions): ConfigAccess {
  const { input } = options;
  const file = input.flags.config ?? input.environment.SYNCER_CONFIG ?? '';
  const previousFile = `${file}.previous`;
  /** What the daemon runs with: live keys move with the file, all others at a restart. */
  let inForce = options.loaded;

  /** `undefined`: it cannot be read, and loading it says why. */
  const read = (path: string): string | undefined => {
    if (file === '' || !existsSync(path)) return '';
    try {
      return input.readFile(path);
    } catch {
      return undefined;
    }
  };
  const load = (text: string | undefined): LoadedConfig => {
    if (text === undefined || file === '') return loadConfig(input);
    return loadConfig({
      ...input,
      readFile: (path) => (path === file ? text : input.readFile(path)),
    });
  };
  const previousVersion = (): string | undefined => {
    const previous = existsSync(previousFile) ? read(previousFile) : undefined;
    return previous === undefined ? undefined : versionOf(previous);
  };

  const verdictOf = (after: LoadedConfig, edits: readonly ConfigEdit[]): ConfigVerdict => {
    const locked = edits.filter(({ key }) => isLocked(after, key));
    const problems = [
      ...(file === '' ? [noFile] : []),
      ...locked.map(({ key }) => lockedProblem(after, key)),
      ...after.problems,
    ];
    return {
      problems: problems.map(mistakeOf),
      restartKeys: changedKeys(inForce, after).filter((key) => !liveKeys.includes(key)),
    };
  };

  const write = (before: string, candidate: string, after: LoadedConfig): void => {
    replace(previousFile, before);
    replace(file, candidate);
    const live = changedKeys(inForce, after).some((key) => liveKeys.includes(key));
    inForce = withLive(inForce, after);
    if (live && after.config !== undefined) options.onApplied(after.config);
  };

  const take = (
    expectedVersion: string,
    candidateOf: (text: string) => string,
    edits: readonly ConfigEdit[],
  ): ConfigOutcome => {
    const text = read(file);
    const version = versionOf(text ?? '');
    if (expectedVersion !== version) {
      throw new SyncerError('config.changed-meanwhile', {
        expected: expectedVersion,
        found: version,
      });
    }
    const candidate = text === undefined ? undefined : candidateOf(text);
    const after = load(candidate);
    const verdict = verdictOf(after, edits);
    if (text === undefined || candidate === undefined || verdict.problems.length > 0) {
      return { ...verdict, version };
    }
    write(text, candidate, after);
    return { ...verdict, version: versionOf(candidate) };
  };

  return {
    view() {
      const text = read(file);
      const loaded = load(text);
      return {
        version: versionOf(text ?? ''),
        file,
        previousVersion: previousVersion(),
        values: loaded.entries.map(({ key, value, source, about }) => ({
          key,
          value: value === redacted ? '(hidden)' : value,
          source:
            source.kind === 'default' || source.kind === 'derived'
              ? source.kind
              : sourceName(source),
          locked: file === '' || isLocked(loaded, key),
          live: liveKeys.includes(key),
          ...(about === undefined ? {} : { about: textsOf(about) }),
        })),
      };
    },
    validate(edits) {
      const text = read(file);
      return verdictOf(load(text === undefined ? undefined : editedText(text, edits)), edits);
    },
    async apply(expectedVersion, edits) {
      return take(expectedVersion, (text) => editedText(text, edits), edits);
    },
    async rollBack(expectedVersion) {
      const previous = existsSync(previousFile) ? read(previousFile) : undefined;
      if (previous === undefined) {
        throw new SyncerError('config.changed-meanwhile', { expected: expectedVersion, found: '' });
      }
      return take(expectedVersion, () => previous, []);
    },
    parseRules(rules) {
      const parsed = loadRules(rules, 'rules');
      return parsed.ok ? parsed : { ok: false, problems: parsed.problems.map(mistakeOf) };
    },
  };
}

/** Whole or not at all, and for nobody else's eyes: it may hold a password. */
function replace(file: string, text: string): void {
  const unfinished = `${file}.new`;
  writeFileSync(unfinished, text, { mode: 0o600 });
  renameSync(unfinished, file);
}

/** What is in force after a change: the live keys are as in `after`. */
function withLive(inForce: LoadedConfig, after: LoadedConfig): LoadedConfig {
  const changed = new Map(after.entries.map((entry) => [entry.key, entry]));
  const entries = inForce.entries.map((entry) =>
    liveKeys.includes(entry.key) ? (changed.get(entry.key) ?? entry) : entry,
  );
  return { ...inForce, entries };
}

function isLocked(loaded: LoadedConfig, key: string): boolean {
  const kind = loaded.entries.find((entry) => entry.key === key)?.source.kind;
  return kind === 'flag' || kind === 'environment';
}

function lockedProblem(loaded: LoadedConfig, key: string): ConfigProblem {
  const entry = loaded.entries.find((one) => one.key === key);
  const source = entry === undefined ? '' : sourceName(entry.source);
  return {
    code: 'config.wrong-value',
    parameters: { key, value: '', source, nearest: 'none' },
    expects: { key: 'config.expects.unlocked', parameters: { source } },
  };
}

/** A daemon that was started without a file has nowhere to keep a change. */
const noFile: ConfigProblem = {
  code: 'config.missing-value',
  parameters: { key: '--config', source: 'daemon' },
  expects: { key: 'config.expects.config-file', parameters: {} },
};

/** Keys whose value differs; a secret counts as changed when its place does. */
function changedKeys(before: LoadedConfig, after: LoadedConfig): readonly string[] {
  const old = new Map(before.entries.map((entry) => [entry.key, comparable(before, entry)]));
  return after.entries
    .filter((entry) => old.get(entry.key) !== comparable(after, entry))
    .map(({ key }) => key);
}

/** A secret is shown as hidden, and compared by what it is. */
function comparable(
  { config }: LoadedConfig,
  { key, value }: LoadedConfig['entries'][number],
): string | undefined {
  if (value !== redacted) return JSON.stringify(value);
  let found: unknown = config;
  for (const name of key.split('.')) {
    found = typeof found === 'object' && found !== null ? Reflect.get(found, name) : undefined;
  }
  return JSON.stringify(found);
}

function mistakeOf(problem: ConfigProblem): ConfigMistake {
  const key = String(problem.parameters.key ?? '');
  const { expects } = problem;
  const expected =
    expects === undefined ? {} : { expected: english(expects.key, expects.parameters) };
  return {
    code: problem.code,
    parameters: { ...problem.parameters, ...expected },
    key: findKey(key) === undefined ? '' : key,
  };
}

const english = createTranslator('en');

function textsOf(about: LocalText): Readonly<Record<string, string>> {
  const chinese = about['zh-CN'];
  return { en: about.en, ...(chinese === undefined ? {} : { 'zh-CN': chinese }) };
}
