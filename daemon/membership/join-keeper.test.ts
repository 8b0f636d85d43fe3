import { describe, expect, it } from 'vitest';
import type { JoinResult, PoolMember } from '../gossip/pool.ts';
import { silentLogger } from '../support/logger.ts';
import type { Clock } from '../support/clock.ts';
import { createJoinKeeper } from './join-keeper.ts';

/** A clock whose timers are run by hand, in order. */
function handClock(): Clock & { fire(): Promise<number> } {
  const timers: { delayMs: number; run: () => void }[] = [];
  return {
    nowMs: () => 0,
    monotonicMs: () => 0,
    after(delayMs, run) {
      const timer = { delayMs, run };
      timers.push(timer);
      return { cancel: () => timers.splice(timers.indexOf(timer) >>> 0, 1) };
    },
    async fire() {
      await settle();
      const timer = timers.shift();
      timer?.run();
      await settle();
      return timer?.delayMs ?? -1;
    },
  };
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function member(name: string): PoolMember {
  return {
    name,
    address: '10.0.0.1',
    port: 1,
    status: 'alive',
    tags: {},
    roundTripMs: undefined,
    sinceMs: 0,
  };
}

describe('the join keeper', () => {
  it('tries again for ever with growing waits, and once more when it finds itself alone', async () => {
    const clock = handClock();
    const members = [member('me')];
    let answer: JoinResult = {
      joined: 0,
      failures: [{ address: 'h:1', reason: 'unreachable', detail: 'refused' }],
    };
    let calls = 0;
    const pool = {
      node: 'me',
      members: () => members,
      join: async () => {
        calls += 1;
        return answer;
      },
    };
    const random = { next: () => 0.5 };
    const keeper = createJoinKeeper(pool, ['h:1'], {
      clock,
      random,
      logger: silentLogger,
      changed: () => undefined,
    });
    keeper.start();
    const waits = [];
    for (let round = 0; round < 8; round += 1) waits.push(await clock.fire());
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    expect(keeper.state).toMatchObject({ state: 'joining', attempts: 9 });

    answer = { joined: 1, failures: [] };
    members.push(member('other'));
    await clock.fire();
    expect(keeper.state.state).toBe('joined');
    const callsWhenJoined = calls;
    await clock.fire();
    expect(calls).toBe(callsWhenJoined);
    members.pop();
    await clock.fire();
    expect(calls).toBe(callsWhenJoined + 1);
    keeper.stop();
  });

  it('calls back a join address that has left, whoever else is there, and no other one', async () => {
    const clock = handClock();
    const gone = { ...member('first'), address: '10.0.0.9', port: 7, status: 'left' } as const;
    const other = { ...gone, name: 'another', address: '10.0.0.8' } as const;
    const called: (readonly string[])[] = [];
    const pool = {
      node: 'me',
      members: () => [member('me'), member('company'), gone, other],
      async join(addresses: readonly string[]): Promise<JoinResult> {
        called.push(addresses);
        throw new Error('refused');
      },
    };
    const keeper = createJoinKeeper(pool, ['10.0.0.1:1', '10.0.0.9:7'], {
      clock,
      random: { next: () => 0.5 },
      logger: silentLogger,
      changed: () => undefined,
    });
    keeper.start();
    await clock.fire();
    expect(keeper.state.state).toBe('joined');
    expect(called[0]).toEqual(['10.0.0.9:7']);
    await clock.fire();
    expect(called.length).toBeGreaterThan(1);
    keeper.stop();
  });

  it('goes on when the pool cannot join at all, and says why', async () => {
    const clock = handClock();
    const members = [member('me')];
    let calls = 0;
    const pool = {
      node: 'me',
      members: () => members,
      join: async () => {
        calls += 1;
        if (calls < 3) throw new Error('the gossip worker is being started again');
        members.push(member('other'));
        return { joined: 1, failures: [] };
      },
    };
    const keeper = createJoinKeeper(pool, ['h:1'], {
      clock,
      random: { next: () => 0.5 },
      logger: silentLogger,
      changed: () => undefined,
    });
    keeper.start();
    await clock.fire();
    expect(keeper.state).toMatchObject({
      state: 'joining',
      failures: [{ address: 'h:1', detail: 'the gossip worker is being started again' }],
    });
    await clock.fire();
    expect(keeper.state).toMatchObject({ state: 'joined', attempts: 3 });
    keeper.stop();
  });

  it('without addresses does nothing and says that it is alone', async () => {
    const clock = handClock();
    const pool = { node: 'me', members: () => [], join: () => Promise.reject(new Error('called')) };
    const keeper = createJoinKeeper(pool, [], {
      clock,
      random: { next: () => 0 },
      logger: silentLogger,
      changed: () => undefined,
    });
    keeper.start();
    expect(await clock.fire()).toBe(-1);
    expect(keeper.state.state).toBe('alone');
  });
});
