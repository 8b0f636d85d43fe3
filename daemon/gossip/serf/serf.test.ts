// Whole members on a network in memory, without the real agent: names, queries, keys.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../support/logger.ts';
import { seededRandom } from '../../support/random.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { memberlistConfig } from '../memberlist/config.ts';
import { Memberlist } from '../memberlist/memberlist.ts';
import type { PoolEvent, PoolMember } from '../pool.ts';
import { MemoryNetwork } from '../transport/memory-transport.ts';
import type { Address } from '../transport/transport.ts';
import { encodeKey } from './keyring-file.ts';
import { Serf } from './serf.ts';

let clock: VirtualClock;
let network: MemoryNetwork;
let started: Serf[];
let events: Map<Serf, PoolEvent[]>;
const random = seededRandom(5);

beforeEach(() => {
  clock = new VirtualClock();
  network = new MemoryNetwork(clock, random);
  started = [];
  events = new Map();
});
afterEach(async () => {
  for (const serf of started) await serf.shutdown();
});

async function start(name: string, keys: readonly Uint8Array[] = []): Promise<Serf> {
  const seen: PoolEvent[] = [];
  const host = `10.0.0.${started.length + 1}`;
  const serf = new Serf({
    tags: { of: name },
    memberlist: memberlistConfig('lan', { name, bind: { host, port: 7946 }, keys }),
    createMemberlist: (options) => new Memberlist(options),
    openTransport: network.transport(clock),
    clock,
    random,
    logger: silentLogger,
    onEvent: (event) => seen.push(event),
  });
  await serf.start();
  serf.answer('who', () => Buffer.from(name));
  started.push(serf);
  events.set(serf, seen);
  return serf;
}

/** Lets virtual time pass until a promise is settled. */
async function settle<T>(promise: Promise<T>): Promise<T> {
  let done = false;
  const ended = promise.finally(() => (done = true));
  ended.catch(() => undefined);
  if (!(await clock.runUntil(() => done, 120_000))) throw new Error('nothing came of it');
  return ended;
}

async function pool(...names: string[]): Promise<Serf[]> {
  for (const name of names) await start(name);
  for (const serf of started.slice(1)) await settle(serf.join(['10.0.0.1']));
  await clock.advanceAsync(5000);
  return started;
}

const conflicts = (serf: Serf): string[] =>
  (events.get(serf) ?? []).flatMap((event) =>
    event.type === 'trouble' && event.trouble.code === 'name-conflict'
      ? [event.trouble.detail]
      : [],
  );
const evictions = (serf: Serf): PoolEvent[] =>
  (events.get(serf) ?? []).filter(({ type }) => type === 'evicted');

describe('two members with one name', () => {
  it('are named on both sides, and both stay where nobody else can vote', async () => {
    const [one] = (await pool('twin')) as [Serf];
    const two = await start('twin');
    await settle(two.join(['10.0.0.1']));
    await clock.advanceAsync(30_000);
    for (const serf of [one, two]) {
      expect(conflicts(serf)[0]).toMatch(/two members are named "twin": 10\.0\.0\.\d:7946 and/);
      expect(evictions(serf)).toEqual([]);
    }
  });

  it('end with the newcomer shut down where the majority knows the other', async () => {
    const [holder] = (await pool('twin', 'a', 'b')) as [Serf];
    const newcomer = await start('twin');
    await settle(newcomer.join(['10.0.0.2']));
    await clock.advanceAsync(30_000);
    expect(evictions(newcomer)).toMatchObject([
      { detail: expect.stringMatching(/"twin" is held by 10\.0\.0\.1:7946 for 2 of 2 members/) },
    ]);
    expect(evictions(holder)).toEqual([]);
    expect(conflicts(holder)).toHaveLength(1);
    await expect(settle(newcomer.join(['10.0.0.2']))).rejects.toThrow(/has shut down/);
  });
});

