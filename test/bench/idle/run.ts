// Bench: a daemon with nothing to do, beside an empty registry; the limit: a bare Node process with
// as many empty worker threads and the same libraries loaded, doing nothing.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { startRegistry } from '../../support/registry.ts';
import { benchRegistryKind, goal, type BenchContext } from '../bench.ts';
import { startMeasuredDaemon } from '../measured-daemon.ts';
import { processLoad, type ProcessLoad } from '../process-load.ts';

const settleMs = 10_000;
const seconds = { full: 30, quick: 15 };

/** Runs the bench: about a minute and a half, half if quick. */
export async function runIdleBench(context: BenchContext): Promise<object> {
  const { quick, signal, say } = context;
  const window = quick ? seconds.quick : seconds.full;
  await using stack = new AsyncDisposableStack();
  const registry = await startRegistry(benchRegistryKind());
  stack.defer(() => registry.close());
  const startMs = performance.now();
  const { daemon } = stack.use(
    await startMeasuredDaemon(context, { cluster: 'beijing', registries: [registry.url] }),
  );
  const readyMs = Math.round(performance.now() - startMs);
  say(`measuring for ${window} s`);
  await wait(settleMs, undefined, { signal });
  const idle = await processLoad(daemon.pid, window, signal);
  return {
    registry: benchRegistryKind(),
    quick,
    readyMs,
    daemon: idle,
    limits: {
      bareNode: await bare([], 0, signal),
      bareNodeWithWorkersAndLibraries: await bare(libraries, workers, signal),
    },
    goals: [
      goal('idle: cores', { atMost: 0.01 }, idle.cores),
      goal('idle: MB resident', { atMost: 90 }, idle.rssMb),
    ],
  };
}

/** The threads that a daemon has of its own: gossip, and SQLite. */
const workers = 2;
const libraries = ['@grpc/grpc-js', 'undici', 'better-sqlite3', 'zod', 'pino', 'commander', 'yaml'];

async function bare(
  packages: readonly string[],
  threads: number,
  signal: AbortSignal,
): Promise<ProcessLoad> {
  const code = [
    "import { Worker } from 'node:worker_threads';",
    ...packages.map((name) => `await import('${name}');`),
    `for (let n = 0; n < ${threads}; n++) new Worker('setInterval(() => {}, 1000)', { eval: true });`,
    "setInterval(() => {}, 1000); console.log('ready');",
  ].join('\n');
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    cwd: new URL('../../../', import.meta.url),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await once(child.stdout, 'data');
    await wait(1_000, undefined, { signal });
    return await processLoad(child.pid ?? 0, 3, signal);
  } finally {
    child.kill('SIGKILL');
  }
}
