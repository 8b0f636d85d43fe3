import { describe, expect, it } from 'vitest';
import { eachLimited } from './each-limited.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('each limited', () => {
  it('does all, never more than the limit at a time', async () => {
    let running = 0;
    let most = 0;
    const seen: number[] = [];
    await eachLimited([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
      running += 1;
      most = Math.max(most, running);
      await turn();
      running -= 1;
      seen.push(item);
    });
    expect(seen.sort()).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(most).toBe(3);
  });
});
