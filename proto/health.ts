// Health as every reader shows it: the codes there are, texts by key with what fills them, and the
// sentence put together in the reader's language. The daemon assesses (daemon/health); the command
// line, the tray and the pages render.

import type { Argument, Text } from './gen/syncer/control/v1/control.ts';
import type { MessageKey, MessageParameters, Translate } from './translate.ts';

export type Severity = 'info' | 'warning' | 'error';

/** Every condition there is, with its severity. Codes are stable: scripts and the UI rely on them. */
export const healthTable = {
  'registry-starting': 'info',
  'registry-unreachable': 'error',
  'registry-refused-rights': 'error',
  'registry-server-error': 'error',
  'registry-bad-answer': 'error',
  'registry-waiting-for-owners': 'warning',
  'registry-suspicious-loss': 'error',
  'registry-differing-nodes': 'error',
  'registry-driver-fault': 'error',

  'peer-silent': 'warning',
  'peer-connecting': 'warning',
  'peer-stale': 'warning',
  'peer-left': 'info',
  'peer-origin-unknown': 'warning',
  'peer-paused': 'info',
  'peer-foreign-version': 'warning',
  'clock-skew': 'warning',

  'join-unreachable': 'error',
  'join-timeout': 'error',
  'join-rpc-port': 'error',
  'join-http-port': 'error',
  'join-key': 'error',
  'join-refused-merge': 'error',
  'join-bad-answer': 'error',
  'no-peers': 'info',
  'replica-failed': 'warning',
  'no-leader': 'error',
  'etcd-away': 'error',
  'waits-for-single': 'info',
  'name-taken': 'error',
  'name-shared': 'error',
  'pool-name-conflict': 'error',
  'pool-key-mismatch': 'warning',
  'pool-refused-merge': 'warning',
  'pool-garbage': 'info',
  'pool-flood': 'warning',
  'pool-engine-crash': 'error',

  'held-removals': 'warning',
  'paused-all': 'info',
  'queue-backlog': 'warning',
  'leases-late': 'error',
  'service-conflicts': 'info',
  'store-trouble': 'error',
} as const satisfies Record<string, Severity>;

export type HealthCode = keyof typeof healthTable;

/** What the whole is, in one word; each has a shape and a word of its own wherever it is shown. */
export type Overall =
  | 'starting'
  | 'in-sync'
  | 'catching-up'
  | 'degraded'
  | 'holding'
  | 'paused'
  | 'alone'
  /** Nothing may be concluded: the registry does not answer, or not completely. */
  | 'unknown';

/** A value of a text: plain, a length of time, or an instant that is shown as time since or until. */
export type TextValue =
  | string
  | number
  | { readonly durationMs: number }
  | { readonly elapsedSinceMs: number }
  | { readonly remainingUntilMs: number };

/** Gives a text by its key, filled with `values`, to be rendered where it is read. */
export function textOf(key: MessageKey, values: Readonly<Record<string, TextValue>> = {}): Text {
  return { key, arguments: textArguments(values) };
}

/** Gives `values` as they travel. */
export function textArguments(values: Readonly<Record<string, TextValue>>): Argument[] {
  return Object.entries(values).map(([name, value]) => ({ name, value: caseOf(value) }));
}

/** Gives the text in the translator's language; instants are counted from `nowMs`. */
export function renderText(text: Text, translate: Translate, nowMs: number): string {
  return translate(text.key as MessageKey, parametersOf(text.arguments, translate, nowMs));
}

/** Gives the clauses as one sentence. */
export function renderSentence(
  clauses: readonly Text[],
  translate: Translate,
  nowMs: number,
): string {
  const rendered = clauses.map((clause) => renderText(clause, translate, nowMs));
  const joined = rendered.join(translate('health.sentence.separator'));
  return translate('health.sentence.whole', { clauses: joined });
}

/** Gives the parameters that `arguments` stand for. */
export function parametersOf(
  list: readonly Argument[],
  translate: Translate,
  nowMs: number,
): MessageParameters {
  return Object.fromEntries(
    list.map(({ name, value }) => [name, plainValue(value, translate, nowMs)]),
  );
}

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** Gives a length of time in its two largest units (`84 ms`, `41 s`, `9 min 19 s`, `3 d 4 h`). */
export function formatDuration(durationMs: number, translate: Translate): string {
  const ms = Math.max(0, durationMs);
  if (ms < secondMs) return translate('health.duration.milliseconds', { ms: Math.round(ms) });
  if (ms < minuteMs) return translate('health.duration.seconds', { s: Math.floor(ms / secondMs) });
  if (ms < hourMs) {
    const min = Math.floor(ms / minuteMs);
    return translate('health.duration.minutes', {
      min,
      s: Math.floor((ms % minuteMs) / secondMs),
    });
  }
  if (ms < dayMs) {
    const h = Math.floor(ms / hourMs);
    return translate('health.duration.hours', { h, min: Math.floor((ms % hourMs) / minuteMs) });
  }
  const d = Math.floor(ms / dayMs);
  return translate('health.duration.days', { d, h: Math.floor((ms % dayMs) / hourMs) });
}

type ArgumentValue = Argument['value'];

function caseOf(value: TextValue): ArgumentValue {
  if (typeof value === 'string') return { $case: 'text', text: value };
  if (typeof value === 'number') return { $case: 'number', number: value };
  if ('durationMs' in value) return { $case: 'durationMs', durationMs: value.durationMs };
  if ('elapsedSinceMs' in value) {
    return { $case: 'elapsedSinceMs', elapsedSinceMs: value.elapsedSinceMs };
  }
  return { $case: 'remainingUntilMs', remainingUntilMs: value.remainingUntilMs };
}

function plainValue(value: ArgumentValue, translate: Translate, nowMs: number): string | number {
  if (value === undefined) return '';
  switch (value.$case) {
    case 'text':
      return value.text;
    case 'number':
      return value.number;
    case 'durationMs':
      return formatDuration(value.durationMs, translate);
    case 'elapsedSinceMs':
      return instantDistance(nowMs - value.elapsedSinceMs, translate);
    case 'remainingUntilMs':
      return instantDistance(value.remainingUntilMs - nowMs, translate);
  }
}

/** Instants are shown in whole seconds: `0 s` and `1 s`, never `412 ms`. */
function instantDistance(ms: number, translate: Translate): string {
  const seconds = Math.max(0, Math.floor(ms / secondMs));
  if (seconds === 0) return translate('health.duration.seconds', { s: 0 });
  return formatDuration(seconds * secondMs, translate);
}
