// CPU, memory and traffic of processes and hosts, read from /proc.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Host } from '../../support/netns.ts';
import type { WeighedProcess } from './side.ts';

export interface Weight {
  /** Of one core. */
  readonly cpuPercentPerMember: number;
  readonly rssMbPerMember: number;
  /** Sent by one member, streams and ARP among them; missing on loopback. */
  readonly packetsPerSecondPerMember?: number;
  readonly bytesPerSecondPerMember?: number;
}

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** Watches an idle pool for `durationMs`. */
export async function weigh(
  processes: readonly WeighedProcess[],
  hosts: readonly Host[] | undefined,
  durationMs: number,
): Promise<Weight> {
  const members = processes.reduce((sum, process) => sum + process.members, 0);
  const cpu = (): number => processes.reduce((sum, { pid }) => sum + cpuSeconds(pid), 0);
  const [cpuBefore, sentBefore] = [cpu(), sent(hosts)];
  await new Promise((resolve) => setTimeout(resolve, durationMs));
  const seconds = durationMs / 1000;
  const rss = processes.reduce((sum, { pid }) => sum + rssMb(pid), 0);
  const weight: Weight = {
    cpuPercentPerMember: round((100 * (cpu() - cpuBefore)) / seconds / members),
    rssMbPerMember: round(rss / members),
  };
  const sentAfter = sent(hosts);
  if (hosts === undefined || sentBefore === undefined || sentAfter === undefined) return weight;
  const perSecond = (before: number, after: number): number =>
    round((after - before) / seconds / members);
  return {
    ...weight,
    packetsPerSecondPerMember: perSecond(sentBefore.packets, sentAfter.packets),
    bytesPerSecondPerMember: perSecond(sentBefore.bytes, sentAfter.bytes),
  };
}

export function round(value: number): number {
  return Number(value.toFixed(2));
}

function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

function rssMb(pid: number): number {
  const line = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(line) / 1024;
}

function sent(hosts: readonly Host[] | undefined): { packets: number; bytes: number } | undefined {
  if (hosts === undefined) return undefined;
  const total = { packets: 0, bytes: 0 };
  for (const host of hosts) {
    const [file = '', ...args] = host.wrap(['cat', '/proc/net/dev']);
    const text = execFileSync(file, args, { encoding: 'utf8' });
    // Members of one host speak to each other over its loopback.
    for (const [, line = ''] of text.matchAll(/(?:eth0|lo):\s*(.*)/g)) {
      const fields = line.trim().split(/\s+/);
      total.bytes += Number(fields[8]);
      total.packets += Number(fields[9]);
    }
  }
  return total;
}
