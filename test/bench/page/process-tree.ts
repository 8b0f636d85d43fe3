// What a program costs that is many processes: it and all its children, without some of them.

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { processorMs } from '../process-load.ts';
import { round } from '../statistics.ts';

/** Gives the cores that a tree of processes takes over so many seconds, without those of `except`. */
export async function treeCores(
  root: number,
  seconds: number,
  signal: AbortSignal,
  except: readonly number[] = [],
): Promise<number> {
  const before = spent(root, except);
  const startMs = performance.now();
  await wait(seconds * 1000, undefined, { signal });
  const after = spent(root, except);
  let cpuMs = 0;
  // One that began meanwhile counts from its beginning; one that ended is not counted any more.
  for (const [pid, ms] of after) cpuMs += ms - (before.get(pid) ?? 0);
  return round(cpuMs / (performance.now() - startMs), 4);
}

function spent(root: number, except: readonly number[]): ReadonlyMap<number, number> {
  const children = childrenByParent();
  const found = new Map<number, number>();
  const visit = (pid: number): void => {
    if (except.includes(pid)) return;
    try {
      found.set(pid, processorMs(pid));
    } catch {
      // It has ended between the two looks.
      return;
    }
    for (const child of children.get(pid) ?? []) visit(child);
  };
  visit(root);
  return found;
}

function childrenByParent(): ReadonlyMap<number, readonly number[]> {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      children.set(parent, [...(children.get(parent) ?? []), pid]);
    } catch {
      // It has ended meanwhile.
    }
  }
  return children;
}
