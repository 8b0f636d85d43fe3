import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SendWindow } from './send-window.ts';

it('lets nothing go until the importer has said how much it takes', () => {
  const window = new SendWindow();
  expect(window.isOpen).toBe(false);
  window.open(100);
  expect(window.isOpen).toBe(true);
});

it('closes when what is on its way fills it, and opens as that arrives', () => {
  const window = new SendWindow();
  window.open(100);
  expect([window.sent(60, undefined), window.sent(60, 7)]).toEqual([1, 2]);
  expect(window.isOpen).toBe(false);
  expect(window.acknowledged(1)).toBeUndefined();
  expect(window.isOpen).toBe(true);
  expect(window.acknowledged(2)).toBe(7);
  expect(window.bytes).toBe(0);
});

it('counts what was sent and not acknowledged, in whatever steps that happens', () => {
  const step = fc.oneof(
    fc.record({ type: fc.constant('send' as const), bytes: fc.nat(1_000), revision: fc.nat() }),
    fc.record({ type: fc.constant('acknowledge' as const), back: fc.nat(5) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const window = new SendWindow();
      window.open(1);
      const sizes: number[] = [];
      const revisions: number[] = [];
      let arrived = 0;
      for (const each of steps) {
        if (each.type === 'send') {
          expect(window.sent(each.bytes, each.revision)).toBe(sizes.push(each.bytes));
          revisions.push(each.revision);
        } else {
          const upTo = Math.max(0, window.sequence - each.back);
          const revision = window.acknowledged(upTo);
          expect(revision).toBe(upTo > arrived ? revisions[upTo - 1] : undefined);
          arrived = Math.max(arrived, upTo);
        }
        const waiting = sizes.slice(arrived).reduce((sum, bytes) => sum + bytes, 0);
        expect(window.bytes).toBe(waiting);
        expect(window.isOpen).toBe(waiting < 1);
      }
    }),
  );
});
