// Real worker threads on loopback.

import { createServer } from 'node:net';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../support/clock.ts';
import { silentLogger } from '../../support/logger.ts';
import type { GossipPool, PoolEvent, PoolSettings, PoolTrouble } from '../pool.ts';
import { createGossipPool } from './worker-pool.ts';

const limitMs = 20_000;
const pools: GossipPool[] = [];
const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  vi.restoreAllMocks();
  for (const close of closing.splice(0)) await close();
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});

function create(node: string, changes: Partial<PoolSettings> = {}): GossipPool {
  const settings: PoolSettings = {
    node,
    bind: { host: '127.0.0.1', port: 0 },
    tags: { of: node },
    profile: 'local',
    keys: [],
    keyringFile: undefined,
    snapshotFile: undefined,
    rejoinAfterLeave: false,
    ...changes,
  };
  const pool = createGossipPool(settings, { logger: silentLogger, clock: systemClock });
  pools.push(pool);
  return pool;
}

async function pair(): Promise<{ one: GossipPool; two: GossipPool; address: string }> {
  const [one, two] = [create('one'), create('two')];
  const { host, port } = await one.start();
  await two.start();
  const address = `${host}:${port}`;
  expect(await two.join([address])).toEqual({ joined: 1, failures: [] });
  await vi.waitFor(() => expect(statuses(one)).toEqual({ one: 'alive', two: 'alive' }), limitMs);
  return { one, two, address };
}

/** The worker threads that are spoken to from now on, in the order of their first message. */
function watchWorkers(): Worker[] {
  const workers: Worker[] = [];
  const { postMessage } = Worker.prototype;
  vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (
    this: Worker,
    ...args: Parameters<Worker['postMessage']>
  ) {
    if (!workers.includes(this)) workers.push(this);
    postMessage.apply(this, args);
  });
  return workers;
}

function troublesOf(pool: GossipPool): PoolTrouble[] {
  const troubles: PoolTrouble[] = [];
  pool.onEvent((event) => {
    if (event.type === 'trouble') troubles.push(event.trouble);
  });
  return troubles;
}

function statuses(pool: GossipPool): Record<string, string> {
  return Object.fromEntries(pool.members().map(({ name, status }) => [name, status]));
}

/** Holds this thread, as a long garbage collection or a large response does. */
function block(durationMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
}

