// Bench: our gossip engine beside the real serf agent, in the same run.
//
// Pools of 10: each member a process in a network namespace of its own, both engines alike, so that
// traffic can be counted and loss be made (without namespaces: loopback, and neither is measured).
// Pools of 50: loopback; serf one process a member, ours ten members a process (fifty Node processes
// would measure the start of Node). Ours runs in the processes' main threads here. Both with the
// LAN profile. Needs the Debian package serf.

import { createNetwork, type Network } from '../../support/netns.ts';
import { losePackets, lossUnavailable } from '../../support/packet-loss.ts';
import { serfUnavailable } from '../../support/serf-agent.ts';
import { measureCodec } from './codec.ts';
import { startOurSide } from './our-side.ts';
import { startSerfSide } from './serf-side.ts';
import type { Places, Side } from './side.ts';
import { round, weigh } from './weigh.ts';

const events = 50;
const idleMs = 20_000;
const lossMs = 30_000;
const losses = [0, 5, 10] as const;

type Start = (count: number, places: Places) => Promise<Side>;

const sides: Readonly<Record<string, Start>> = {
  serf: startSerfSide,
  ours: (count, places) => startOurSide(count, places === undefined ? 10 : 1, places),
};

/** Runs the bench; takes about six minutes. */
export async function runGossipBench(): Promise<object> {
  const missing = serfUnavailable();
  if (missing !== undefined) throw new Error(missing);
  const noLoss = lossUnavailable();
  const pools: Record<string, object> = {};
  for (const count of [10, 50]) {
    const pool: Record<string, object> = {};
    for (const [name, start] of Object.entries(sides)) {
      const network = count === 10 && noLoss === undefined ? createNetwork(count) : undefined;
      try {
        pool[name] = await measure(count, start, network);
      } finally {
        network?.close();
      }
    }
    pools[`members ${count}`] = pool;
  }
  return {
    method: {
      events,
      idleSeconds: idleMs / 1000,
      secondsPerLoss: lossMs / 1000,
      loss: noLoss ?? 'in namespaces, every packet of every host alike',
    },
    pools,
    codec: measureCodec(),
  };
}

async function measure(count: number, start: Start, network: Network | undefined): Promise<object> {
  const side = await start(count, network?.hosts);
  try {
    const formMs = await side.formMs();
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
    const detectMs = await side.detectMs();
    latencies.sort((left, right) => left - right);
    const at = (share: number): number =>
      round(latencies[Math.min(latencies.length - 1, Math.floor(share * latencies.length))] ?? NaN);
    return {
      fullMembershipMs: round(formMs),
      userEventMs: { p50: at(0.5), p99: at(0.99), samples: latencies.length },
      idle,
      ...(network === undefined ? {} : { falseFailures }),
      killedMemberKnownToAllMs: round(detectMs),
    };
  } finally {
    await side.stop();
  }
}
