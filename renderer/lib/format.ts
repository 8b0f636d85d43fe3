// Figures and times in the reader's language. Nothing here knows where they come from.

import type { Locale } from '../../proto/translate.ts';

/**
 * A formatter is a hundred times as dear to make as to use, and a page has few kinds: each is made
 * once, by its name.
 */
function madeOnce<Format>(make: (locale: Locale, kind: string) => Format) {
  const made = new Map<string, Format>();
  return (locale: Locale, kind: string): Format => {
    const name = `${locale} ${kind}`;
    const known = made.get(name);
    if (known !== undefined) return known;
    const format = make(locale, kind);
    made.set(name, format);
    return format;
  };
}

const counts = madeOnce((locale) => new Intl.NumberFormat(locale));
const shares = madeOnce(
  (locale) => new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 1 }),
);
const quantities = madeOnce((locale, unit) => {
  const maximumFractionDigits = unit === 'millisecond' ? 0 : 1;
  return new Intl.NumberFormat(locale, {
    style: 'unit',
    unit,
    unitDisplay: 'short',
    maximumFractionDigits,
  });
});
const clockTimes = madeOnce((locale, kind) => {
  const day = kind === 'today' ? {} : ({ month: 'short', day: 'numeric' } as const);
  return new Intl.DateTimeFormat(locale, {
    ...day,
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hour12: false,
  });
});

/** `1,204` */
export function formatCount(value: number, locale: Locale): string {
  return counts(locale, '').format(value);
}

/** `99.2 %` of 0.992 */
export function formatShare(value: number, locale: Locale): string {
  return shares(locale, '').format(value);
}

/** Time of day, with the date when it is not today's: `14:02:11`. */
export function formatTime(timeMs: number, nowMs: number, locale: Locale): string {
  const sameDay = new Date(timeMs).toDateString() === new Date(nowMs).toDateString();
  return clockTimes(locale, sameDay ? 'today' : 'other').format(timeMs);
}

/** For the hover text: the same instant in UTC, to the millisecond. */
export function formatUtc(timeMs: number): string {
  return new Date(timeMs).toISOString().replace('T', ' ').replace('Z', ' UTC');
}

/** `84 ms`, `1.3 s`: a delay to two figures that matter. */
export function formatDelay(valueMs: number, locale: Locale): string {
  const seconds = valueMs >= 1_000;
  const format = quantities(locale, seconds ? 'second' : 'millisecond');
  return format.format(seconds ? valueMs / 1_000 : valueMs);
}

/** `1.2 MB` */
export function formatBytes(bytes: number, locale: Locale): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const;
  const step = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return quantities(locale, units[step] ?? 'byte').format(bytes / 1_000 ** step);
}
