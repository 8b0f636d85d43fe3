// What a process costs, as the system counts it.

import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { round } from './statistics.ts';

/** `proc(5)` counts in ticks of `USER_HZ`, 100 a second on every Linux that Node runs on. */
const tickMs = 10;
const sampleMs = 500;

export interface ProcessLoad {
  readonly seconds: number;
  /** Part of one core, all threads together. */
  readonly cores: number;
  /** Resident memory, megabytes: the mean over the window, and its highest. */
  readonly rssMb: number;
  readonly rssWorstMb: number;
  /** The part that is this process's alone (without the mapped program file). */
  readonly anonymousMb: number;
}

/** Milliseconds of processor time that a process has taken so far. Throws when it has ended. */
export function processorMs(pid: number): number {
  const stat = readProc(pid, 'stat');
  // The name, in brackets, may hold anything; `state` is the field behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * tickMs;
}

/** Memory of a process, megabytes: now, and the highest so far. */
export function memoryMb(pid: number): {
  readonly rss: number;
  readonly peak: number;
  readonly anonymous: number;
} {
  const status = readProc(pid, 'status');
  const field = (name: string): number => {
    const found = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status);
    return Number(found?.[1] ?? Number.NaN) / 1024;
  };
  return { rss: field('VmRSS'), peak: field('VmHWM'), anonymous: field('RssAnon') };
}

/** Watches a process for so long. Rejects when `signal` aborts or the process ends. */
export async function processLoad(
  pid: number,
  seconds: number,
  signal: AbortSignal,
): Promise<ProcessLoad> {
  const startMs = performance.now();
  const startCpuMs = processorMs(pid);
  const rss: number[] = [];
  while (performance.now() - startMs < seconds * 1000) {
    await wait(Math.min(sampleMs, seconds * 1000), undefined, { signal });
    rss.push(memoryMb(pid).rss);
  }
  const elapsedMs = performance.now() - startMs;
  return {
    seconds: round(elapsedMs / 1000),
    cores: round((processorMs(pid) - startCpuMs) / elapsedMs, 4),
    rssMb: round(rss.reduce((sum, value) => sum + value, 0) / rss.length),
    rssWorstMb: round(Math.max(...rss)),
    anonymousMb: round(memoryMb(pid).anonymous),
  };
}

function readProc(pid: number, file: string): string {
  if (process.platform !== 'linux') {
    throw new Error('this bench reads what a process costs from /proc, and so needs Linux');
  }
  return readFileSync(`/proc/${pid}/${file}`, 'utf8');
}
