// Bench: our gossip engine beside the real serf agent, in the same run.
//
// Pools of 10: each member a process in a network namespace of its own. Pools of 50: five namespaces
// of ten members; serf one process a member, ours ten members a process (fifty Node processes would
// measure the start of Node). Loss is made on every packet, also between members of one namespace.
// Without namespaces: loopback, and neither traffic nor loss is measured. Ours runs in the processes'
// main threads here. Both with the LAN profile. Then an idle daemon in a pool of ten. Needs the Debian
// package serf.

import { setTimeout as wait } from 'node:timers/promises';
import { createNetwork, type Network } from '../../support/netns.ts';
import { losePackets, lossUnavailable } from '../../support/packet-loss.ts';
import { serfUnavailable } from '../../support/serf-agent.ts';
import { goal, type BenchContext } from '../bench.ts';
import { distribution } from '../statistics.ts';
import { measureCodec } from './codec.ts';
import { idleDaemon } from './idle-daemon.ts';
import { startOurSide } from './our-side.ts';
import { startSerfSide } from './serf-side.ts';
import { eventPatienceMs, type Places, type Side } from './side.ts';
import { round, weigh } from './weigh.ts';

const events = 50;
/**
 * Pools that are formed for the time to full membership, and of which one member is killed; fewer of
 * fifty, where a member that gossip misses waits a minute for the next push/pull.
 */
const formations: Readonly<Record<number, number>> = { 10: 5, 50: 3 };
/** Without loss: what a member costs, and whether one is held failed that is not. */
const idleMs = 30_000;
const lossMs = 30_000;
const losses = [5, 10] as const;

type Start = (count: number, places: Places) => Promise<Side>;

const sides = {
  serf: startSerfSide,
  ours: (count, places) => startOurSide(count, count > 10 ? 10 : 1, places),
} as const satisfies Readonly<Record<string, Start>>;

/** The figures that have a goal, milliseconds. */
interface Times {
  readonly fullMembershipMs: ReturnType<typeof distribution>;
  readonly userEventMs: EventTimes;
  readonly killedMemberKnownToAllMs: ReturnType<typeof distribution>;
}

interface EventTimes {
  readonly p50: number;
  readonly p99: number;
  readonly samples: number;
  /** Members that had an event only by a later push/pull: gossip had missed them. */
  readonly missedByGossip: number;
}

/** Runs the bench; takes about a quarter of an hour. */
export async function runGossipBench(context: BenchContext): Promise<object> {
  const missing = serfUnavailable();
  if (missing !== undefined) throw new Error(missing);
  const noLoss = lossUnavailable();
  const pools: Record<string, object> = {};
  const goals: object[] = [];
  for (const count of [10, 50]) {
    const places = noLoss === undefined ? { hosts: count === 10 ? 10 : 5 } : undefined;
    context.say(`pools of ${count}`);
    const times = await formPools(context, count, places?.hosts);
    const serf = await measure(context, count, sides.serf, places?.hosts, times.serf);
    const ours = await measure(context, count, sides.ours, places?.hosts, times.ours);
    pools[`members ${count}`] = { serf, ours };
    context.say(JSON.stringify({ serf, ours }));
    goals.push(...ratios(count, serf, ours));
  }
  context.say('an idle daemon');
  const idle = await idleDaemon(context);
  context.say(JSON.stringify(idle));
  return {
    method: {
      events,
      formations,
      idleSeconds: idleMs / 1000,
      secondsPerLoss: lossMs / 1000,
      eventPatienceSeconds: eventPatienceMs / 1000,
      loss: noLoss ?? 'in namespaces, every packet of every member alike',
    },
    pools,
    idleDaemonInPoolOf10: idle,
    codec: measureCodec(),
    goals: [
      ...goals,
      goal('idle daemon in a pool of 10: cores', { atMost: 0.01 }, idle.cores),
      goal('idle daemon in a pool of 10: cores of its gossip', { atMost: 0.01 }, idle.gossipCores),
      goal('idle daemon in a pool of 10: MB resident', { atMost: 90 }, idle.rssMb),
    ],
  };
}

