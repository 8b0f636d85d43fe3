// A flood on the gossip port of one of three members, each in its worker thread: what arrives is
// accounted for to the last datagram, memory stays bounded, and the pool goes on.

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import type { GossipPool, PoolEvent } from '../../daemon/gossip/pool.ts';
import { ping, userMsgHeader } from '../../daemon/gossip/wire/messages.ts';
import { createGossipPool } from '../../daemon/gossip/worker/worker-pool.ts';
import { systemClock } from '../../daemon/support/clock.ts';
import { silentLogger } from '../../daemon/support/logger.ts';
import { poll } from '../support/poll.ts';
import type { FloodOrder, FloodResult } from './flood-sender.ts';

const perSecond = 50_000;
const floodSeconds = 4;
/** A machine that is busy sends the same number more slowly; this caps it. */
const floodLimitMs = 60_000;
/** Gossip tells in a second; on a busy machine, and where it misses somebody, a push/pull does. */
const spreadMs = 100_000;
const mebibyte = 1024 * 1024;

interface Member {
  readonly pool: GossipPool;
  readonly port: number;
  readonly events: PoolEvent[];
}

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(node: string): Promise<Member> {
  const pool = createGossipPool(
    {
      node,
      bind: { host: '127.0.0.1', port: 0 },
      tags: {},
      profile: 'lan',
      keys: [],
      keyringFile: undefined,
      snapshotFile: undefined,
      rejoinAfterLeave: false,
    },
    { logger: silentLogger, clock: systemClock },
  );
  const events: PoolEvent[] = [];
  pool.onEvent((event) => events.push(event));
  closing.push(() => pool.close());
  const { port } = await pool.start();
  return { pool, port, events };
}

const aliveNames = ({ pool }: Member): string =>
  pool
    .members()
    .filter(({ status }) => status === 'alive')
    .map(({ name }) => name)
    .sort()
    .join();

/** What the system dropped because the socket's buffer was full; `undefined` where it does not say. */
function systemDrops(port: number): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const line = readFileSync('/proc/net/udp', 'utf8')
    .split('\n')
    .map((text) => text.trim().split(/\s+/))
    .find(([, local]) => local?.endsWith(suffix) === true);
  return line === undefined ? undefined : Number(line.at(-1));
}

describe('a flood', () => {
  it(
    `of ${perSecond} datagrams a second is counted and bounded, and the members stay`,
    async ({ annotate }) => {
      const [target, second, third] = [await start('a'), await start('b'), await start('c')];
      for (const { pool } of [second, third]) await pool.join([`127.0.0.1:${target.port}`]);
      const members = [target, second, third];
      await poll(
        () => members.every((member) => aliveNames(member) === 'a,b,c') || undefined,
        spreadMs,
      );

      const order: FloodOrder = {
        port: target.port,
        payloads: [
          new Uint8Array(1200).fill(99),
          ping.encode({ seqNo: 7, node: 'a' }),
          userMsgHeader.encode({ userMsgLen: 3 }),
        ],
        sources: Array.from({ length: 16 }, (_, index) => `127.0.0.${index + 2}`),
        total: perSecond * floodSeconds,
        perSecond,
        limitMs: floodLimitMs,
      };
      const beforeBytes = process.memoryUsage().rss;
      let mostBytes = beforeBytes;
      const sampler = setInterval(() => {
        mostBytes = Math.max(mostBytes, process.memoryUsage().rss);
      }, 100);
      const sender = new Worker(new URL('./flood-sender.ts', import.meta.url), {
        workerData: order,
      });
      const ended = once(sender, 'message') as Promise<[FloodResult]>;
      await second.pool.sendEvent('in the flood', Buffer.from('b'), false);
      const [{ sent, refused, tookMs }] = await ended;
      await sender.terminate();
      clearInterval(sampler);

      // All that was sent was taken in, refused by a rate or a queue, or dropped by the system.
      expect(sent + refused).toBe(order.total);
      const accounted = await poll(async () => {
        const stats = await target.pool.stats();
        const { datagramsReceived = 0, datagramsOverRate = 0, datagramsDropped = 0 } = stats;
        const system = systemDrops(target.port);
        const sum = datagramsReceived + datagramsOverRate + datagramsDropped + (system ?? sent);
        return sum >= sent
          ? { datagramsReceived, datagramsOverRate, datagramsDropped, system }
          : undefined;
      }, spreadMs);
      await annotate(
        JSON.stringify({
          sent,
          perSecond: Math.round((1000 * sent) / tookMs),
          ...accounted,
          grownMiB: Math.round((mostBytes - beforeBytes) / mebibyte),
        }),
      );
      // Strangers together get 8,000 a second and a second's worth on top; the pool's own are few.
      const allowed = 8000 * (tookMs / 1000 + 2) + 5000;
      expect(accounted.datagramsReceived).toBeLessThan(allowed);
      expect(mostBytes - beforeBytes).toBeLessThan(300 * mebibyte);
      // Where the system's own buffer overflows first, a busy thread may see less than the rate.
      const named = target.events.some(
        (event) => event.type === 'trouble' && event.trouble.code === 'flood',
      );
      expect(named).toBe(accounted.datagramsOverRate > 0);

      // Nobody was held failed, and the news of the pool passed meanwhile.
      for (const member of members) {
        await poll(
          () => member.events.some(({ type }) => type === 'user-event') || undefined,
          spreadMs,
        );
        expect(member.events.filter(({ type }) => type === 'member-failed')).toEqual([]);
        expect(aliveNames(member)).toBe('a,b,c');
      }
    },
    floodLimitMs + 3 * spreadMs,
  );
});
