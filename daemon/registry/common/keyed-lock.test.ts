import { describe, expect, it } from 'vitest';
import { createKeyedLock } from './keyed-lock.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('keyed lock', () => {
  it('does one thing at a time per key, in order, and other keys beside it', async () => {
    const lock = createKeyedLock();
    const log: string[] = [];
    const work = (key: string, name: string): Promise<void> =>
      lock.run(key, async () => {
        log.push(`${name} begins`);
        await turn();
        log.push(`${name} ends`);
      });
    await Promise.all([work('a', 'a1'), work('a', 'a2'), work('b', 'b1')]);
    const ofA = log.filter((line) => line.startsWith('a'));
    expect(ofA).toEqual(['a1 begins', 'a1 ends', 'a2 begins', 'a2 ends']);
    expect(log.indexOf('b1 begins')).toBeLessThan(log.indexOf('a2 begins'));
  });

  it('goes on after work that failed', async () => {
    const lock = createKeyedLock();
    const failing = lock.run('a', () => Promise.reject(new Error('no')));
    const next = lock.run('a', () => Promise.resolve('yes'));
    await expect(failing).rejects.toThrow('no');
    await expect(next).resolves.toBe('yes');
  });
});
