import { describe, expect, it } from 'vitest';
import type { PoolEvent, PoolMember } from '../pool.ts';
import { Outbox, type Batch } from './outbox.ts';

function member(name: string, status: PoolMember['status']): PoolMember {
  return { name, address: '10.0.0.1', port: 1, status, tags: {}, roundTripMs: 1, sinceMs: 0 };
}

const userEvent = (lamportTime: number): PoolEvent => ({
  type: 'user-event',
  event: { name: 'e', payload: new Uint8Array(0), lamportTime },
});

function outbox(): { box: Outbox; posted: (Batch & { awaited: boolean })[]; turn: () => void } {
  const posted: (Batch & { awaited: boolean })[] = [];
  const deferred: (() => void)[] = [];
  const box = new Outbox({
    post: (batch, awaited) => posted.push({ ...batch, awaited }),
    defer: (run) => deferred.push(run),
  });
  return { box, posted, turn: () => deferred.splice(0).forEach((run) => run()) };
}

describe('Outbox', () => {
  it('posts what one turn gathered, and waits until the receiver is ready', () => {
    const { box, posted, turn } = outbox();
    box.add(userEvent(1));
    box.add(userEvent(2));
    turn();
    expect(posted.map(({ events }) => events.length)).toEqual([2]);
    box.add(userEvent(3));
    turn();
    expect(posted).toHaveLength(1);
    box.ready();
    expect(posted.map(({ events }) => events.length)).toEqual([2, 1]);
    box.ready();
    expect(posted).toHaveLength(2);
  });

  it('posts at once for the answer of a call', () => {
    const { box, posted } = outbox();
    box.add(userEvent(1));
    box.flush();
    expect(posted).toMatchObject([{ awaited: false }]);
  });

  it('keeps a bounded number for a receiver that stalls: the newest, and each member’s last', () => {
    const { box, posted, turn } = outbox();
    box.add(userEvent(0));
    turn();
    for (let index = 1; index <= 50_000; index += 1) {
      box.add(userEvent(index));
      const type = index % 2 === 0 ? 'member-joined' : 'member-failed';
      const status = index % 2 === 0 ? 'alive' : 'failed';
      box.add({ type, member: member(`m${index % 10}`, status) });
    }
    box.ready();
    const events = posted[1]?.events ?? [];
    expect(events.length).toBeLessThanOrEqual(4097);
    expect(events.at(-2)).toMatchObject({ event: { lamportTime: 50_000 } });
    for (let index = 0; index < 10; index += 1) {
      const last = events.findLast(
        (event) => 'member' in event && event.member.name === `m${index}`,
      );
      expect(last).toMatchObject({ member: { status: index % 2 === 0 ? 'alive' : 'failed' } });
    }
    const kept = events.filter(({ type }) => type === 'user-event').length;
    expect(box.dropped).toBe(50_000 - kept);
  });
});
