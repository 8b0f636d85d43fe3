import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { WriteFailure, WriteResult } from '../registry/driver.ts';
import { sleep } from '../support/clock.ts';
import { seededRandom } from '../support/random.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { WriteQueue, writeWindowMs, type WriteJob } from './write-queue.ts';

const ok: WriteResult<void> = { ok: true, value: undefined };
const down: WriteFailure = { code: 'unreachable', retry: true, detail: 'no answer' };

function setUp(answer: (key: string) => WriteResult<void> = () => ok) {
  const clock = new VirtualClock();
  const failures: WriteFailure[] = [];
  const starts: { readonly key: string; readonly aim: string; readonly atMs: number }[] = [];
  const queue = new WriteQueue({
    clock,
    random: seededRandom(1),
    failed: (_job, failure) => failures.push(failure),
    progressed: () => undefined,
  });
  const job = (key: string, aim: string, priority = 0): WriteJob => ({
    key,
    aim,
    priority,
    cluster: 'b',
    work: 'put',
    run: async (signal) => {
      starts.push({ key, aim, atMs: clock.monotonicMs() });
      await sleep(clock, 5, signal);
      return answer(key);
    },
  });
  return { clock, queue, starts, failures, job };
}

describe('WriteQueue', () => {
  it('writes the last intent of a key, and at most once per window', async () => {
    const intents = fc.array(
      fc.record({ key: fc.constantFrom('a', 'b', 'c'), afterMs: fc.nat(700) }),
      { maxLength: 30 },
    );
    await fc.assert(
      fc.asyncProperty(intents, async (list) => {
        const { clock, queue, starts, job } = setUp();
        queue.setOpen(true);
        const last = new Map<string, string>();
        for (const [index, { key, afterMs }] of list.entries()) {
          await clock.advanceAsync(afterMs);
          queue.put(job(key, `aim ${index}`));
          last.set(key, `aim ${index}`);
        }
        await clock.advanceAsync(5000);
        for (const [key, aim] of last) {
          const own = starts.filter((start) => start.key === key);
          expect(own.at(-1)?.aim).toBe(aim);
          for (const [index, { atMs }] of own.entries()) {
            const before = own[index - 1];
            if (before) expect(atMs - before.atMs).toBeGreaterThanOrEqual(writeWindowMs);
          }
        }
        expect(queue.waiting + queue.inFlight).toBe(0);
      }),
      { numRuns: 30 },
    );
  });

  it('writes adds before updates before removals', async () => {
    const { clock, queue, starts, job } = setUp();
    for (let each = 0; each < 30; each++) {
      queue.put(job(`remove ${each}`, 'x', 2));
      queue.put(job(`update ${each}`, 'x', 1));
      queue.put(job(`add ${each}`, 'x', 0));
    }
    queue.setOpen(true);
    await clock.advanceAsync(2000);
    const kinds = starts.map(({ key }) => key.split(' ')[0]);
    expect(kinds).toEqual([
      ...Array<string>(30).fill('add'),
      ...Array<string>(30).fill('update'),
      ...Array<string>(30).fill('remove'),
    ]);
  });

  it('tries again, later each time, what may help later, and says what will not', async () => {
    const { clock, queue, starts, failures, job } = setUp(() => ({ ok: false, failure: down }));
    queue.setOpen(true);
    queue.put(job('a', 'x'));
    await clock.advanceAsync(60_000);
    const gaps = starts.slice(1).map(({ atMs }, index) => atMs - (starts[index]?.atMs ?? 0));
    expect(gaps.length).toBeGreaterThan(3);
    expect(gaps.length).toBeLessThan(15);
    expect(gaps.at(-1)).toBeGreaterThan(gaps[0] ?? 0);
    expect(failures.length).toBe(starts.length);
    expect(queue.waiting).toBe(1);
  });

  it('drops an intent that was taken back', async () => {
    const { clock, queue, starts, job } = setUp();
    queue.put(job('a', 'x'));
    queue.put(job('b', 'x'));
    queue.cancel('a');
    queue.setOpen(true);
    await clock.advanceAsync(2000);
    expect(starts.map(({ key }) => key)).toEqual(['b']);
  });

  it('slows down writing the same content again and again', async () => {
    const { clock, queue, starts, job } = setUp();
    queue.setOpen(true);
    for (let each = 0; each < 600; each++) {
      queue.put(job('a', 'same'));
      await clock.advanceAsync(100);
    }
    expect(starts.length).toBeLessThan(10);
  });

  it('drains what waits, up to a limit', async () => {
    const { clock, queue, starts, job } = setUp();
    queue.setOpen(true);
    for (let each = 0; each < 40; each++) queue.put(job(`key ${each}`, 'x'));
    let drained = false;
    void queue.drain(5000).then(() => (drained = true));
    await clock.advanceAsync(1000);
    expect(drained).toBe(true);
    expect(starts.length).toBe(40);
  });

  it('gives up draining a registry that does not answer', async () => {
    const { clock, queue, job } = setUp(() => ({ ok: false, failure: down }));
    queue.setOpen(true);
    queue.put(job('a', 'x'));
    let drained = false;
    void queue.drain(5000).then(() => (drained = true));
    await clock.advanceAsync(4900);
    expect(drained).toBe(false);
    await clock.advanceAsync(200);
    expect(drained).toBe(true);
  });
});