describe('queries', () => {
  it('end as soon as all that were asked have answered', async () => {
    const [one] = (await pool('a', 'b', 'c')) as [Serf];
    const startMs = clock.monotonicMs();
    const outcome = await settle(
      one.query('who', new Uint8Array(0), { wantAck: true, timeoutMs: 60_000 }),
    );
    expect(outcome.acks.toSorted()).toEqual(['a', 'b', 'c']);
    expect(outcome.responses.map(({ from }) => from).sort()).toEqual(['a', 'b', 'c']);
    expect(clock.monotonicMs() - startMs).toBeLessThan(5000);
  });

  it('wait for the timeout where somebody is silent, and say how many were asked', async () => {
    const [one] = (await pool('a', 'b', 'c')) as [Serf];
    network.cut('10.0.0.3', '10.0.0.1');
    const outcome = await settle(one.query('who', new Uint8Array(0), { timeoutMs: 3000 }));
    expect(outcome.responses.map(({ from }) => from).sort()).toEqual(['a', 'b']);
    expect(outcome.asked).toBe(3);
  });

  it('reach over relays whom the direct way does not', async () => {
    const [one] = (await pool('a', 'b', 'c')) as [Serf];
    network.cut('10.0.0.3', '10.0.0.1');
    const outcome = await settle(
      one.query('who', new Uint8Array(0), { timeoutMs: 10_000, relayFactor: 2 }),
    );
    expect(outcome.responses.map(({ from }) => from).sort()).toEqual(['a', 'b', 'c']);
  });

  it('are refused where they are too large, and so are answers, which is counted', async () => {
    const [one] = (await pool('a', 'b')) as [Serf];
    await expect(one.query('who', Buffer.alloc(1024), {})).rejects.toThrow(/1024/);
    one.answer('big', () => Buffer.alloc(2000));
    one.answer('fails', () => Promise.reject(new Error('no')));
    const ask = (name: string) =>
      settle(one.query(name, new Uint8Array(0), { filterNodes: ['a'], timeoutMs: 1000 }));
    expect((await ask('big')).responses).toEqual([]);
    expect((await ask('fails')).responses).toEqual([]);
    expect(one.stats()).toMatchObject({ query_responses_too_large: 1, query_handlers_failed: 1 });
  });
});

describe('keys of the pool', () => {
  const [first, second] = [new Uint8Array(16).fill(1), new Uint8Array(32).fill(2)];

  it('change everywhere, with an answer of each member', async () => {
    for (const name of ['a', 'b', 'c']) await start(name, [first]);
    const [one] = started as [Serf];
    for (const serf of started.slice(1)) await settle(serf.join(['10.0.0.1']));
    await clock.advanceAsync(5000);
    const run = (operation: 'install' | 'use' | 'remove' | 'list', key?: Uint8Array) =>
      settle(one.keys.run(operation, key && encodeKey(key)));
    expect((await run('use', second)).errors).toMatchObject({
      a: expect.stringMatching(/not in the keyring/),
      b: expect.any(String),
      c: expect.any(String),
    });
    expect(await run('install', second)).toMatchObject({ asked: 3, answered: 3, errors: {} });
    await run('use', second);
    await run('remove', first);
    expect(await run('list')).toMatchObject({
      keys: { [encodeKey(second)]: 3 },
      primaryKeys: { [encodeKey(second)]: 3 },
    });
    expect(one.members().every(({ status }) => status === 'alive')).toBe(true);
  });

  it('list as many as an answer can hold, and say so', async () => {
    const many = Array.from({ length: 40 }, (_, index) => new Uint8Array(32).fill(index));
    const one = await start('a', many);
    const listed = await settle(one.keys.run('list', undefined));
    expect(listed.errors.a).toMatch(/truncated key list response, showing first \d+ of 40 keys/);
    expect(Object.keys(listed.keys).length).toBeGreaterThan(10);
  });

  it('are refused without encryption', async () => {
    const one = await start('a');
    const outcome = await settle(one.keys.run('install', encodeKey(first)));
    expect(outcome.errors).toEqual({ a: 'No keyring to modify (encryption not enabled)' });
    await expect(one.keys.run('install', 'short')).rejects.toThrow(/16, 24 or 32/);
  });
});

describe('replayed datagrams', () => {
  it('change nothing: neither events, nor queries, nor who is there', async () => {
    const sent: { from: Address; to: Address; bytes: Uint8Array }[] = [];
    const send = network.send.bind(network);
    network.send = (from, to, bytes) => {
      sent.push({ from, to, bytes: new Uint8Array(bytes) });
      send(from, to, bytes);
    };
    const [one, two, three] = (await pool('a', 'b', 'c')) as [Serf, Serf, Serf];
    let asked = 0;
    two.answer('count', () => Buffer.from(String((asked += 1))));
    for (let index = 0; index < 5; index += 1) one.userEvent(`e${index}`, Buffer.from('x'), false);
    await settle(one.query('count', new Uint8Array(0), { timeoutMs: 5000 }));
    await settle(one.setTags({ of: 'a', new: 'yes' }));
    await settle(three.leave());
    await clock.advanceAsync(10_000);
    network.send = send;
    const before = [one, two].map((serf) => serf.members());
    const heard = [one, two].map((serf) => events.get(serf)?.length);
    expect([asked, sent.length > 50]).toEqual([1, true]);

    // All of it again, backwards: the oldest claims come last.
    for (const { from, to, bytes } of sent.toReversed()) network.send(from, to, bytes);
    await clock.advanceAsync(30_000);
    expect(asked).toBe(1);
    expect([one, two].map((serf) => events.get(serf)?.length)).toEqual(heard);
    expect([one, two].map((serf) => serf.members().map(withoutRoundTrip))).toEqual(
      before.map((members) => members.map(withoutRoundTrip)),
    );
  });
});

function withoutRoundTrip({ roundTripMs: _, ...member }: PoolMember): unknown {
  return member;
}
