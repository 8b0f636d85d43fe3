import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../support/virtual-clock.ts';
import type { Node } from '../memberlist/node.ts';
import { LamportClock } from './lamport.ts';
import { MemberTable } from './members.ts';
import { encodeTags } from './tags.ts';

const hour = 3_600_000;

function node(name: string, state: Node['state'] = 'alive'): Node {
  return {
    name,
    addr: Uint8Array.of(10, 0, 0, 1),
    port: 7946,
    meta: encodeTags({ of: name }),
    versions: { pMin: 1, pMax: 5, pCur: 2, dMin: 2, dMax: 5, dCur: 4 },
    state,
  };
}

function setUp(): {
  table: MemberTable;
  clock: VirtualClock;
  lamport: LamportClock;
  changes: string[];
  refuted: () => number;
} {
  const clock = new VirtualClock();
  const lamport = new LamportClock();
  const changes: string[] = [];
  let refuted = 0;
  const table = new MemberTable({
    self: 'me',
    clock,
    lamport,
    retention: { reconnectTimeoutMs: 24 * hour, tombstoneTimeoutMs: 24 * hour },
    changed: (change, member) => changes.push(`${change} ${member.name} ${member.status}`),
    refute: () => (refuted += 1),
    isLeaving: () => false,
  });
  table.nodeJoined(node('me'));
  changes.length = 0;
  return { table, clock, lamport, changes, refuted: () => refuted };
}

describe('MemberTable', () => {
  it('makes a death a failure, and a death after a leave intent a departure', () => {
    const { table, changes } = setUp();
    for (const name of ['a', 'b', 'c']) table.nodeJoined(node(name));
    table.nodeLeft(node('a', 'dead'));
    expect(table.leaveIntent('b', 5, false)).toBe(true);
    expect(table.get('b')?.status).toBe('leaving');
    table.nodeLeft(node('b', 'dead'));
    table.nodeLeft(node('c', 'left'));
    expect(['a', 'b', 'c'].map((name) => table.get(name)?.status)).toEqual([
      'failed',
      'left',
      'left',
    ]);
    expect(changes.slice(3)).toEqual([
      'failed a failed',
      'updated b leaving',
      'left b left',
      'left c left',
    ]);
    table.nodeJoined(node('a'));
    expect(table.get('a')).toMatchObject({ status: 'alive', tags: { of: 'a' } });
  });

  it('applies the newest intent that came before its member', () => {
    const { table } = setUp();
    expect(table.joinIntent('late', 3)).toBe(true);
    expect(table.leaveIntent('late', 5, false)).toBe(true);
    expect(table.joinIntent('late', 4)).toBe(false);
    table.nodeJoined(node('late'));
    expect(table.get('late')).toMatchObject({ status: 'leaving', statusLTime: 5 });
    expect(table.joinIntent('late', 6)).toBe(true);
    expect(table.get('late')?.status).toBe('alive');
  });

  it('passes on only what changed something, and never by being merged', () => {
    const { table, lamport } = setUp();
    table.nodeJoined(node('a'));
    expect(table.leaveIntent('a', 5, false)).toBe(true);
    expect(table.leaveIntent('a', 5, false)).toBe(false);
    table.nodeLeft(node('a', 'dead'));
    // Two members that merge each other's tombstones must not drive the clock up for ever.
    const before = lamport.time;
    for (let round = 0; round < 100; round += 1) {
      table.mergeLeft('a', table.get('a')?.statusLTime ?? 0);
    }
    expect(table.get('a')?.statusLTime).toBe(5);
    expect(lamport.time - before).toBeLessThanOrEqual(1);
  });

  it('believes a join intent that is one newer than a leave, however the two arrive', () => {
    const { table } = setUp();
    table.nodeJoined(node('a'));
    table.mergeLeft('a', 5);
    expect(table.get('a')?.status).toBe('leaving');
    expect(table.joinIntent('a', 6)).toBe(true);
    expect(table.get('a')?.status).toBe('alive');
    // Whoever has the join but has not seen the member alive yet still says that it left.
    table.mergeLeft('a', 6);
    expect(table.get('a')?.status).toBe('alive');
  });

  it('makes a failed member left when a push/pull says so, and does not claim a returning one', () => {
    const { table } = setUp();
    table.nodeJoined(node('a'));
    table.joinIntent('a', 4);
    table.nodeLeft(node('a', 'dead'));
    table.mergeLeft('a', 4);
    expect(table.get('a')).toMatchObject({ status: 'left', isRejoining: false });
    table.joinIntent('a', 8);
    expect(table.get('a')).toMatchObject({ status: 'left', isRejoining: true });
    table.nodeJoined(node('a'));
    expect(table.get('a')).toMatchObject({ status: 'alive', isRejoining: false });
  });

  it('contradicts a leave intent about ourselves', () => {
    const { table, refuted } = setUp();
    expect(table.leaveIntent('me', 9, true)).toBe(false);
    expect(refuted()).toBe(1);
    expect(table.get('me')?.status).toBe('alive');
  });

  it('prunes the failed at once, the living when they are gone', () => {
    const { table, changes } = setUp();
    table.nodeJoined(node('a'));
    table.nodeJoined(node('b'));
    table.nodeLeft(node('a', 'dead'));
    table.leaveIntent('a', 7, true);
    expect(table.get('a')).toBeUndefined();
    table.leaveIntent('b', 8, true);
    expect(table.get('b')?.status).toBe('leaving');
    table.nodeLeft(node('b', 'dead'));
    expect(table.get('b')).toBeUndefined();
    expect(changes.filter((change) => change.startsWith('reaped'))).toHaveLength(2);
  });

  it('reaps the failed and the left after a day, and intents after five minutes', () => {
    const { table, clock } = setUp();
    table.nodeJoined(node('a'));
    table.nodeJoined(node('b'));
    table.nodeLeft(node('a', 'dead'));
    table.nodeLeft(node('b', 'left'));
    table.joinIntent('nobody', 3);
    clock.advance(6 * 60_000);
    table.reap();
    expect([table.size, table.waitingIntents]).toEqual([3, 0]);
    clock.advance(24 * hour);
    table.reap();
    expect(table.size).toBe(1);
  });

  it('bounds the intents of members that never come, and refuses time jumps', () => {
    const { table } = setUp();
    for (let index = 0; index < 10_000; index += 1) table.joinIntent(`x${index}`, 1);
    expect(table.waitingIntents).toBe(4096);
    expect(table.joinIntent('me', Number.MAX_SAFE_INTEGER)).toBe(false);
    expect(table.leaveIntent('me', Number.MAX_SAFE_INTEGER, false)).toBe(false);
  });

  it('passes an intent on at most once, whatever comes in whatever order', () => {
    const intent = fc.record({
      kind: fc.constantFrom('join', 'leave', 'nodeJoined', 'nodeLeft'),
      name: fc.constantFrom('a', 'b'),
      lTime: fc.integer({ min: 1, max: 30 }),
    });
    fc.assert(
      fc.property(fc.array(intent, { maxLength: 100 }), (steps) => {
        const { table } = setUp();
        const passed: string[] = [];
        for (const { kind, name, lTime } of steps) {
          if (kind === 'nodeJoined') table.nodeJoined(node(name));
          else if (kind === 'nodeLeft') table.nodeLeft(node(name, 'dead'));
          else {
            const news =
              kind === 'join'
                ? table.joinIntent(name, lTime)
                : table.leaveIntent(name, lTime, false);
            if (news) passed.push(`${name} ${lTime}`);
          }
        }
        expect(new Set(passed).size).toBe(passed.length);
      }),
    );
  });
});
