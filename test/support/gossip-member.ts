// A process with one or several members of our own engine, for tests and benchmarks that must kill,
// weigh or isolate one. Started by `member-process.ts`; speaks JSON over the IPC channel.

import { systemClock } from '../../daemon/support/clock.ts';
import { silentLogger } from '../../daemon/support/logger.ts';
import { systemRandom } from '../../daemon/support/random.ts';
import { netTransport } from '../../daemon/gossip/transport/net-transport.ts';
import type { GossipPool, PoolEvent, PoolSettings } from '../../daemon/gossip/pool.ts';
import { createInProcessPool } from '../../daemon/gossip/worker/in-process-pool.ts';

/** What the parent asks for. Calls name a member of this process. */
export type MemberRequest =
  | { readonly id: number; readonly op: 'start'; readonly settings: PoolSettings }
  | {
      readonly id: number;
      readonly op: 'join';
      readonly node: string;
      readonly addresses: readonly string[];
    }
  | {
      readonly id: number;
      readonly op: 'event';
      readonly node: string;
      readonly name: string;
      readonly payload: string;
    }
  | {
      readonly id: number;
      readonly op: 'members' | 'leave' | 'close' | 'stats';
      readonly node: string;
    }
  | { readonly id: number; readonly op: 'usage' };

export type MemberReply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: string }
  | { readonly node: string; readonly event: PoolEvent; readonly atMs: number };

const pools = new Map<string, GossipPool>();

function send(reply: MemberReply): void {
  process.send?.(reply);
}

process.on('message', (request: MemberRequest) => {
  handle(request).then(
    (value) => send({ id: request.id, value }),
    (error: unknown) => send({ id: request.id, error: String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));

async function handle(request: MemberRequest): Promise<unknown> {
  switch (request.op) {
    case 'start':
      return start(request.settings);
    case 'join': {
      const begunMs = performance.timeOrigin + performance.now();
      return { ...(await poolOf(request.node).join(request.addresses)), begunMs };
    }
    case 'event':
      return poolOf(request.node).sendEvent(request.name, Buffer.from(request.payload), false);
    case 'members':
      return poolOf(request.node).members();
    case 'leave':
      return poolOf(request.node).leave();
    case 'close':
      return poolOf(request.node).close();
    case 'stats':
      return poolOf(request.node).stats();
    case 'usage':
      return { cpu: process.cpuUsage(), rssBytes: process.memoryUsage.rss() };
  }
}

async function start(settings: PoolSettings): Promise<unknown> {
  const pool = createInProcessPool(settings, {
    logger: silentLogger,
    clock: systemClock,
    random: systemRandom,
    openTransport: netTransport(systemClock),
  });
  pools.set(settings.node, pool);
  pool.onEvent((event) =>
    send({ node: settings.node, event, atMs: performance.timeOrigin + performance.now() }),
  );
  pool.answer('who', () => Buffer.from(settings.node));
  return pool.start();
}

function poolOf(node: string): GossipPool {
  const pool = pools.get(node);
  if (pool === undefined) throw new Error(`no member "${node}" in this process`);
  return pool;
}
