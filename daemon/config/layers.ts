// The three layers that a person writes: flags, environment, YAML. Each gives raw values with their
// sources, and the problems of what is no key at all.

import { isAlias, isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import type { Document, Node as YamlNode } from 'yaml';
import { configGroups, configKeys, findKey } from './keys.ts';
import type { ConfigKey } from './keys.ts';
import { nearest } from '../support/nearest.ts';
import { originalKeyReplacement } from './original-keys.ts';
import { showValue, sourceName } from './problems.ts';
import type { ConfigProblem, ValueSource } from './problems.ts';

export interface RawValue {
  readonly value: unknown;
  readonly source: ValueSource;
  /** The source of a part of it: an inner path to its own line. */
  readonly sourceOf: (inner: readonly PropertyKey[]) => ValueSource;
}

export interface Layer {
  readonly values: ReadonlyMap<string, RawValue>;
  readonly problems: readonly ConfigProblem[];
}

/** Variables of the environment that are not keys of the configuration. */
const otherVariables = new Set([
  'SYNCER_CONFIG',
  'SYNCER_LANG',
  'SYNCER_NODE_BINARY',
  'SYNCER_SOCKET',
]);

/** What Kubernetes sets in every pod beside a Service whose name begins with `syncer`. */
const serviceLink = /^SYNCER(_\w+)?_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP).*)?)$/;

/** Flags by name, without dashes; camel case (commander's) or as on the command line. */
export function readFlags(flags: Readonly<Record<string, string | undefined>>): Layer {
  const values = new Map<string, RawValue>();
  const problems: ConfigProblem[] = [];
  for (const [given, text] of Object.entries(flags)) {
    if (text === undefined) continue;
    const name = given.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    if (name === 'config') continue;
    const key = configKeys.find((candidate) => candidate.flag === name);
    const source: ValueSource = { kind: 'flag', name };
    if (key === undefined) {
      const names = configKeys.flatMap(({ flag }) => (flag === undefined ? [] : [flag]));
      const near = nearest(name, names);
      problems.push(unknownKey(`--${name}`, source, near === undefined ? near : `--${near}`));
      continue;
    }
    values.set(key.path, whole(fromText(key, text), source));
  }
  return { values, problems };
}

/** `SYNCER_*` variables. An empty one counts as not set. */
export function readEnvironment(environment: Readonly<Record<string, string | undefined>>): Layer {
  const values = new Map<string, RawValue>();
  const problems: ConfigProblem[] = [];
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith('SYNCER_') || text === undefined || text === '') continue;
    const source: ValueSource = { kind: 'environment', name };
    const key = configKeys.find((candidate) => candidate.variable === name);
    if (key !== undefined) values.set(key.path, whole(fromText(key, text), source));
    else if (!otherVariables.has(name) && !serviceLink.test(name)) {
      const names = configKeys.flatMap(({ variable }) => variable ?? []);
      problems.push(unknownKey(name, source, nearest(name, names)));
    }
  }
  return { values, problems };
}

