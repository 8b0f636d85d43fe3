// Bench: what the page and the shell around it cost a person and a machine. Real Chromium, real
// Electron, a real daemon behind the table; each beside its goal.

import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { goal, type BenchContext } from '../bench.ts';
import { bundleKb } from './bundle.ts';
import { measureShell } from './shell.ts';
import { measureTable } from './table.ts';
import { measureTopology } from './topology.ts';

const root = new URL('../../../', import.meta.url).pathname;
const sizes = { full: 300, quick: 60 };

/** Runs the bench: about five minutes, two and a half if quick (30,000 instances). */
export async function runPageBench(context: BenchContext): Promise<object> {
  const { quick, say } = context;
  buildPageAndShell();
  const page = `${root}dist/renderer`;
  const bundle = bundleKb(page);
  const shell = await measureShell(context, `${root}dist`, quick ? 2 : 5, quick ? 15 : 30);
  if ('missing' in shell) say(`shell: not measured: ${shell.missing}`);
  const topologyCores = await measureTopology(context, page, quick ? 10 : 20);
  const table = await measureTable(context, quick ? sizes.quick : sizes.full);
  const { usableMs, idleCores } =
    'missing' in shell ? { usableMs: undefined, idleCores: undefined } : shell;
  return {
    registry: 'lab',
    quick,
    bundleKb: bundle,
    shell,
    topologyCores,
    table,
    goals: [
      goal('page: bundle, kB gzip', { atMost: 350 }, bundle),
      goal('page: window usable after start of the shell, p50 ms', { atMost: 1500 }, usableMs?.p50),
      goal('page: idle shell, cores', { atMost: 0.01 }, idleCores),
      goal('page: topology of 50 clusters, cores', { atMost: 0.05 }, topologyCores),
      goal('page: filter of 150,000 rows, p95 ms', { atMost: 100 }, table.filterMs.p95, !quick),
      goal('page: worst frame while scrolling, ms', { atMost: 50 }, table.frameMs.worst, !quick),
    ],
  };
}

function buildPageAndShell(): void {
  const vite = createRequire(import.meta.url).resolve('vite/package.json');
  const build = path.join(path.dirname(vite), 'bin', 'vite.js');
  for (const args of [[build, 'build', '-c', 'build/renderer.vite.config.ts'], ['build/main.ts']]) {
    execFileSync(process.execPath, args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  }
}
