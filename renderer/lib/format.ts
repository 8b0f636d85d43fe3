// Figures and times in the reader's language. Nothing here knows where they come from.

import type { Locale } from '../../proto/translate.ts';

/** `1,204` */
export function formatCount(value: number, locale: Locale): string {
  return new Intl.NumberFormat(locale).format(value);
}

/** `99.2 %` of 0.992 */
export function formatShare(value: number, locale: Locale): string {
  return new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 1 }).format(
    value,
  );
}

/** Time of day, with the date when it is not today's: `14:02:11`. */
export function formatTime(timeMs: number, nowMs: number, locale: Locale): string {
  const sameDay = new Date(timeMs).toDateString() === new Date(nowMs).toDateString();
  return new Intl.DateTimeFormat(locale, {
    ...(sameDay ? {} : { month: 'short', day: 'numeric' }),
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hour12: false,
  }).format(timeMs);
}

/** For the hover text: the same instant in UTC, to the millisecond. */
export function formatUtc(timeMs: number): string {
  return new Date(timeMs).toISOString().replace('T', ' ').replace('Z', ' UTC');
}

/** `84 ms`, `1.3 s`: a delay to two figures that matter. */
export function formatDelay(valueMs: number, locale: Locale): string {
  const seconds = valueMs >= 1_000;
  return new Intl.NumberFormat(locale, {
    style: 'unit',
    unit: seconds ? 'second' : 'millisecond',
    unitDisplay: 'short',
    maximumFractionDigits: seconds ? 1 : 0,
  }).format(seconds ? valueMs / 1_000 : valueMs);
}

/** `1.2 MB` */
export function formatBytes(bytes: number, locale: Locale): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const;
  const step = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return new Intl.NumberFormat(locale, {
    style: 'unit',
    unit: units[step] ?? 'byte',
    unitDisplay: 'short',
    maximumFractionDigits: 1,
  }).format(bytes / 1_000 ** step);
}