/** The YAML file. */
export function readYaml(text: string, file: string): Layer {
  const lines = new LineCounter();
  const values = new Map<string, RawValue>();
  const problems: ConfigProblem[] = [];
  const syntax = (offset: number, reason: string): void => {
    const { line, col } = lines.linePos(offset);
    const parameters = { file, line: String(line), column: String(col), reason };
    problems.push({ code: 'config.file-syntax', parameters });
  };

  let document: Document;
  try {
    document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  } catch (thrown) {
    // Nesting deeper than the parser's stack.
    syntax(0, thrown instanceof Error ? thrown.message : String(thrown));
    return { values, problems };
  }
  for (const error of document.errors) syntax(error.pos[0], error.message);
  if (problems.length > 0) return { values, problems };

  const sourceAt = (node: unknown): ValueSource => lineOf(node, lines, file);

  const visit = (node: unknown, names: readonly string[]): void => {
    const map = isAlias(node) ? node.resolve(document) : node;
    if (map === null || map === undefined || (isScalar(map) && map.value === null)) return;
    if (!isMap(map)) {
      problems.push({
        code: 'config.wrong-value',
        parameters: {
          key: names.length === 0 ? file : names.join('.'),
          value: showValue(toPlain(map)),
          source: sourceName(sourceAt(node)),
          nearest: 'none',
        },
        expects: { key: 'config.expects.group', parameters: {} },
      });
      return;
    }
    for (const pair of map.items) {
      const name = isScalar(pair.key) ? String(pair.key.value) : showValue(toPlain(pair.key));
      const path = [...names, name].join('.');
      const source = sourceAt(pair.key);
      const key = findKey(path);
      const value = key === undefined && isMap(pair.value) ? undefined : toPlain(pair.value);
      const replacement = originalKeyReplacement(path, value);
      if (key !== undefined) {
        if (value === null) problems.push(missingValue(path, source));
        else {
          const sourceOf = (inner: readonly PropertyKey[]): ValueSource =>
            inner.length === 0
              ? source
              : innermostLine(document, [...names, name], inner, lines, file);
          const given = key.kind === 'list' ? fromYamlList(value) : value;
          values.set(path, { value: given, source, sourceOf });
        }
      } else if (replacement !== undefined) {
        const parameters = { key: path, source: sourceName(source), replacement };
        problems.push({ code: 'config.old-key', parameters });
      } else if (configGroups.has(path)) visit(pair.value, [...names, name]);
      else problems.push(unknownKey(path, source, nearestPath(path, names)));
    }
  };

  const toPlain = (node: unknown): unknown =>
    (node as YamlNode | null)?.toJS(document, { maxAliasCount: 100 }) ?? null;

  try {
    visit(document.contents, []);
  } catch (thrown) {
    // More aliases than any honest file has.
    syntax(0, thrown instanceof Error ? thrown.message : String(thrown));
  }
  return { values, problems };
}

/** Gives the line of the deepest node that there is on the way along `inner`. */
export function innermostLine(
  document: Document,
  start: readonly PropertyKey[],
  inner: readonly PropertyKey[],
  lines: LineCounter,
  file: string,
): ValueSource {
  for (let length = inner.length; length > 0; length -= 1) {
    const node = document.getIn([...start, ...inner.slice(0, length)], true);
    if (node !== undefined && node !== null) return lineOf(node, lines, file);
  }
  return lineOf(document.getIn([...start], true), lines, file);
}

function lineOf(node: unknown, lines: LineCounter, file: string): ValueSource {
  const offset = (node as YamlNode | null | undefined)?.range?.[0] ?? 0;
  return { kind: 'file', file, line: lines.linePos(offset).line };
}

/** A problem about a name that is no key; `near`: the nearest that is one. */
export function unknownKey(
  key: string,
  source: ValueSource,
  near: string | undefined,
): ConfigProblem {
  const parameters = { key: showValue(key), source: sourceName(source), nearest: near ?? 'none' };
  return { code: 'config.unknown-key', parameters };
}

function missingValue(key: string, source: ValueSource): ConfigProblem {
  return {
    code: 'config.missing-value',
    parameters: { key, source: sourceName(source) },
    expects: { key: 'config.expects.some-value', parameters: {} },
  };
}

/** Siblings first; then a flag's name written where YAML has another; then any path. */
function nearestPath(path: string, parent: readonly string[]): string | undefined {
  const name = path.slice(path.lastIndexOf('.') + 1);
  const plain = (text: string): string => text.replaceAll(/[-_.]/g, '').toLowerCase();
  const byFlag = configKeys.find(({ flag }) => flag !== undefined && plain(flag) === plain(name));
  if (byFlag !== undefined) return byFlag.path;
  const all = [...configKeys.map((key) => key.path), ...configGroups];
  const siblings = all.filter(
    (other) => other.split('.').slice(0, -1).join('.') === parent.join('.'),
  );
  return nearest(path, siblings) ?? nearest(path, all);
}

function whole(value: unknown, source: ValueSource): RawValue {
  return { value, source, sourceOf: () => source };
}

/** A flag's or variable's text as a value of the key's kind; what does not fit stays text. */
function fromText(key: ConfigKey, text: string): unknown {
  switch (key.kind) {
    case 'list':
      return fromYamlList(text);
    case 'number':
      return /^-?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : text;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text;
    case 'text':
    case 'structure':
      return text;
  }
}

/** Lists may be written with commas, in YAML too. */
function fromYamlList(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  return value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
