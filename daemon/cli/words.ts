// Counts, times and words of state in the language of the reader.

import { formatDuration } from '../../proto/health.ts';
import type { Locale, MessageKey, Translate } from '../../proto/translate.ts';

export interface Words {
  readonly say: Translate;
  readonly locale: Locale;
  count(value: number): string;
  /** A duration, or "unknown" where it was not measured. */
  readonly duration: (ms: number | undefined) => string;
  /** How long ago, or "never". */
  ago(timeMs: number | undefined, nowMs: number): string;
  /** How long from now; `–` where there is no such time. */
  left(timeMs: number | undefined, nowMs: number): string;
  /** Local date and time to the second. */
  time(timeMs: number): string;
  /** Local time of day. */
  clock(timeMs: number): string;
  percent(share: number | undefined): string;
  /** A word of state; one that this version does not know is shown as it is. */
  state(word: string): string;
}

export function createWords(say: Translate, locale: Locale): Words {
  const numbers = new Intl.NumberFormat(locale);
  const clock = new Intl.DateTimeFormat(locale, { timeStyle: 'medium', hourCycle: 'h23' });
  const dates = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'medium' });
  return {
    say,
    locale,
    count: (value) => numbers.format(value),
    duration: (ms) => (ms === undefined ? say('cli.say.unknown') : formatDuration(ms, say)),
    ago: (timeMs, nowMs) =>
      timeMs === undefined
        ? say('cli.say.never')
        : say('cli.say.ago', { duration: formatDuration(whole(nowMs - timeMs), say) }),
    left: (timeMs, nowMs) =>
      timeMs === undefined ? '–' : formatDuration(whole(timeMs - nowMs), say),
    time: (timeMs) => dates.format(timeMs),
    clock: (timeMs) => clock.format(timeMs),
    percent: (share) =>
      // Rounded down, so that 99.96 % is never shown as all.
      share === undefined
        ? say('cli.say.unknown')
        : `${numbers.format(Math.floor(share * 1_000) / 10)} %`,
    state: (word) => {
      const said = say(`cli.state.${word}` as MessageKey);
      return said.startsWith('%') ? word : said;
    },
  };
}

/** Ages and countdowns in whole seconds. */
function whole(ms: number): number {
  return ms < 1_000 ? Math.max(0, ms) : Math.floor(ms / 1_000) * 1_000;
}
