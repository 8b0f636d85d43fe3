import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arrow, boxFor, frame, layOut, roomyBox } from './layout.ts';

const names = (count: number): string[] => Array.from({ length: count }, (_, n) => `cluster-${n}`);

describe('the layout of the topology', () => {
  it('is the same for the same clusters in any order', () => {
    const all = names(9);
    expect(layOut([...all].reverse(), 'cluster-3', new Map())).toEqual(
      layOut(all, 'cluster-3', new Map()),
    );
  });

  it('never lays one box over another, from 2 to 50 clusters', () => {
    for (const count of [2, 3, 8, 20, 50]) {
      const places = [...layOut(names(count), 'cluster-0', new Map()).values()];
      const { width, height } = boxFor(count);
      for (const [index, one] of places.entries()) {
        for (const other of places.slice(index + 1)) {
          const apart = Math.abs(one.x - other.x) >= width || Math.abs(one.y - other.y) >= height;
          expect(apart, `${count} clusters`).toBe(true);
        }
      }
    }
  });

  it('leaves a dragged cluster where it was put', () => {
    const place = { x: 400, y: -30 };
    expect(layOut(names(5), 'cluster-0', new Map([['cluster-4', place]])).get('cluster-4')).toEqual(
      place,
    );
  });

  it('frames every box, and draws the two directions of a pair apart', () => {
    const { width, height } = roomyBox;
    const coordinate = fc.integer({ min: -2000, max: 2000 });
    fc.assert(
      fc.property(coordinate, coordinate, coordinate, coordinate, (ax, ay, bx, by) => {
        fc.pre(Math.abs(ax - bx) > width || Math.abs(ay - by) > height);
        const a = { x: ax, y: ay };
        const b = { x: bx, y: by };
        const box = frame([a, b], roomyBox);
        expect(box.x).toBeLessThan(Math.min(ax, bx) - width / 2);
        expect(box.y + box.height).toBeGreaterThan(Math.max(ay, by) + height / 2);
        const there = arrow(a, b, roomyBox).middle;
        const back = arrow(b, a, roomyBox).middle;
        expect(Math.hypot(there.x - back.x, there.y - back.y)).toBeGreaterThan(10);
      }),
    );
  });
});