/** Ours by serf's, of the same run. */
function ratios(count: number, serf: Times, ours: Times): object[] {
  const judge = (what: string, pick: (times: Times) => number): object =>
    goal(
      `${what}, pool of ${count}: ours by serf's`,
      { atMost: 1.2 },
      round(pick(ours) / pick(serf)),
    );
  return [
    judge('full membership', ({ fullMembershipMs }) => fullMembershipMs.p50),
    judge('user event p50', ({ userEventMs }) => userEventMs.p50),
    judge('user event p99', ({ userEventMs }) => userEventMs.p99),
    judge('killed member known to all', (times) => times.killedMemberKnownToAllMs.p50),
  ];
}

interface PoolTimes {
  readonly formMs: number[];
  readonly detectMs: number[];
}

/** Forms all pools but the last of each side, in turns: what else runs is then alike for both. */
async function formPools(
  context: BenchContext,
  count: number,
  hosts: number | undefined,
): Promise<Readonly<Record<keyof typeof sides, PoolTimes>>> {
  const times = {
    serf: { formMs: [] as number[], detectMs: [] as number[] },
    ours: { formMs: [] as number[], detectMs: [] as number[] },
  };
  for (let formation = 1; formation < (formations[count] ?? 1); formation += 1) {
    for (const name of ['serf', 'ours'] as const) {
      context.signal.throwIfAborted();
      const formMs = await inPool(count, sides[name], hosts, async (side) => {
        const tookMs = await side.formMs();
        times[name].detectMs.push(await side.detectMs());
        return tookMs;
      });
      times[name].formMs.push(formMs);
      context.say(`formed ${formation}, ${name}: ${Math.round(formMs)} ms`);
    }
  }
  return times;
}

async function measure(
  context: BenchContext,
  count: number,
  start: Start,
  hosts: number | undefined,
  { formMs, detectMs }: PoolTimes,
): Promise<Times & object> {
  const { signal } = context;
  return inPool(count, start, hosts, async (side, network) => {
    formMs.push(await side.formMs());
    const latencies: number[] = [];
    for (let index = 0; index < events; index += 1) {
      signal.throwIfAborted();
      latencies.push(...(await side.event(`bench-${index}`)));
    }
    const falseFailures: Record<string, number> = {};
    const before = side.failures();
    const idle = await weigh(side.processes, network?.hosts, idleMs);
    falseFailures['0 %'] = side.failures() - before;
    for (const percent of network === undefined ? [] : losses) {
      for (const host of network?.hosts ?? []) losePackets(host, percent);
      const beforeLoss = side.failures();
      await wait(lossMs, undefined, { signal });
      falseFailures[`${percent} %`] = side.failures() - beforeLoss;
    }
    for (const host of network?.hosts ?? []) losePackets(host, 0);
    detectMs.push(await side.detectMs());
    return {
      fullMembershipMs: distribution(formMs),
      userEventMs: eventTimes(latencies),
      idle,
      falseFailures,
      killedMemberKnownToAllMs: distribution(detectMs),
    };
  });
}

/** Who was missed counts as late as we waited. */
function eventTimes(latencies: readonly number[]): EventTimes {
  const { p50, p99, samples } = distribution(
    latencies.map((tookMs) => Math.min(tookMs, eventPatienceMs)),
  );
  const missedByGossip = latencies.filter((tookMs) => tookMs >= eventPatienceMs).length;
  return { p50, p99, samples, missedByGossip };
}

/** A pool of its own for `work`, stopped afterwards. */
async function inPool<T>(
  count: number,
  start: Start,
  hosts: number | undefined,
  work: (side: Side, network: Network | undefined) => Promise<T>,
): Promise<T> {
  const network = hosts === undefined ? undefined : createNetwork(hosts);
  try {
    const places =
      network === undefined
        ? undefined
        : { hosts: network.hosts, membersPerHost: count / network.hosts.length };
    const side = await start(count, places);
    try {
      return await work(side, network);
    } finally {
      await side.stop();
    }
  } finally {
    network?.close();
  }
}
