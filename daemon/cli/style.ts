// Colour, on a terminal alone and never as the only sign: every state has a mark and a word.

import type { CliIo } from './io.ts';

export type Tone = 'good' | 'warning' | 'bad' | 'quiet' | 'strong' | 'plain';

export interface Style {
  readonly colours: boolean;
  paint(text: string, tone: Tone): string;
}

/** SGR parameters (ECMA-48 §8.3.117); the terminal's own palette, so they fit its theme. */
const codes: Readonly<Record<Exclude<Tone, 'plain'>, string>> = {
  good: '32',
  warning: '33',
  bad: '31',
  quiet: '2',
  strong: '1',
};

/** Gives the style of an output: colours on a terminal, unless NO_COLOR (no-color.org) is set. */
export function createStyle(io: Pick<CliIo, 'isTerminal' | 'environment'>): Style {
  const { NO_COLOR: noColour, TERM: terminal } = io.environment;
  const colours = io.isTerminal && (noColour ?? '') === '' && terminal !== 'dumb';
  return {
    colours,
    paint: (text, tone) =>
      colours && tone !== 'plain' && text !== '' ? `\u001B[${codes[tone]}m${text}\u001B[0m` : text,
  };
}

/** A mark and a tone for every word of state; a word that is not known gets the neutral mark. */
const marks: Readonly<Record<string, readonly [string, Tone]>> = {
  'in-sync': ['●', 'good'],
  'catching-up': ['◐', 'warning'],
  degraded: ['▲', 'bad'],
  holding: ['◆', 'warning'],
  paused: ['‖', 'warning'],
  alone: ['○', 'quiet'],
  starting: ['○', 'quiet'],
  unknown: ['?', 'warning'],
  connected: ['●', 'good'],
  connecting: ['◌', 'warning'],
  silent: ['?', 'warning'],
  left: ['○', 'quiet'],
  alive: ['●', 'good'],
  leaving: ['○', 'quiet'],
  failed: ['✗', 'bad'],
  native: ['■', 'plain'],
  pending: ['◐', 'warning'],
  kept: ['?', 'warning'],
  held: ['◆', 'warning'],
  quarantined: ['▽', 'warning'],
  'left-out': ['○', 'quiet'],
  answering: ['●', 'good'],
  ok: ['✓', 'good'],
  warn: ['!', 'warning'],
  fail: ['✗', 'bad'],
  skipped: ['–', 'quiet'],
  info: ['i', 'quiet'],
  warning: ['!', 'warning'],
  error: ['✗', 'bad'],
};

export function markOf(state: string): { readonly mark: string; readonly tone: Tone } {
  const [mark, tone] = marks[state] ?? ['·', 'plain'];
  return { mark, tone };
}
