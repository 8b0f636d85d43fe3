// Leadership before an etcd in memory on a virtual clock: who leads after a death, a hand-over, a
// watch that hangs, a quorum that is lost, and from when on the next one may write.

import { describe, expect, it } from 'vitest';
import { silentLogger } from '../support/logger.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { writeValidityMs, type LeaderEntry } from './election.ts';
import { MemoryEtcd } from './etcd.fixture.ts';
import { singleKey } from './keys.ts';
import { Leadership } from './leadership.ts';
import type { WritePermit } from './permits.ts';
import { singleWrite } from './single.ts';

interface Replica {
  readonly node: string;
  readonly leadership: Leadership;
  /** Its watches tell nothing any more. */
  watchHangs: boolean;
  /** It reaches no etcd at all. */
  cut: boolean;
  /** etcd hears what it commits so much later. */
  commitsLateMs: number;
  readonly epochs: number[];
}

function cluster(probe: 'dead' | 'silent' | 'answers' = 'dead') {
  const clock = new VirtualClock();
  const memory = new MemoryEtcd(clock);
  const verdicts = new Map<string, 'dead' | 'silent' | 'answers'>();
  const replicas = ['one', 'two', 'three'].map((node): Replica => {
    const epochs: number[] = [];
    const client = memory.client(() => replica.watchHangs || replica.cut);
    const reach =
      <A extends unknown[], T>(call: (...args: A) => Promise<T>) =>
      (...args: A): Promise<T> =>
        replica.cut ? Promise.reject(new Error('no route')) : call(...args);
    const leadership = new Leadership({
      node,
      etcd: {
        ...client,
        get: reach(client.get),
        commit: reach(async (...args: Parameters<typeof client.commit>) => {
          await new Promise<void>((resolve) => void clock.after(replica.commitsLateMs, resolve));
          return client.commit(...args);
        }),
        grant: reach(client.grant),
        keepAlive: reach(client.keepAlive),
        revoke: reach(client.revoke),
      },
      able: () => true,
      newestEpoch: () => 0,
      probe: (asked) => Promise.resolve(verdicts.get(asked) ?? probe),
      settled: () => Promise.resolve(),
      suspects: () => false,
      changed: (leader: LeaderEntry | undefined, leads) => {
        if (leads && leader !== undefined) epochs.push(leader.epoch);
      },
      clock,
      logger: silentLogger,
    });
    const replica: Replica = {
      node,
      leadership,
      watchHangs: false,
      cut: false,
      commitsLateMs: 0,
      epochs,
    };
    return replica;
  });
  const leaders = (): Replica[] => replicas.filter(({ leadership }) => leadership.leads);
  /** The one leader, as soon as there is one other than `than`. */
  const leader = async (than?: Replica, limitMs = 30_000): Promise<Replica> => {
    const others = (): Replica[] => leaders().filter((one) => one !== than);
    expect(await clock.runUntil(() => others().length === 1, limitMs)).toBe(true);
    return others()[0]!;
  };
  const mayWrite = async ({ leadership }: Replica, limitMs: number): Promise<number> => {
    const fromMs = clock.monotonicMs();
    let permit: WritePermit | undefined;
    void leadership.begin(new AbortController().signal).then((given) => (permit = given));
    expect(await clock.runUntil(() => permit !== undefined, limitMs)).toBe(true);
    permit?.end();
    return clock.monotonicMs() - fromMs;
  };
  for (const { leadership } of replicas) leadership.start();
  return { clock, memory, replicas, verdicts, leaders, leader, mayWrite };
}

