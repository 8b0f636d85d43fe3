// The words of the daemon (states, actions, codes) in the reader's language, and the tone that each
// is shown in. A word that this version does not know is shown as it is.

import type { Text } from '../../proto/gen/syncer/control/v1/control.ts';
import { renderText } from '../../proto/health.ts';
import type { MessageKey } from '../../proto/translate.ts';
import type { Tone } from '../components/tone.ts';
import { language } from './language.svelte.ts';

const tones: Readonly<Record<string, Tone>> = {
  // The whole.
  starting: 'busy',
  'in-sync': 'good',
  'catching-up': 'busy',
  degraded: 'warn',
  holding: 'warn',
  paused: 'paused',
  alone: 'off',
  // Instances.
  native: 'good',
  pending: 'busy',
  kept: 'warn',
  held: 'warn',
  quarantined: 'warn',
  'left-out': 'off',
  // Links and members.
  connected: 'good',
  connecting: 'busy',
  silent: 'bad',
  left: 'off',
  alive: 'good',
  leaving: 'busy',
  failed: 'bad',
  answering: 'good',
  // Self-checks and conditions.
  ok: 'good',
  warn: 'warn',
  fail: 'bad',
  skipped: 'off',
  info: 'unknown',
  warning: 'warn',
  error: 'bad',
  // Held removals.
  waiting: 'warn',
  keep: 'off',
  // The daemon's process.
  running: 'good',
  attached: 'good',
  stopped: 'off',
  stopping: 'busy',
};

export function toneOf(word: string): Tone {
  return tones[word] ?? 'unknown';
}

/** The word of a state, in the reader's language. */
export function stateWord(word: string): string {
  return known(`ui.state.${word}` as MessageKey) ?? word;
}

/** What was done, of the audit log or a plan. */
export function actionWord(action: string): string {
  return known(`ui.action.${action}` as MessageKey) ?? action;
}

/** The step of an explanation. */
export function stepWord(code: string): string {
  return known(`ui.step.${code}` as MessageKey) ?? known(`ui.state.${code}` as MessageKey) ?? code;
}

/** Why something is as it is; nothing for no reason. Reasons name no instants that go by. */
export function reasonText(reason: Text | undefined): string {
  return reason === undefined ? '' : renderText(reason, language.t, 0);
}

/** The title of a self-check. */
export function checkWord(id: string): string {
  return known(`doctor.title.${id}` as MessageKey) ?? id;
}

function known(key: MessageKey): string | undefined {
  const said = language.t(key);
  return said === `%${key}%` ? undefined : said;
}
