import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../support/virtual-clock.ts';
import type { PoolEvent, PoolMember } from '../pool.ts';
import { EventCoalescer } from './event-coalescing.ts';

const member = (name: string, status: PoolMember['status']): PoolMember => ({
  name,
  address: '10.0.0.1',
  port: 1,
  status,
  tags: {},
  roundTripMs: undefined,
  sinceMs: 0,
});
const userEvent = (name: string, lamportTime: number, text = ''): PoolEvent => ({
  type: 'user-event',
  event: { name, payload: Buffer.from(text), lamportTime },
});

describe('EventCoalescer', () => {
  it('hands on the last change of each member and the newest events, after silence', () => {
    const clock = new VirtualClock();
    const emitted: PoolEvent[] = [];
    const settings = { periodMs: 3000, quiescentMs: 1000 };
    const coalescer = new EventCoalescer(settings, clock, (event) => emitted.push(event));
    coalescer.add({ type: 'member-joined', member: member('a', 'alive') }, false);
    coalescer.add({ type: 'member-failed', member: member('a', 'failed') }, false);
    coalescer.add(userEvent('deploy', 1), true);
    coalescer.add(userEvent('deploy', 3, 'x'), true);
    coalescer.add(userEvent('deploy', 3, 'y'), true);
    coalescer.add(userEvent('deploy', 2), true);
    coalescer.add(userEvent('urgent', 4), false);
    expect(emitted).toEqual([userEvent('urgent', 4)]);
    clock.advance(1000);
    expect(emitted.slice(1)).toEqual([
      { type: 'member-failed', member: member('a', 'failed') },
      userEvent('deploy', 3, 'x'),
      userEvent('deploy', 3, 'y'),
    ]);
  });

  it('waits no longer than its period when it never gets silent', () => {
    const clock = new VirtualClock();
    const emitted: PoolEvent[] = [];
    const settings = { periodMs: 3000, quiescentMs: 1000 };
    const coalescer = new EventCoalescer(settings, clock, (event) => emitted.push(event));
    for (let index = 0; index < 7; index += 1) {
      coalescer.add(userEvent('deploy', index), true);
      clock.advance(500);
    }
    expect(emitted[0]).toEqual(userEvent('deploy', 5));
  });
});
