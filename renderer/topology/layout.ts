// Where the clusters stand: forces once, from a fixed start, then still. Pure, and the same for the
// same set of names, so that a reload does not shuffle the picture.

import { forceCollide, forceLink, forceManyBody, forceSimulation, forceX, forceY } from 'd3-force';

export interface Place {
  readonly x: number;
  readonly y: number;
}

/** Space that one cluster's box takes, pixels. */
export const boxWidth = 148;
export const boxHeight = 64;

const rounds = 300;

/**
 * Gives a place for every cluster, around the origin. `own` is kept at the middle; `pinned` are
 * those that a person has dragged.
 */
export function layOut(
  names: readonly string[],
  own: string,
  pinned: ReadonlyMap<string, Place>,
): ReadonlyMap<string, Place> {
  const sorted = [...names].sort();
  if (sorted.length === 2) return pair(sorted, own, pinned);
  const radius = Math.max(170, (sorted.length * boxWidth) / 4);
  const nodes = sorted.map((name, index) => {
    const angle = (2 * Math.PI * index) / sorted.length;
    const at = pinned.get(name) ?? (name === own ? { x: 0, y: 0 } : undefined);
    return {
      name,
      x: at?.x ?? radius * Math.cos(angle),
      y: at?.y ?? radius * Math.sin(angle) * 0.7,
      ...(at === undefined ? {} : { fx: at.x, fy: at.y }),
    };
  });
  const links = nodes
    .filter(({ name }) => name !== own)
    .map(({ name }) => ({ source: own, target: name }));
  const simulation = forceSimulation(nodes)
    .force('charge', forceManyBody().strength(-900))
    .force('collide', forceCollide(boxWidth * 0.62))
    .force('x', forceX(0).strength(0.04))
    .force('y', forceY(0).strength(0.08))
    .stop();
  if (nodes.some(({ name }) => name === own)) {
    simulation.force(
      'link',
      forceLink<(typeof nodes)[number], { source: string; target: string }>(links)
        .id(({ name }) => name)
        .distance(Math.max(210, Math.sqrt(sorted.length) * 90))
        .strength(0.25),
    );
  }
  simulation.tick(rounds);
  return new Map(nodes.map(({ name, x, y }) => [name, { x, y }]));
}

/** Two clusters read best side by side, ours at the left. */
function pair(
  names: readonly string[],
  own: string,
  pinned: ReadonlyMap<string, Place>,
): ReadonlyMap<string, Place> {
  const ordered = [...names].sort((a, b) => Number(b === own) - Number(a === own));
  return new Map(
    ordered.map((name, index) => [name, pinned.get(name) ?? { x: index === 0 ? -170 : 170, y: 0 }]),
  );
}

/** Gives the rectangle that holds all boxes, with a margin. */
export function frame(places: Iterable<Place>): {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
} {
  const all = [...places];
  if (all.length === 0) return { x: -200, y: -100, width: 400, height: 200 };
  const margin = 36;
  const left = Math.min(...all.map(({ x }) => x)) - boxWidth / 2 - margin;
  const right = Math.max(...all.map(({ x }) => x)) + boxWidth / 2 + margin;
  const top = Math.min(...all.map(({ y }) => y)) - boxHeight / 2 - margin;
  const bottom = Math.max(...all.map(({ y }) => y)) + boxHeight / 2 + margin;
  return { x: left, y: top, width: right - left, height: bottom - top };
}

/** One arrow: from the border of one box to the border of the other, beside the line of its twin. */
export interface Arrow {
  readonly from: Place;
  readonly to: Place;
  readonly middle: Place;
}

/** Half the distance between the two directions of a pair, pixels. */
const asideBy = 9;

export function arrow(from: Place, to: Place): Arrow {
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  const length = Math.hypot(dx, dy) || 1;
  const side = { x: (-dy / length) * asideBy, y: (dx / length) * asideBy };
  const start = border(from, to);
  const end = border(to, from);
  const moved = ({ x, y }: Place): Place => ({ x: x + side.x, y: y + side.y });
  const a = moved(start);
  const b = moved(end);
  return { from: a, to: b, middle: { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 } };
}

/** Where the line from the middle of a box towards `other` leaves the box. */
function border(box: Place, other: Place): Place {
  const dx = other.x - box.x;
  const dy = other.y - box.y;
  const scale = Math.min(
    dx === 0 ? Number.POSITIVE_INFINITY : (boxWidth / 2 + 4) / Math.abs(dx),
    dy === 0 ? Number.POSITIVE_INFINITY : (boxHeight / 2 + 4) / Math.abs(dy),
    0.5,
  );
  return { x: box.x + dx * scale, y: box.y + dy * scale };
}
