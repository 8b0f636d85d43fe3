// Bench: our gossip engine beside the real serf agent, in the same run.
//
// Pools of 10: each member a process in a network namespace of its own. Pools of 50: five namespaces
// of ten members; serf one process a member, ours ten members a process (fifty Node processes would
// measure the start of Node). Loss is made on every packet, also between members of one namespace.
// Without namespaces: loopback, and neither traffic nor loss is measured. Ours runs in the processes'
// main threads here. Both with the LAN profile. Then an idle daemon in a pool of ten. Needs the Debian
// package serf.

import { createNetwork, type Network } from '../../support/netns.ts';
import { losePackets, lossUnavailable } from '../../support/packet-loss.ts';
import { serfUnavailable } from '../../support/serf-agent.ts';
import { goal, type BenchContext } from '../bench.ts';
import { distribution } from '../statistics.ts';
import { measureCodec } from './codec.ts';
import { idleDaemon } from './idle-daemon.ts';
import { startOurSide } from './our-side.ts';
import { startSerfSide } from './serf-side.ts';
import type { Places, Side } from './side.ts';
import { round, weigh } from './weigh.ts';

const events = 50;
/** Pools that are formed for the time to full membership, and of which one member is killed. */
const formations = 5;
const idleMs = 20_000;
const lossMs = 30_000;
const losses = [0, 5, 10] as const;

type Start = (count: number, places: Places) => Promise<Side>;

const sides = {
  serf: startSerfSide,
  ours: (count, places) => startOurSide(count, count > 10 ? 10 : 1, places),
} as const satisfies Readonly<Record<string, Start>>;

/** The figures that have a goal, milliseconds. */
interface Times {
  readonly fullMembershipMs: ReturnType<typeof distribution>;
  readonly userEventMs: { readonly p50: number; readonly p99: number; readonly samples: number };
  readonly killedMemberKnownToAllMs: ReturnType<typeof distribution>;
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
    const serf = await measure(count, sides.serf, places?.hosts);
    const ours = await measure(count, sides.ours, places?.hosts);
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

async function measure(
  count: number,
  start: Start,
  hosts: number | undefined,
): Promise<Times & object> {
  const formMs: number[] = [];
  const detectMs: number[] = [];
  for (let formation = 1; formation < formations; formation += 1) {
    await inPool(count, start, hosts, async (side) => {
      formMs.push(await side.formMs());
      detectMs.push(await side.detectMs());
    });
  }
  return inPool(count, start, hosts, async (side, network) => {
    formMs.push(await side.formMs());
    const latencies: number[] = [];
    for (let index = 0; index < events; index += 1) {
      latencies.push(...(await side.event(`bench-${index}`)));
    }
    const idle = await weigh(side.processes, network?.hosts, idleMs);
    const falseFailures: Record<string, number> = {};
    for (const percent of network === undefined ? [] : losses) {
      for (const host of network?.hosts ?? []) losePackets(host, percent);
      const before = side.failures();
      await new Promise((resolve) => setTimeout(resolve, lossMs));
      falseFailures[`${percent} %`] = side.failures() - before;
    }
    for (const host of network?.hosts ?? []) losePackets(host, 0);
    detectMs.push(await side.detectMs());
    latencies.sort((left, right) => left - right);
    const at = (share: number): number =>
      round(latencies[Math.min(latencies.length - 1, Math.floor(share * latencies.length))] ?? NaN);
    return {
      fullMembershipMs: distribution(formMs),
      userEventMs: { p50: at(0.5), p99: at(0.99), samples: latencies.length },
      idle,
      ...(network === undefined ? {} : { falseFailures }),
      killedMemberKnownToAllMs: distribution(detectMs),
    };
  });
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
