// Where the clusters stand: forces once, from a fixed start, then still. Pure, and the same for the
// same set of names, so that a reload does not shuffle the picture.

import { forceCollide, forceLink, forceManyBody, forceSimulation, forceX, forceY } from 'd3-force';

export interface Place {
  readonly x: number;
  readonly y: number;
}

/** Space that one cluster's box takes, pixels. */
export interface Box {
  readonly width: number;
  readonly height: number;
}

/** A few clusters show all that is known of them; many show their name and their replicas. */
export const roomyBox: Box = { width: 148, height: 64 };
const denseBox: Box = { width: 124, height: 30 };
/** More clusters than this are drawn dense, without a label on every arrow. */
export const roomyMost = 10;

export function boxFor(clusters: number): Box {
  return clusters > roomyMost ? denseBox : roomyBox;
}

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
  if (sorted.length <= 2) return pair(sorted, own, pinned);
  const dense = sorted.length > roomyMost;
  const box = boxFor(sorted.length);
  // Boxes are wide and collisions are round: the forces work in a space in which a box with its
  // margin is a square, so that boxes pack as tightly below each other as beside each other.
  const square = box.width + (dense ? 22 : 84);
  const flatness = square / (box.height + (dense ? 20 : 56));
  const radius = (square * Math.sqrt(sorted.length)) / 2;
  const others = sorted.filter((name) => name !== own);
  const nodes = sorted.map((name) => {
    // Two others stand at both sides of ours; more go round it.
    const angle = Math.PI + (2 * Math.PI * others.indexOf(name)) / others.length;
    const dragged = pinned.get(name);
    const at =
      dragged === undefined
        ? name === own
          ? { x: 0, y: 0 }
          : undefined
        : { x: dragged.x, y: dragged.y * flatness };
    return {
      name,
      x: at?.x ?? radius * Math.cos(angle),
      y: at?.y ?? radius * Math.sin(angle),
      ...(at === undefined ? {} : { fx: at.x, fy: at.y }),
    };
  });
  const links = nodes
    .filter(({ name }) => name !== own)
    .map(({ name }) => ({ source: own, target: name }));
  const simulation = forceSimulation(nodes)
    .force('charge', forceManyBody().strength(dense ? -60 : -300))
    .force('collide', forceCollide(square * (dense ? 0.58 : 0.6)).iterations(4))
    .force('x', forceX(0).strength(dense ? 0.09 : 0.05))
    .force('y', forceY(0).strength(dense ? 0.05 : 0.09))
    .stop();
  if (nodes.some(({ name }) => name === own)) {
    simulation.force(
      'link',
      forceLink<(typeof nodes)[number], { source: string; target: string }>(links)
        .id(({ name }) => name)
        .distance(square * (dense ? 1.2 : 1.35))
        .strength(dense ? 0.02 : 0.2),
    );
  }
  simulation.tick(rounds);
  return new Map(nodes.map(({ name, x, y }) => [name, { x, y: y / flatness }]));
}

/** One or two clusters read best side by side, ours at the left. */
function pair(
  names: readonly string[],
  own: string,
  pinned: ReadonlyMap<string, Place>,
): ReadonlyMap<string, Place> {
  if (names.length === 1)
    return new Map(names.map((name) => [name, pinned.get(name) ?? { x: 0, y: 0 }]));
  const ordered = [...names].sort((a, b) => Number(b === own) - Number(a === own));
  return new Map(
    ordered.map((name, index) => [name, pinned.get(name) ?? { x: index === 0 ? -170 : 170, y: 0 }]),
  );
}

/** The least that is shown: a few boxes are not blown up to fill the window. */
const leastFrame = { width: 420, height: 210 };

/** Gives the rectangle that holds all boxes, with a margin. */
export function frame(
  places: Iterable<Place>,
  box: Box,
): {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
} {
  const all = [...places];
  const [x, width] = span(
    all.map((place) => place.x),
    box.width,
    leastFrame.width,
  );
  const [y, height] = span(
    all.map((place) => place.y),
    box.height,
    leastFrame.height,
  );
  return { x, y, width, height };
}

/** Where it begins and how long it is: all boxes with a margin, around their middle. */
function span(middles: readonly number[], size: number, least: number): readonly [number, number] {
  const margin = 20;
  const first = middles.length === 0 ? 0 : Math.min(...middles);
  const last = middles.length === 0 ? 0 : Math.max(...middles);
  const length = Math.max(least, last - first + size + 2 * margin);
  return [(first + last - length) / 2, length];
}

/** One arrow: from the border of one box to the border of the other, beside the line of its twin. */
export interface Arrow {
  readonly from: Place;
  readonly to: Place;
  readonly middle: Place;
}

/** Half the distance between the two directions of a pair, pixels. */
const asideBy = 9;

export function arrow(from: Place, to: Place, box: Box): Arrow {
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  const length = Math.hypot(dx, dy) || 1;
  const side = { x: (-dy / length) * asideBy, y: (dx / length) * asideBy };
  const start = border(from, to, box);
  const end = border(to, from, box);
  const moved = ({ x, y }: Place): Place => ({ x: x + side.x, y: y + side.y });
  const a = moved(start);
  const b = moved(end);
  return { from: a, to: b, middle: { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 } };
}

/** Where the line from the middle of a box towards `other` leaves the box. */
function border(from: Place, other: Place, box: Box): Place {
  const dx = other.x - from.x;
  const dy = other.y - from.y;
  const scale = Math.min(
    dx === 0 ? Number.POSITIVE_INFINITY : (box.width / 2 + 4) / Math.abs(dx),
    dy === 0 ? Number.POSITIVE_INFINITY : (box.height / 2 + 4) / Math.abs(dy),
    0.5,
  );
  return { x: from.x + dx * scale, y: from.y + dy * scale };
}
