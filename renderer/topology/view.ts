// From the daemon's words to what is drawn: pure, so that the picture and its table twin agree.

import type { Link, TopologyCluster } from '../../proto/gen/syncer/control/v1/control.ts';
import type { Tone } from '../components/StateBadge.svelte';

/** How a link is drawn. */
export type LinkLook = 'measured' | 'unknown' | 'paused' | 'broken';

/** Gives the look of a link: measured only when a figure says so. */
export function lookOf(link: Link): LinkLook {
  if (link.state === 'paused') return 'paused';
  if (link.state === 'silent' || link.state === 'left') return 'broken';
  return link.state === 'connected' ? 'measured' : 'unknown';
}

export function toneOfLink(link: Link): Tone {
  switch (lookOf(link)) {
    case 'measured':
      return 'good';
    case 'paused':
      return 'off';
    case 'broken':
      return 'bad';
    case 'unknown':
      return 'unknown';
  }
}

/** Width of an arrow, pixels: one more for each tenfold of instances. */
export function widthOf(link: Link): number {
  return 1.25 + 0.75 * Math.min(4, Math.log10(1 + (link.instances ?? 0)));
}

export function toneOfReplica(status: string): Tone {
  if (status === 'alive') return 'good';
  return status === 'failed' ? 'bad' : 'unknown';
}

/** Gives the clusters in the order of the table twin: ours first, then by name. */
export function inOrder(clusters: readonly TopologyCluster[]): readonly TopologyCluster[] {
  return [...clusters].sort(
    (a, b) => Number(b.self) - Number(a.self) || (a.name < b.name ? -1 : 1),
  );
}
