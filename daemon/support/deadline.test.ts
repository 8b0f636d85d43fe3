import { describe, expect, it } from 'vitest';
import { deadline } from './deadline.ts';
import { VirtualClock } from './virtual-clock.ts';

describe('deadline', () => {
  it('ends by time, with an error that says so', async () => {
    const clock = new VirtualClock();
    const { signal } = deadline(100, undefined, clock);
    await clock.advanceAsync(99);
    expect(signal.aborted).toBe(false);
    await clock.advanceAsync(1);
    expect(signal.reason).toMatchObject({
      name: 'TimeoutError',
      message: 'no answer within 100 ms',
    });
  });

  it('ends with its parent, for the same reason', () => {
    const parent = new AbortController();
    const { signal } = deadline(100, parent.signal, new VirtualClock());
    const reason = new Error('the syncer stops');
    parent.abort(reason);
    expect(signal.reason).toBe(reason);
    expect(deadline(100, parent.signal, new VirtualClock()).signal.reason).toBe(reason);
  });

  it('ends no more once it is released', async () => {
    const clock = new VirtualClock();
    const parent = new AbortController();
    const { signal, release } = deadline(100, parent.signal, clock);
    release();
    parent.abort();
    await clock.advanceAsync(1000);
    expect(signal.aborted).toBe(false);
  });

  it('leaves a parent of many calls without a warning', async () => {
    const warnings: Error[] = [];
    const note = (warning: Error): void => void warnings.push(warning);
    process.on('warning', note);
    const parent = new AbortController();
    const all = Array.from({ length: 100 }, () => deadline(100, parent.signal, new VirtualClock()));
    await new Promise((resolve) => setImmediate(resolve));
    for (const { release } of all) release();
    process.off('warning', note);
    expect(warnings).toEqual([]);
  });
});
