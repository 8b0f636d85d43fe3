// From the daemon's words to what is drawn: pure, so that the picture and its table twin agree.

import type { Link, TopologyCluster } from '../../proto/gen/syncer/control/v1/control.ts';
import type { Tone } from '../components/tone.ts';

/** How a link is drawn. */
export type LinkLook = 'measured' | 'unknown' | 'paused' | 'broken' | 'gone';

/** Gives the look of a link: measured only when a figure says so. */
export function lookOf(link: Link): LinkLook {
  switch (link.state) {
    case 'paused':
      return 'paused';
    case 'silent':
      return 'broken';
    case 'left':
      return 'gone';
    case 'connected':
      return 'measured';
    default:
      return 'unknown';
  }
}

export function toneOfLook(look: LinkLook): Tone {
  switch (look) {
    case 'measured':
      return 'good';
    case 'paused':
      return 'paused';
    case 'broken':
      return 'bad';
    case 'gone':
      return 'off';
    case 'unknown':
      return 'unknown';
  }
}

/** Width of an arrow, pixels: more for each tenfold of instances. */
export function widthOf(link: Link): number {
  return 1.25 + 0.6 * Math.min(4, Math.log10(1 + (link.instances ?? 0)));
}

/** Gives the clusters in the order of the table twin: ours first, then by name. */
export function inOrder(clusters: readonly TopologyCluster[]): readonly TopologyCluster[] {
  return [...clusters].sort(
    (a, b) => Number(b.self) - Number(a.self) || (a.name < b.name ? -1 : 1),
  );
}
