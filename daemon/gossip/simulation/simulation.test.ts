// Invariants of the pool over seeded scenarios (issue of the engine; SWIM §3, §4.2; Lifeguard).
// TEST_SEEDS sets how many; a failing one is printed and replays by its number alone.

import { describe, expect, it } from 'vitest';
import { expectedConfirmations, suspicionTimeoutMs } from '../memberlist/suspicion.ts';
import { runScenario } from './scenario.ts';
import { World } from './world.ts';

const seeds = Number(process.env.TEST_SEEDS ?? 100);
const limitMs = 20_000 + seeds * 2000;

describe('scenarios', () => {
  it(
    `keep the invariants over ${seeds} seeds`,
    async () => {
      for (let seed = 0; seed < seeds; seed += 1) {
        const members = 1 + (seed % 8);
        const result = await runScenario({ seed, members, steps: 5 });
        expect(result.history.length).toBe(6);
      }
    },
    limitMs,
  );

  it('replay exactly from their seed', async () => {
    const options = { seed: 4711, members: 7, steps: 6 };
    expect(await runScenario(options)).toEqual(await runScenario(options));
    const other = await runScenario({ ...options, seed: 4712 });
    expect(other.history).not.toEqual((await runScenario(options)).history);
  });
});

/** Kills one member of a formed pool; gives how long until all others hold it dead. */
async function detectionMs(members: number, seed: number, loss: number): Promise<number> {
  const world = new World({ seed, members });
  await world.startAll();
  expect(await world.runUntil(() => world.viewsAgree(), 180_000)).toBeDefined();
  world.network.weather = { ...world.network.weather, loss };
  await world.members.get('m0')?.kill();
  const tookMs = await world.runUntil(
    () => world.running().every((member) => member.heldDead().has('m0')),
    detectionBoundMs(members),
  );
  await world.stopAll();
  expect(tookMs, `seed ${seed}: not known to all within the bound`).toBeDefined();
  return tookMs ?? Number.NaN;
}

/**
 * SWIM §4.3: each member is probed within 2n - 1 periods by every other one; a miss takes the
 * period of the probe, the suspicion at most its longest timeout, and the news O(log n) gossips
 * or, where they miss somebody, a push/pull.
 */
function detectionBoundMs(members: number): number {
  const minMs = suspicionTimeoutMs(4, members, 1000);
  const maxMs = expectedConfirmations(4, members) < 1 ? minMs : 6 * minMs;
  const periods = Math.min(2 * members - 1, 60);
  return periods * 1000 + 2000 + maxMs + 90_000;
}

describe('a crashed member', () => {
  it.each([
    [2, 0],
    [3, 0.1],
    [10, 0],
    [10, 0.1],
    [30, 0.05],
  ])('is known to all %d members within the bound, at loss %d', async (members, loss) => {
    for (const seed of [1, 2]) await detectionMs(members, seed, loss);
  });

  it('is known sooner when several members confirm the suspicion (Lifeguard)', async () => {
    const times = await Promise.all([1, 2, 3].map((seed) => detectionMs(20, seed, 0)));
    // Alone an accuser waits 6 × 5.2 s; with both confirmations 5.2 s are left.
    for (const tookMs of times) expect(tookMs).toBeLessThan(25_000);
  });
});

describe('a live member', () => {
  it('is not taken for dead at 10 % loss for 10 minutes', async () => {
    const world = new World({ seed: 5, members: 10 });
    await world.startAll();
    await world.runUntil(() => world.viewsAgree(), 60_000);
    world.network.weather = { loss: 0.1, duplication: 0.02, minDelayMs: 1, maxDelayMs: 30 };
    await world.run(600_000);
    expect(world.longestHeldDead).toBe('');
    await world.stopAll();
  });

  it('refutes a suspicion that a short pause raised', async () => {
    const world = new World({ seed: 6, members: 5 });
    await world.startAll();
    await world.runUntil(() => world.viewsAgree(), 60_000);
    // Every second somebody is probed: the pause falls into a probe of its own.
    await world.run(2000);
    const slow = world.members.get('m2');
    slow?.pause();
    await world.run(3500);
    slow?.resume();
    await world.run(15_000);
    expect(world.disagreement()).toBeUndefined();
    expect(world.longestHeldDead).toBe('');
    expect(slow?.stats().stalls).toBeGreaterThan(0);
    await world.stopAll();
  });

  it('whose datagrams are blocked is kept alive by pings over streams', async () => {
    const world = new World({ seed: 7, members: 3 });
    await world.startAll();
    await world.runUntil(() => world.viewsAgree(), 60_000);
    const hosts = world.running().map(({ host }) => host);
    for (const from of hosts)
      for (const to of hosts) world.network.pathLoss.set(`${from}>${to}`, 1);
    await world.run(60_000);
    expect(world.disagreement()).toBeUndefined();
    expect(world.running().every(({ events }) => !events.some((e) => e.startsWith('dead')))).toBe(
      true,
    );
    await world.stopAll();
  });
});

describe('a restarted member', () => {
  it.each([false, true])('is taken back at once (another address: %s)', async (elsewhere) => {
    const world = new World({ seed: 8, members: 5 });
    await world.startAll();
    await world.runUntil(() => world.viewsAgree(), 60_000);
    const member = world.members.get('m3')!;
    await member.kill();
    await world.runUntil(
      () => world.running().every((other) => other.heldDead().has('m3')),
      60_000,
    );
    if (elsewhere) member.host = world.newHost();
    await member.start();
    member.joinSoon();
    const tookMs = await world.runUntil(() => world.viewsAgree(), 60_000);
    expect(tookMs).toBeLessThan(3000);
    await world.stopAll();
  });

  it('that has left is seen as left, not as failed', async () => {
    const world = new World({ seed: 9, members: 5 });
    await world.startAll();
    await world.runUntil(() => world.viewsAgree(), 60_000);
    void world.members.get('m1')?.leave();
    await world.run(10_000);
    expect(world.disagreement()).toBeUndefined();
    for (const { events } of world.running()) {
      expect(events).toContain('left m1');
      expect(events).not.toContain('dead m1');
    }
    await world.stopAll();
  });
});

describe('large pools', () => {
  it('of 60 members form, and agree on what changes', async () => {
    const world = new World({ seed: 10, members: 60 });
    await world.startAll();
    expect(await world.runUntil(() => world.viewsAgree(), 180_000)).toBeDefined();
    const member = world.members.get('m42')!;
    member.meta = 'changed';
    void member.memberlist.updateNode(5000);
    expect(await world.runUntil(() => world.viewsAgree(), 120_000)).toBeDefined();
    await world.stopAll();
  });

  it('of 1,000 members form and notice a crash', async ({ skip }) => {
    skip(seeds < 1000, 'it takes minutes: TEST_SEEDS of 1,000 or more (nightly) runs it');
    await detectionMs(1000, 11, 0);
    // Sixteen million messages: four minutes of a core that is free, far more of one that is shared.
  }, 5_400_000);
});
