// The daemon's keys as a form: in which section each stands, and what its value looks like.

import type { ConfigEntry } from '../../proto/gen/syncer/control/v1/control.ts';

export const sections = [
  'registry',
  'pool',
  'cluster',
  'rules',
  'security',
  'desktop',
  'advanced',
] as const;
export type Section = (typeof sections)[number];

/** The first prefix that fits decides; what fits none is advanced. */
const places: readonly (readonly [string, Section])[] = [
  ['registry.', 'registry'],
  ['gossip.keys', 'security'],
  ['tls.', 'security'],
  ['gossip.', 'pool'],
  ['rpc.', 'pool'],
  ['peers.', 'pool'],
  ['clusterName', 'pool'],
  ['mode', 'cluster'],
  ['node', 'cluster'],
  ['cluster.', 'cluster'],
  ['rules.', 'rules'],
  ['guard.', 'rules'],
];

export function sectionOf(key: string): Section {
  return places.find(([prefix]) => key.startsWith(prefix))?.[1] ?? 'advanced';
}

/** The words of keys that take one of a few. */
const choices: Readonly<Record<string, readonly string[]>> = {
  mode: ['single', 'cluster'],
  'gossip.profile': ['lan', 'wan', 'local'],
  'log.level': ['debug', 'info', 'warn', 'error'],
  'log.format': ['auto', 'pretty', 'json'],
};
const structures = new Set(['rules.export', 'rules.import', 'peers.static', 'registry.options']);
const hidden = '"(hidden)"';

export type Kind =
  | { readonly kind: 'boolean' | 'number' | 'list' | 'structure' | 'text' | 'secret' | 'secrets' }
  | { readonly kind: 'choice'; readonly words: readonly string[] };

export function kindOf({ key, valueJson }: Pick<ConfigEntry, 'key' | 'valueJson'>): Kind {
  const words = choices[key];
  if (words !== undefined) return { kind: 'choice', words };
  if (structures.has(key)) return { kind: 'structure' };
  if (key === 'gossip.keys') return { kind: 'secrets' };
  if (valueJson === hidden || /\.(password|token)$/.test(key)) return { kind: 'secret' };
  const value = JSON.parse(valueJson) as unknown;
  if (typeof value === 'boolean') return { kind: 'boolean' };
  if (typeof value === 'number') return { kind: 'number' };
  return { kind: Array.isArray(value) ? 'list' : 'text' };
}

/** The value as it stands in its field. */
export function toText(kind: Kind, valueJson: string): string {
  if (valueJson === hidden) return '';
  const value = JSON.parse(valueJson) as unknown;
  if (value === null) return '';
  if (kind.kind === 'structure') return JSON.stringify(value, undefined, 2);
  if (Array.isArray(value)) return value.map(String).join('\n');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** What the field's text means: JSON, `undefined` for “back to the default”, or nothing sensible. */
export type Meaning = { readonly valueJson: string | undefined } | { readonly unreadable: true };

export function fromText(kind: Kind, text: string): Meaning {
  const trimmed = text.trim();
  switch (kind.kind) {
    case 'boolean':
    case 'number':
      if (trimmed === '') return { valueJson: undefined };
      return isJson(trimmed) ? { valueJson: trimmed } : { unreadable: true };
    case 'structure':
      if (trimmed === '') return { valueJson: undefined };
      return isJson(trimmed)
        ? { valueJson: JSON.stringify(JSON.parse(trimmed)) }
        : { unreadable: true };
    case 'list':
    case 'secrets': {
      const items = trimmed
        .split(/[\n,]+/)
        .map((item) => item.trim())
        .filter((item) => item !== '');
      return { valueJson: JSON.stringify(items) };
    }
    case 'choice':
    case 'secret':
    case 'text':
      return { valueJson: trimmed === '' ? undefined : JSON.stringify(trimmed) };
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
