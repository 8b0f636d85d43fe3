// Runs the benches that are named (all without a name), in order:
//   npm run bench -- [--quick] [--profile DIR] [name ...]     npm run bench -- --report
// Prints JSON with a description of the machine, and keeps it in test/bench/results/. Progress goes
// to stderr; Ctrl-C ends what runs and keeps nothing of it.

import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Bench } from './bench.ts';
import { describeMachine } from './machine.ts';
import { report } from './report.ts';

interface Entry {
  readonly run: Bench;
  /** Without a short form a bench is left out of `--quick`, unless it is named. */
  readonly hasQuick: boolean;
}

const benches: Readonly<Record<string, Entry>> = {
  latency: {
    run: async (context) => (await import('./latency/run.ts')).runLatencyBench(context),
    hasQuick: true,
  },
  snapshot: {
    run: async () => (await import('./snapshot/run.ts')).runSnapshotBench(),
    hasQuick: true,
  },
  leases: {
    run: async (context) => (await import('./leases/run.ts')).runLeasesBench(context),
    hasQuick: true,
  },
  import: {
    run: async (context) => (await import('./import/run.ts')).runImportBench(context),
    hasQuick: true,
  },
  idle: {
    run: async (context) => (await import('./idle/run.ts')).runIdleBench(context),
    hasQuick: true,
  },
  paging: {
    run: async (context) => (await import('./paging/run.ts')).runPagingBench(context),
    hasQuick: true,
  },
  page: {
    run: async (context) => (await import('./page/run.ts')).runPageBench(context),
    hasQuick: true,
  },
  failover: {
    run: async (context) => (await import('./failover/run.ts')).runFailoverBench(context),
    hasQuick: true,
  },
  mapping: {
    run: async (context) => (await import('./mapping/run.ts')).runMappingBench(context),
    hasQuick: true,
  },
  kinds: {
    run: async (context) => (await import('./kinds/run.ts')).runKindsBench(context),
    hasQuick: true,
  },
  gossip: {
    run: async (context) => (await import('./gossip/run.ts')).runGossipBench(context),
    hasQuick: false,
  },
};

const results = new URL('./results/', import.meta.url);
const say = (text: string): void => void process.stderr.write(`${text}\n`);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    profile: { type: 'string' },
    report: { type: 'boolean', default: false },
  },
});

if (values.report) process.stdout.write(report(results));
else process.exitCode = await runBenches();

async function runBenches(): Promise<number> {
  const unknown = positionals.filter((name) => benches[name] === undefined);
  if (unknown.length > 0) {
    say(`no bench ${unknown.join(', ')}; there are: ${Object.keys(benches).join(', ')}`);
    return 2;
  }
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort(new Error('interrupted')));
  process.once('SIGTERM', () => interrupted.abort(new Error('interrupted')));
  // A call, because nothing else tells the compiler that an await may change it.
  const isInterrupted = (): boolean => interrupted.signal.aborted;
  const built = spawnSync(process.execPath, ['build/daemon.ts'], {
    cwd: new URL('../../', import.meta.url),
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (built.status !== 0) return 1;
  mkdirSync(results, { recursive: true });

  let failures = 0;
  for (const [name, { run, hasQuick }] of Object.entries(benches)) {
    if (isInterrupted()) break;
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    if (values.quick && !hasQuick && positionals.length === 0) {
      say(`${name}: left out, it has no short form; run it by its name`);
      continue;
    }
    try {
      await runOne(name, run, interrupted.signal);
    } catch (error) {
      failures += 1;
      say(`${name}: ${isInterrupted() ? 'interrupted' : describe(error)}`);
    }
  }
  return isInterrupted() ? 130 : failures > 0 ? 1 : 0;
}

async function runOne(name: string, run: Bench, signal: AbortSignal): Promise<void> {
  const machine = describeMachine();
  const at = new Date().toISOString();
  const startMs = performance.now();
  say(`${name}: begins`);
  const { profile } = values;
  const nodeFlags = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  const figures = await run({
    quick: values.quick,
    signal,
    nodeFlags,
    say: (text) => say(`${name}: ${text}`),
  });
  const seconds = Math.round((performance.now() - startMs) / 1000);
  const text = `${JSON.stringify({ bench: name, at, seconds, machine, ...figures }, undefined, 2)}\n`;
  writeFileSync(new URL(`${name}.json`, results), text);
  process.stdout.write(text);
  say(`${name}: ends after ${seconds} s`);
}

/** An error with what caused it. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\n  because of ${describe(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
