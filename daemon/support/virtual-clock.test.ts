import { describe, expect, it } from 'vitest';
import { sleep } from './clock.ts';
import { VirtualClock } from './virtual-clock.ts';

describe('VirtualClock', () => {
  it('fires timers by due time, those of one instant in the order set', () => {
    const clock = new VirtualClock();
    const fired: string[] = [];
    const mark = (name: string) => () => fired.push(`${name}@${clock.monotonicMs()}`);
    clock.after(30, mark('c'));
    clock.after(10, mark('a'));
    clock.after(30, mark('d'));
    clock.after(20, mark('b')).cancel();
    clock.advance(29);
    expect(fired).toEqual(['a@10']);
    expect(clock.monotonicMs()).toBe(29);
    clock.advance(1);
    expect(fired).toEqual(['a@10', 'c@30', 'd@30']);
    expect(clock.pending).toBe(0);
  });

  it('fires what a timer sets within the same advance', () => {
    const clock = new VirtualClock();
    const times: number[] = [];
    const tick = (): void => {
      times.push(clock.monotonicMs());
      clock.after(5, tick);
    };
    clock.after(5, tick);
    clock.advance(20);
    expect(times).toEqual([5, 10, 15, 20]);
  });

  it('lets promises react between timers', async () => {
    const clock = new VirtualClock();
    const times: number[] = [];
    const loop = async (): Promise<void> => {
      for (let round = 0; round < 3; round += 1) {
        await sleep(clock, 10);
        times.push(clock.monotonicMs());
      }
    };
    const done = loop();
    await clock.advanceAsync(100);
    await done;
    expect(times).toEqual([10, 20, 30]);
  });

  it('runs until a condition holds, or gives false at the limit', async () => {
    const clock = new VirtualClock();
    let flag = false;
    clock.after(40, () => (flag = true));
    expect(await clock.runUntil(() => flag, 39)).toBe(false);
    expect(clock.monotonicMs()).toBe(39);
    expect(await clock.runUntil(() => flag, 10)).toBe(true);
    expect(clock.monotonicMs()).toBe(40);
  });

  it('jumps the wall clock alone', () => {
    const clock = new VirtualClock(1000);
    clock.jumpWallClock(-600);
    clock.advance(5);
    expect(clock.nowMs()).toBe(405);
    expect(clock.monotonicMs()).toBe(5);
  });

  it('keeps order over many random timers', () => {
    const clock = new VirtualClock();
    const fired: number[] = [];
    let state = 7;
    for (let count = 0; count < 2000; count += 1) {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
      const dueMs = state % 500;
      clock.after(dueMs, () => fired.push(dueMs));
    }
    clock.advance(500);
    expect(fired).toEqual([...fired].sort((left, right) => left - right));
    expect(fired).toHaveLength(2000);
  });
});