describe('a pool in a worker thread', () => {
  it('mirrors its members before a join returns, and passes tags, events and queries', async () => {
    const { one, two } = await pair();
    expect(statuses(two)).toEqual({ one: 'alive', two: 'alive' });
    const events: PoolEvent[] = [];
    one.onEvent((event) => events.push(event));
    one.answer('who', ({ payload, from }) => Buffer.from(`one ${payload.length} ${from}`));
    two.answer('who', () => undefined);
    await two.sendEvent('hello', Buffer.from('payload'), false);
    await two.setTags({ of: 'two', more: 'x' });
    await vi.waitFor(() => {
      expect(events).toContainEqual({
        type: 'user-event',
        event: { name: 'hello', payload: Uint8Array.from(Buffer.from('payload')), lamportTime: 1 },
      });
      expect(one.members().find(({ name }) => name === 'two')?.tags.more).toBe('x');
    }, limitMs);
    const outcome = await two.query('who', Buffer.from('abc'), {
      wantAck: true,
      timeoutMs: 3000,
      filterNodes: ['one'],
    });
    expect(outcome.acks).toEqual(['one']);
    expect(outcome.responses.map(({ payload }) => Buffer.from(payload).toString())).toEqual([
      'one 3 two',
    ]);
    expect((await one.stats()).events).toBe(1);
  });

  it('stays alive for the others while the main thread is blocked for 5 s', async () => {
    const { one, two } = await pair();
    const seen: PoolEvent[] = [];
    two.onEvent((event) => seen.push(event));
    await new Promise((resolve) => setImmediate(resolve));
    block(5000);
    // Both pools are in threads of their own: what they saw meanwhile arrives now.
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(statuses(two)).toEqual({ one: 'alive', two: 'alive' });
    expect(seen.filter(({ type }) => type !== 'user-event')).toEqual([]);
    const { probes = 0 } = await one.stats();
    expect(probes).toBeGreaterThanOrEqual(4);
  });

  it('gives the reason of a refused call under its name', async () => {
    const pool = create('one');
    await pool.start();
    await expect(pool.setTags({ big: 'x'.repeat(600) })).rejects.toMatchObject({
      name: 'TagsTooLargeError',
    });
    await expect(pool.forceLeave('nobody', false)).rejects.toThrow(/no member is named "nobody"/);
    const { failures } = await pool.join(['127.0.0.1:1']);
    expect(failures).toMatchObject([{ address: '127.0.0.1:1', reason: 'unreachable' }]);
    const taken = create('two', {
      bind: { host: '127.0.0.1', port: pool.members()[0]?.port ?? 0 },
    });
    await expect(taken.start()).rejects.toThrow(/in use/i);
    await expect(create('line\nbreak').start()).rejects.toThrow(/cannot be the name/);
    await expect(create('three', { keys: ['short'] }).start()).rejects.toThrow(/16, 24 or 32/);
  });

  it('starts a worker that died again, on its port and in its pool, and says so', async () => {
    const workers = watchWorkers();
    const { one, two, address } = await pair();
    const [victim] = workers;
    const troubles = troublesOf(one);
    const lost = one.query('nobody-answers', new Uint8Array(0), { timeoutMs: 60_000 });
    void victim?.terminate();
    await expect(lost).rejects.toThrow(/the gossip worker ended/);
    expect(troubles).toEqual([
      {
        code: 'engine-crash',
        source: 'one',
        detail: 'the gossip worker ended with code 1; it is started again',
        count: 1,
      },
    ]);
    await vi.waitFor(async () => expect((await one.stats()).worker_restarts).toBe(1), limitMs);
    await vi.waitFor(() => expect(statuses(one)).toEqual({ one: 'alive', two: 'alive' }), limitMs);
    const back = one.members().find(({ name }) => name === 'one');
    expect(`${back?.address}:${back?.port}`).toBe(address);
    await one.sendEvent('back', new Uint8Array(0), false);
    const events: PoolEvent[] = [];
    two.onEvent((event) => events.push(event));
    await vi.waitFor(async () => {
      await one.sendEvent('again', Buffer.from(String(events.length)), false);
      expect(events.some((event) => event.type === 'user-event')).toBe(true);
    }, limitMs);
  });

  it('says why a worker cannot be started again, tries on, and comes back', async () => {
    const workers = watchWorkers();
    const { one, address } = await pair();
    const troubles = troublesOf(one);
    // Somebody else takes the port at the moment of the crash.
    const squatter = createServer((socket) => socket.destroy());
    closing.push(() => new Promise((resolve) => squatter.close(resolve)));
    one.onEvent((event) => {
      if (event.type === 'trouble' && troubles.length === 1) {
        squatter.listen(Number(address.split(':')[1]), '127.0.0.1');
      }
    });
    void workers[0]?.terminate();
    await vi.waitFor(() => expect(troubles.length).toBeGreaterThan(1), limitMs);
    expect(troubles[1]).toMatchObject({
      code: 'engine-crash',
      detail: expect.stringMatching(/could not be started again: .* in use/) as string,
    });
    await expect(one.join([address])).rejects.toThrow(/is being started again/);
    squatter.close();
    await vi.waitFor(async () => expect((await one.stats()).members).toBe(2), 60_000);
    expect(statuses(one)).toEqual({ one: 'alive', two: 'alive' });
  });

  it('survives a worker that dies again while it comes back', async () => {
    const workers = watchWorkers();
    const { one, two } = await pair();
    for (let crashes = 1; crashes <= 3; crashes += 1) {
      const known = workers.length;
      await workers[crashes === 1 ? 0 : known - 1]?.terminate();
      // The next one dies as soon as it is spoken to.
      await vi.waitFor(() => expect(workers.length).toBe(known + 1), limitMs);
    }
    await vi.waitFor(async () => expect((await one.stats()).members).toBe(2), 60_000);
    expect(statuses(one)).toEqual({ one: 'alive', two: 'alive' });
    await vi.waitFor(() => expect(statuses(two)).toEqual({ one: 'alive', two: 'alive' }), limitMs);
  });

  it('leaves, and refuses what comes after', async () => {
    const { one, two } = await pair();
    await two.leave();
    await vi.waitFor(() => expect(statuses(one).two).toBe('left'), limitMs);
    await expect(two.join(['127.0.0.1:1'])).rejects.toThrow(/is not running/);
    await two.close();
    await expect(create('never started').stats()).rejects.toThrow(/is not running/);
  });
});