describe('leadership', () => {
  it('is one replica’s, which keeps it', async () => {
    const { clock, leaders, leader } = cluster();
    const first = await leader();
    await clock.advanceAsync(60_000);
    expect(leaders()).toEqual([first]);
    expect(first.epochs).toEqual([1]);
  });

  it('passes on within 0.1 s when its holder stops, and the next one writes at once', async () => {
    const { clock, leader, mayWrite } = cluster();
    const first = await leader();
    const fromMs = clock.monotonicMs();
    const stopped = first.leadership.resign();
    const next = await leader(first);
    expect(await mayWrite(next, 5_000)).toBeLessThan(100);
    expect(clock.monotonicMs() - fromMs).toBeLessThan(100);
    expect(next.epochs).toEqual([2]);
    await clock.advanceAsync(2_000);
    await stopped;
  });

  it('passes on when the watches of those that are left hang', async () => {
    const { replicas, leader } = cluster();
    const first = await leader();
    for (const replica of replicas) replica.watchHangs = true;
    void first.leadership.resign();
    const next = await leader(first, 5_000);
    expect(next.epochs).toEqual([2]);
  });

  it('passes on when its holder is dead, which two signs say', async () => {
    const { clock, replicas, leader, mayWrite } = cluster('dead');
    const first = await leader();
    await clock.advanceAsync(5_000);
    first.cut = true;
    const fromMs = clock.monotonicMs();
    for (const { leadership } of replicas) {
      if (leadership !== first.leadership) leadership.doubt(first.node);
    }
    const next = await leader(first);
    await mayWrite(next, 5_000);
    expect(clock.monotonicMs() - fromMs).toBeLessThan(200);
  });

  it('waits for the validity of one that is only silent', async () => {
    const { clock, replicas, leader, mayWrite } = cluster('silent');
    const first = await leader();
    await clock.advanceAsync(5_000);
    first.cut = true;
    const writesUntil = clock.monotonicMs() + writeValidityMs;
    for (const { leadership } of replicas) {
      if (leadership !== first.leadership) leadership.doubt(first.node);
    }
    const next = await leader(first);
    await mayWrite(next, 5_000);
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(writesUntil);
    expect(first.leadership.mayRenew()).toBe(true);
  });

  it('stays where it is when the doubted leader answers', async () => {
    const { clock, replicas, leader, leaders } = cluster('answers');
    const first = await leader();
    for (let round = 0; round < 10; round += 1) {
      for (const { leadership } of replicas) leadership.doubt(first.node);
      await clock.advanceAsync(500);
    }
    expect(leaders()).toEqual([first]);
  });

  it('is nobody else’s while etcd is away, and renews leases meanwhile', async () => {
    const { clock, memory, leaders, leader } = cluster();
    const first = await leader();
    memory.away = true;
    await clock.advanceAsync(300_000);
    expect(leaders()).toEqual([first]);
    expect(first.leadership.mayRenew()).toBe(true);
    const signal = AbortSignal.abort();
    expect(await first.leadership.begin(signal)).toBeUndefined();
    memory.away = false;
    await leader();
    await clock.advanceAsync(10_000);
    expect(leaders()).toHaveLength(1);
  });

  it('is handed over by one that goes on, and that leaves it to the others', async () => {
    const { clock, leader, leaders } = cluster();
    const first = await leader();
    void first.leadership.handOver();
    const next = await leader(first, 1_000);
    await clock.advanceAsync(60_000);
    expect(leaders()).toEqual([next]);
  });

  it('is nobody’s while a single syncer is recorded, whatever the replicas see', async () => {
    const { clock, memory, leaders, leader } = cluster();
    const etcd = memory.client();
    const recorded = etcd.commit([], [singleWrite('one')]);
    await clock.advanceAsync(30_000);
    expect((await recorded).succeeded).toBe(true);
    expect(leaders()).toEqual([]);
    const cleared = etcd.commit([], [{ type: 'delete', key: singleKey }]);
    await leader();
    expect((await cleared).succeeded).toBe(true);
  });

  it('waits for one that was silent two terms ago, though the last one is dead', async () => {
    const { clock, replicas, verdicts, leader, mayWrite } = cluster('silent');
    const first = await leader();
    await clock.advanceAsync(5_000);
    first.cut = true;
    const writesUntil = clock.monotonicMs() + writeValidityMs;
    for (const { leadership } of replicas) {
      if (leadership !== first.leadership) leadership.doubt(first.node);
    }
    const second = await leader(first);
    second.cut = true;
    verdicts.set(second.node, 'dead');
    const third = replicas.find((one) => one !== first && one !== second)!;
    const heard = (): boolean => third.leadership.leader?.node === second.node;
    expect(await clock.runUntil(heard, 1_000)).toBe(true);
    // Its own campaign, which came too late, is over.
    await clock.advanceAsync(50);
    third.leadership.doubt(second.node);
    expect(await clock.runUntil(() => third.leadership.leads, 1_000)).toBe(true);
    expect(clock.monotonicMs()).toBeLessThan(writesUntil);
    await mayWrite(third, 5_000);
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(writesUntil);
  });

  it('counts its patience from the answer: the one before may have been heard until then', async () => {
    const { clock, memory, replicas, leader, mayWrite } = cluster('silent');
    const first = await leader();
    await clock.advanceAsync(5_000);
    // etcd hears the campaign of the others late, and the first one until then.
    for (const replica of replicas) if (replica !== first) replica.commitsLateMs = 1_200;
    const doubting = replicas.find((one) => one !== first)!;
    const renewedMs = clock.monotonicMs();
    first.cut = true;
    doubting.leadership.doubt(first.node);
    const second = await leader(first);
    await mayWrite(second, 10_000);
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(renewedMs + 1_200 + writeValidityMs);
    expect(memory.away).toBe(false);
  });

  it('is given up with a write under way only after it has ended, or without a word', async () => {
    const { clock, leader, mayWrite } = cluster();
    const first = await leader();
    const signal = new AbortController().signal;
    let permit: WritePermit | undefined;
    void first.leadership.begin(signal).then((given) => (permit = given));
    await clock.advanceAsync(10);
    expect(permit?.signal.aborted).toBe(false);
    const fromMs = clock.monotonicMs();
    void first.leadership.handOver();
    await clock.advanceAsync(50);
    // Still under way: it may go on, and no other begins.
    expect(first.leadership.leads).toBe(true);
    expect(permit?.signal.aborted).toBe(false);
    expect(await first.leadership.begin(signal)).toBeUndefined();
    const second = await leader(first, 5_000);
    // It took too long: it may not go on, and the next one waits for what it has sent.
    expect(permit?.signal.aborted).toBe(true);
    await mayWrite(second, 5_000);
    expect(clock.monotonicMs() - fromMs).toBeGreaterThanOrEqual(writeValidityMs);
  });

  it('is given back by a campaign that ends after its replica has stopped', async () => {
    const { clock, memory, replicas, leader } = cluster();
    memory.latencyMs = 100;
    await clock.advanceAsync(250);
    const stopping = replicas.slice(0, 2);
    for (const { leadership } of stopping) void leadership.resign();
    const next = await leader(undefined, 3_000);
    expect(next).toBe(replicas[2]);
  });
});
