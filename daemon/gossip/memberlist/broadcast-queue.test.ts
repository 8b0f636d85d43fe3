import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { retransmitLimit, TransmitLimitedQueue } from './broadcast-queue.ts';

const text = (messages: Uint8Array[]): string[] => messages.map((m) => Buffer.from(m).toString());
const message = (value: string): Uint8Array => Buffer.from(value);

function queue(nodes = 9, retransmitMult = 2): TransmitLimitedQueue {
  return new TransmitLimitedQueue({
    numNodes: () => nodes,
    retransmitMult,
    queued: () => undefined,
  });
}

describe('TransmitLimitedQueue', () => {
  it.each([
    [4, 0, 0],
    [4, 1, 4],
    [4, 9, 4],
    [4, 10, 8],
    [4, 99, 8],
    [4, 100, 12],
  ])('limit: mult %d, %d nodes: %d', (mult, nodes, want) => {
    expect(retransmitLimit(mult, nodes)).toBe(want);
  });

  it('gives the fewest transmits first, then the longest, then the newest', () => {
    const subject = queue(9, 3);
    for (const value of ['aa', 'b', 'cccc', 'dd']) subject.queue({ message: message(value) });
    expect(text(subject.getBroadcasts(1, 5))).toEqual(['cccc']);
    expect(text(subject.getBroadcasts(1, 8))).toEqual(['dd', 'aa', 'b']);
    expect(text(subject.getBroadcasts(0, 100))).toEqual(['cccc', 'dd', 'aa', 'b']);
  });

  it('lets go of a message once it was sent often enough', () => {
    const subject = queue(9, 2);
    let finished = 0;
    subject.queue({ message: message('x'), finished: () => (finished += 1) });
    subject.getBroadcasts(2, 100);
    expect([subject.numQueued, finished]).toEqual([1, 0]);
    subject.getBroadcasts(2, 100);
    expect([subject.numQueued, finished]).toEqual([0, 1]);
    expect(subject.getBroadcasts(2, 100)).toEqual([]);
  });

  it('gives news once and oldest first, and repeats it as often as all else', () => {
    const subject = queue(9, 2);
    for (const value of ['a', 'bb', 'c']) subject.queue({ message: message(value) });
    expect(text(subject.takeNews(1, 5))).toEqual(['a', 'bb']);
    expect(text(subject.takeNews(1, 5))).toEqual(['c']);
    expect(subject.takeNews(1, 5)).toEqual([]);
    for (let round = 0; round < 2; round += 1) {
      expect(text(subject.getBroadcasts(1, 100))).toEqual(['bb', 'c', 'a']);
    }
    expect(subject.numQueued).toBe(0);
  });

  it('holds nothing for news that was sent, replaced, or fits no packet', () => {
    const subject = queue();
    subject.queue({ message: message('x'.repeat(50)) });
    subject.queue({ key: 'k', message: message('old') });
    subject.queue({ key: 'k', message: message('new') });
    expect(text(subject.takeNews(1, 10))).toEqual(['new']);
    subject.queue({ message: message('sent') });
    expect(text(subject.getBroadcasts(1, 5))).toEqual(['sent']);
    expect(subject.takeNews(1, 100)).toEqual([]);
  });

  it('says that something was queued', () => {
    let queued = 0;
    const options = { numNodes: () => 9, retransmitMult: 2, queued: () => (queued += 1) };
    const subject = new TransmitLimitedQueue(options);
    subject.queue({ message: message('a') });
    subject.getBroadcasts(0, 100);
    expect(queued).toBe(1);
  });

  it('replaces what has the same key, and only that', () => {
    const subject = queue();
    const finished: string[] = [];
    for (const [key, value] of [
      ['a', 'old'],
      ['b', 'other'],
      ['a', 'new'],
      [undefined, 'free'],
      [undefined, 'free2'],
    ] as const) {
      subject.queue({ key, message: message(value), finished: () => finished.push(value) });
    }
    expect(finished).toEqual(['old']);
    expect(text(subject.getBroadcasts(0, 100)).sort()).toEqual(['free', 'free2', 'new', 'other']);
  });

  it('prunes the most transmitted first', () => {
    const subject = queue(99, 4);
    subject.queue({ message: message('sent') });
    subject.getBroadcasts(0, 100);
    subject.queue({ message: message('fresh') });
    subject.prune(1);
    expect(text(subject.getBroadcasts(0, 100))).toEqual(['fresh']);
    subject.reset();
    expect(subject.numQueued).toBe(0);
  });

  it('never exceeds the limit, never loses or invents a transmission', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 40 });
    const asks = fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.nat(200)), { maxLength: 60 });
    fc.assert(
      fc.property(sizes, asks, (lengths, requests) => {
        const subject = queue(9, 3);
        let finished = 0;
        const sent = new Map<Uint8Array, number>();
        for (const length of lengths) {
          subject.queue({ message: new Uint8Array(length), finished: () => (finished += 1) });
        }
        for (const [overhead, limit] of requests) {
          const got = subject.getBroadcasts(overhead, limit);
          expect(got.reduce((sum, { length }) => sum + length + overhead, 0)).toBeLessThanOrEqual(
            limit,
          );
          expect(new Set(got).size).toBe(got.length);
          for (const bytes of got) sent.set(bytes, (sent.get(bytes) ?? 0) + 1);
        }
        expect(Math.max(0, ...sent.values())).toBeLessThanOrEqual(3);
        expect(finished).toBe([...sent.values()].filter((count) => count === 3).length);
        expect(subject.numQueued).toBe(lengths.length - finished);
      }),
    );
  });
});
