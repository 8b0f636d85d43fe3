// A daemon with nothing to do in a pool of ten: the bundled program beside a lab registry, and nine
// members of our engine in one process.

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { MemberProcess } from '../../support/member-process.ts';
import { startRegistry } from '../../support/registry.ts';
import type { BenchContext } from '../bench.ts';
import { startMeasuredDaemon } from '../measured-daemon.ts';
import { processLoad, type ProcessLoad } from '../process-load.ts';
import { round } from '../statistics.ts';

const members = 9;
const settleMs = 20_000;
const seconds = 30;

/** What the whole process costs, and its gossip thread alone. */
export async function idleDaemon(
  context: BenchContext,
): Promise<ProcessLoad & { readonly gossipCores: number }> {
  await using stack = new AsyncDisposableStack();
  const registry = await startRegistry('lab');
  stack.defer(() => registry.close());
  const { daemon } = stack.use(
    await startMeasuredDaemon(context, { cluster: 'beijing', registries: [registry.url] }),
  );
  const others = new MemberProcess();
  stack.defer(() => others.kill());
  for (let index = 0; index < members; index += 1) {
    const node = `m${index}`;
    await others.start({
      node,
      bind: { host: '127.0.0.1', port: 0 },
      tags: {},
      profile: 'lan',
      keys: [],
      keyringFile: undefined,
      snapshotFile: undefined,
      rejoinAfterLeave: false,
    });
    const { joined } = await others.join(node, [daemon.gossip]);
    if (joined !== 1) throw new Error(`${node} could not join the daemon`);
  }
  await wait(settleMs, undefined, { signal: context.signal });
  const beforeMs = gossipThreadMs(daemon.pid);
  const load = await processLoad(daemon.pid, seconds, context.signal);
  const gossipMs = gossipThreadMs(daemon.pid) - beforeMs;
  return { ...load, gossipCores: round(gossipMs / (load.seconds * 1000), 4) };
}

/** Processor time of the thread that is named `gossip`, milliseconds (ticks of 10 ms). */
function gossipThreadMs(pid: number): number {
  const tasks = `/proc/${pid}/task`;
  let totalMs = 0;
  for (const task of readdirSync(tasks)) {
    if (readFileSync(`${tasks}/${task}/comm`, 'utf8').trim() !== 'gossip') continue;
    const stat = readFileSync(`${tasks}/${task}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    totalMs += 10 * (Number(fields[11]) + Number(fields[12]));
  }
  return totalMs;
}
