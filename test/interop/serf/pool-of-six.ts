// Members for the tests against the real agent: what is started here is stopped after the test.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import type {
  GossipPool,
  MemberStatus,
  PoolEvent,
  PoolSettings,
} from '../../../daemon/gossip/pool.ts';
import { createGossipPool } from '../../../daemon/gossip/worker/worker-pool.ts';
import { systemClock } from '../../../daemon/support/clock.ts';
import { silentLogger } from '../../../daemon/support/logger.ts';
import { MemberProcess } from '../../support/member-process.ts';
import { poll } from '../../support/poll.ts';
import { SerfAgent, type SerfAgentOptions } from '../../support/serf-agent.ts';

/**
 * How long anything may take to spread. Gossip takes a second, and may miss a member; then a
 * push/pull mends it, of which every member makes one in 30 s with a random other.
 */
export const spreadMs = 100_000;
/** How long a death may take to be noticed by all. */
export const detectionMs = 90_000;

const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Runs `cleanup` after the test. */
export function later(cleanup: () => Promise<void>): void {
  cleanups.push(cleanup);
}

/** A directory of the test's own. */
export async function directory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'gossip-'));
  later(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** Settings of a member of ours, on loopback. */
export function settingsOf(node: string, changes: Partial<PoolSettings> = {}): PoolSettings {
  return {
    node,
    bind: { host: '127.0.0.1', port: 0 },
    tags: { 'syncer-cluster-name': `cluster of ${node}` },
    profile: 'lan',
    keys: [],
    keyringFile: undefined,
    snapshotFile: undefined,
    rejoinAfterLeave: false,
    ...changes,
  };
}

/** A member of ours in its worker thread. */
export interface Ours {
  readonly node: string;
  readonly pool: GossipPool;
  readonly address: string;
  readonly events: PoolEvent[];
  statusOf(node: string): MemberStatus | undefined;
}

export async function startOurs(node: string, changes: Partial<PoolSettings> = {}): Promise<Ours> {
  const pool = createGossipPool(settingsOf(node, changes), {
    logger: silentLogger,
    clock: systemClock,
  });
  const events: PoolEvent[] = [];
  pool.onEvent((event) => events.push(event));
  pool.answer('who', () => Buffer.from(node));
  later(() => pool.close());
  const { host, port } = await pool.start();
  return {
    node,
    pool,
    address: `${host}:${port}`,
    events,
    statusOf: (name) => pool.members().find((member) => member.name === name)?.status,
  };
}

export async function startAgent(
  node: string,
  options: Omit<SerfAgentOptions, 'node'> = {},
): Promise<SerfAgent> {
  const agent = await SerfAgent.start({
    eventHandlers: ['query:who=cat > /dev/null; printf %s "$SERF_SELF_NAME"'],
    ...options,
    node,
  });
  later(() => agent.kill());
  return agent;
}

/** A process for members of ours that are to be killed. */
export function startProcess(): MemberProcess {
  const process = new MemberProcess();
  later(() => process.kill());
  return process;
}

/** Waits until a member of ours sees these statuses. */
export async function weSee(
  ours: Ours,
  expected: Readonly<Record<string, MemberStatus>>,
  limitMs = spreadMs,
): Promise<void> {
  await poll(() => {
    for (const [node, status] of Object.entries(expected)) {
      const seen = ours.statusOf(node);
      if (seen !== status) throw new Error(`${ours.node} sees ${node} ${seen ?? 'not at all'}`);
    }
    return true;
  }, limitMs);
}

/** Waits until an agent sees these statuses. */
export async function agentSees(
  agent: SerfAgent,
  expected: Readonly<Record<string, string>>,
  limitMs = spreadMs,
): Promise<void> {
  await poll(
    async () => {
      const members = await agent.members();
      for (const [node, status] of Object.entries(expected)) {
        const seen = members.find(({ name }) => name === node)?.status;
        if (seen !== status) throw new Error(`${agent.node} sees ${node} ${seen ?? 'not at all'}`);
      }
      return true;
    },
    limitMs,
    300,
  );
}

/** Three agents and three of ours in one pool, each side joined from the other. */
export async function startSix(): Promise<{ agents: SerfAgent[]; ours: Ours[] }> {
  const agents = await Promise.all(
    ['serf-1', 'serf-2', 'serf-3'].map((node) => startAgent(node, { tags: { side: 'go' } })),
  );
  const ours = await Promise.all(['ours-1', 'ours-2', 'ours-3'].map((node) => startOurs(node)));
  const [first] = agents as [SerfAgent];
  const [one, two, three] = ours as [Ours, Ours, Ours];
  await one.pool.join([first.address]);
  await agents[1]?.run('join', one.address);
  await two.pool.join([one.address]);
  await agents[2]?.run('join', two.address);
  await three.pool.join([agents[2]?.address ?? '']);
  const all = Object.fromEntries([...agents, ...ours].map(({ node }) => [node, 'alive' as const]));
  await Promise.all([
    ...ours.map((member) => weSee(member, all)),
    ...agents.map((agent) => agentSees(agent, all)),
  ]);
  return { agents, ours };
}
