// What is said of one direction: on its arrow, on hover and focus, and in the table twin.

import type { Link } from '../../proto/gen/syncer/control/v1/control.ts';
import { formatDuration } from '../../proto/health.ts';
import { formatCount, formatDelay } from '../lib/format.ts';
import { language } from '../lib/language.svelte.ts';
import { stateWord } from '../lib/words.ts';
import { lookOf } from './view.ts';

/** The median where it was measured, else the state with its age; empty: nothing to be said here. */
export function linkLabel(link: Link, nowMs: number): string {
  const { t, locale } = language;
  if (lookOf(link) === 'measured') {
    return link.lag?.p50Ms === undefined ? '' : formatDelay(link.lag.p50Ms, locale);
  }
  return t('ui.topology.state-for', {
    state: stateWord(link.state),
    duration: secondsOf(nowMs - link.sinceMs),
  });
}

/** Everything that is known of it, in sentences. */
export function linkSentence(link: Link, nowMs: number): string {
  const { t, locale } = language;
  const parts = [
    t('ui.topology.link', {
      from: link.from,
      to: link.to,
      state: stateWord(link.state),
      duration: secondsOf(nowMs - link.sinceMs),
    }),
  ];
  if (link.reason !== '') parts.push(t('ui.topology.reason', { reason: link.reason }));
  if (link.instances !== undefined) {
    parts.push(t('ui.topology.carries', { count: link.instances }));
  }
  if (link.lag === undefined) parts.push(t('ui.topology.measured-there', { cluster: link.to }));
  else if (link.lag.p50Ms === undefined) parts.push(t('ui.topology.no-sample'));
  else {
    parts.push(
      t('ui.topology.delay', {
        p50: formatDelay(link.lag.p50Ms, locale),
        p99:
          link.lag.p99Ms === undefined ? stateWord('unknown') : formatDelay(link.lag.p99Ms, locale),
        samples: formatCount(link.lag.samples, locale),
        window: formatDuration(link.lag.windowSeconds * 1_000, t),
      }),
    );
  }
  return parts.join(' ');
}

function secondsOf(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  return seconds === 0
    ? language.t('health.duration.seconds', { s: 0 })
    : formatDuration(seconds * 1_000, language.t);
}
