// The settings file as YAML: its comments stay, only what differs from the defaults stands in it, and
// a file that cannot be read is set aside, never overwritten.

import { copyFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Document, isMap, parseDocument, visit } from 'yaml';
import { settingsSchema, settingsVersion, type Settings } from '../../proto/ipc/settings.ts';
import { migrate } from './migrations.ts';

export interface ReadSettings {
  readonly settings: Settings;
  readonly document: Document;
  /** Where the file was set aside; empty: it was in order. */
  readonly setAside: string;
}

const heading = [
  ' What this person wants of the desktop shell. Only what differs from the defaults stands here;',
  ' the daemon has a configuration of its own.',
].join('\n');

const defaultSettings: Settings = settingsSchema.parse({});

/** Reads a file; one that is not there means the defaults. */
export function readSettings(file: string, nowMs: number): ReadSettings {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    // One that exists and cannot be read is left where it is.
    return { ...fresh(), setAside: missing ? '' : file };
  }
  const parsed = parseSettings(text);
  if (parsed.problems.length === 0) return { ...parsed, setAside: '' };
  const setAside = `${file}.unreadable-${new Date(nowMs).toISOString().replaceAll(':', '-')}`;
  copyFileSync(file, setAside);
  return { ...parsed, setAside };
}

/** What of a text is in order, and what is not. */
export interface ParsedSettings {
  readonly settings: Settings;
  readonly document: Document;
  /** Keys that are unknown or wrong; `''`: the whole text. */
  readonly problems: readonly string[];
}

/** Reads a text. One wrong value costs that value, not the others. */
export function parseSettings(text: string): ParsedSettings {
  // A warning on the console would reach nobody: what is wrong is told by the problems.
  const document = parseDocument(text, { logLevel: 'error' });
  if (document.errors.length > 0) return { ...fresh(), problems: [''] };
  // A file of comments alone.
  if (document.contents === null) document.set('version', settingsVersion);
  if (!isMap(document.contents)) return { ...fresh(), problems: [''] };
  const version = document.get('version') ?? 0;
  if (typeof version !== 'number' || !Number.isInteger(version) || version < 0) {
    return { ...fresh(), problems: ['version'] };
  }
  // Of a newer program: what we know of it is taken, and the file kept aside.
  const problems: string[] = version > settingsVersion ? ['version'] : [];
  migrate(document, version);
  const plain = plainOf(document);
  if (plain === undefined) return { ...fresh(), problems: [''] };
  const kept: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(plain)) {
    if (key === 'version') continue;
    const alone = settingsSchema.safeParse({ [key]: value });
    if (alone.success) kept[key] = value;
    else problems.push(key);
  }
  const settings = settingsSchema.parse(kept);
  // Keys that are no words, and values that others point at, do not bear an edit: what was
  // understood goes into a new document (the old one is kept aside where something was wrong).
  if (problems.length === 0 && !hasAlias(document)) return { settings, document, problems };
  const clean = fresh().document;
  putDifferences(clean, [], settings, defaultSettings);
  return { settings, document: clean, problems };
}

/** Undefined: an alias leads nowhere, or to more than any honest file holds. */
function plainOf(document: Document): Record<string, unknown> | undefined {
  try {
    return document.toJS({ maxAliasCount: 100 }) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function hasAlias(document: Document): boolean {
  let found = false;
  visit(document, {
    Alias() {
      found = true;
      return visit.BREAK;
    },
  });
  return found;
}

/** Writes settings into the document and the document to the file, whole or not at all. */
export function writeSettings(file: string, document: Document, settings: Settings): void {
  document.set('version', settingsVersion);
  putDifferences(document, [], settings, defaultSettings);
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(`${file}.new`, document.toString(), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

type Tree = Readonly<Record<string, unknown>>;

function putDifferences(
  document: Document,
  at: readonly string[],
  values: Tree,
  defaults: Tree,
): void {
  for (const [key, value] of Object.entries(values)) {
    const place = [...at, key];
    const preset = defaults[key];
    if (isDeepStrictEqual(value, preset)) document.deleteIn(place);
    else if (isTree(value) && isTree(preset)) putDifferences(document, place, value, preset);
    // A value that stands there already keeps its comment.
    else if (document.getIn(place) !== value) document.setIn(place, value);
  }
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fresh(): { readonly settings: Settings; readonly document: Document } {
  const document = new Document({});
  document.commentBefore = heading;
  return { settings: defaultSettings, document };
}
