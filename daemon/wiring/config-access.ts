// The configuration file as the control API reads and changes it: comments stay, a change is checked
// whole before anything is written, and the version before it can be gone back to.

import { hash } from 'node:crypto';
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
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

/** Gives access to the configuration of a daemon that has been started with it. */
export function createConfigAccess(options: ConfigAccessOptions): ConfigAccess {
  const { input } = options;
  const file = input.flags.config ?? input.environment.SYNCER_CONFIG ?? '';
  let text = file !== '' && existsSync(file) ? input.readFile(file) : '';
  let previous: string | undefined;
  let loaded = options.loaded;

  const loadWith = (candidate: string): LoadedConfig =>
    loadConfig({
      ...input,
      readFile: (path) => (path === file ? candidate : input.readFile(path)),
    });

  const verdictOf = (after: LoadedConfig, edits: readonly ConfigEdit[]): ConfigVerdict => {
    const locked = edits.filter(({ key }) => isLocked(loaded, key));
    const problems = [
      ...(file === '' ? [noFile] : []),
      ...locked.map(({ key }) => lockedProblem(loaded, key)),
      ...after.problems,
    ];
    return {
      problems: problems.map(mistakeOf),
      restartKeys: changedKeys(loaded, after).filter((key) => !liveKeys.includes(key)),
    };
  };

  const write = (candidate: string, after: LoadedConfig): void => {
    const unfinished = `${file}.new`;
    writeFileSync(unfinished, candidate, { mode: 0o600 });
    renameSync(unfinished, file);
    previous = text;
    text = candidate;
    const live = changedKeys(loaded, after).some((key) => liveKeys.includes(key));
    loaded = after;
    if (live && after.config !== undefined) options.onApplied(after.config);
  };

  const take = (
    expectedVersion: string,
    candidate: string,
    edits: readonly ConfigEdit[],
  ): ConfigOutcome => {
    const version = versionOf(text);
    if (expectedVersion !== version) {
      throw new SyncerError('config.changed-meanwhile', {
        expected: expectedVersion,
        found: version,
      });
    }
    const after = loadWith(candidate);
    const verdict = verdictOf(after, edits);
    if (verdict.problems.length === 0) write(candidate, after);
    return { ...verdict, version: versionOf(text) };
  };

  return {
    view: () => ({
      version: versionOf(text),
      file,
      previousVersion: previous === undefined ? undefined : versionOf(previous),
      values: loaded.entries.map(({ key, value, source, about }) => ({
        key,
        value: value === redacted ? '(hidden)' : value,
        source:
          source.kind === 'default' || source.kind === 'derived' ? source.kind : sourceName(source),
        locked: file === '' || isLocked(loaded, key),
        live: liveKeys.includes(key),
        ...(about === undefined ? {} : { about: textsOf(about) }),
      })),
    }),
    validate: (edits) => verdictOf(loadWith(edited(text, edits)), edits),
    async apply(expectedVersion, edits) {
      return take(expectedVersion, edited(text, edits), edits);
    },
    async rollBack(expectedVersion) {
      if (previous === undefined) {
        throw new SyncerError('config.changed-meanwhile', { expected: expectedVersion, found: '' });
      }
      return take(expectedVersion, previous, []);
    },
    parseRules(rules) {
      const parsed = loadRules(rules, 'rules');
      return parsed.ok ? parsed : { ok: false, problems: parsed.problems.map(mistakeOf) };
    },
  };
}

/** Gives the file's text with some keys changed; comments and order stay. */
function edited(text: string, edits: readonly ConfigEdit[]): string {
  const document = parseDocument(text);
  for (const { key, value } of edits) {
    const names = key.split('.');
    if (value === undefined) document.deleteIn(names);
    else document.setIn(names, value);
  }
  return document.toString();
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
  const old = new Map(before.entries.map(({ key, value }) => [key, JSON.stringify(value)]));
  return after.entries
    .filter(({ key, value }) => old.get(key) !== JSON.stringify(value))
    .map(({ key }) => key);
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

function versionOf(text: string): string {
  return hash('sha1', text, 'hex').slice(0, 16);
}

function textsOf(about: LocalText): Readonly<Record<string, string>> {
  const chinese = about['zh-CN'];
  return { en: about.en, ...(chinese === undefined ? {} : { 'zh-CN': chinese }) };
}
