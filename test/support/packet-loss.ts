// Loss on everything that a host in a namespace sends, to its own address too, but for 127.0.0.0/8:
// by the random match of iptables, or where the kernel lacks it by `tc netem` (on the way out alone).

import { spawnSync } from 'node:child_process';
import { createNetwork, hostsUnavailable, type Host } from './netns.ts';

type Method = readonly ((percent: number) => readonly string[])[];

const netem: Method = [
  (percent) => ['tc', 'qdisc', 'replace', 'dev', 'eth0', 'root', 'netem', 'loss', `${percent}%`],
];

const iptables: Method = [
  () => ['iptables', '-F', 'OUTPUT'],
  (percent) => [
    ...['iptables', '-A', 'OUTPUT', '!', '-d', '127.0.0.0/8'],
    ...['-m', 'statistic', '--mode', 'random'],
    ...['--probability', String(percent / 100), '-j', 'DROP'],
  ],
];

function apply(host: Host, method: Method, percent: number): string | undefined {
  for (const step of method) {
    const [file = '', ...args] = host.wrap(step(percent));
    const done = spawnSync(file, args, { encoding: 'utf8' });
    if (done.status !== 0) return done.error?.message ?? done.stderr.trim();
  }
  return undefined;
}

/** Loses this share of the packets that a host sends. Throws where the kernel cannot. */
export function losePackets(host: Host, percent: number): void {
  const reasons: string[] = [];
  for (const method of [iptables, netem]) {
    const reason = apply(host, method, percent);
    if (reason === undefined) return;
    reasons.push(reason);
  }
  throw new Error(`packets cannot be lost here: ${reasons.join('; ')}`);
}

/** Gives the reason why loss cannot be made here, or `undefined`. */
export function lossUnavailable(): string | undefined {
  const reason = hostsUnavailable();
  if (reason !== undefined) return reason;
  const network = createNetwork(1);
  try {
    for (const host of network.hosts) losePackets(host, 1);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    network.close();
  }
}
