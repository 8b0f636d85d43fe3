// One command of the program, as a process, to its end.

import { spawn } from 'node:child_process';

const entry = new URL('../../daemon/index.ts', import.meta.url).pathname;

/** Runs `syncer` with these arguments; gives its exit code and what it printed. */
export async function runSyncer(
  args: readonly string[],
): Promise<{ readonly code: number | null; readonly out: string; readonly errors: string }> {
  const child = spawn(process.execPath, [entry, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let errors = '';
  child.stdout.on('data', (bytes: Buffer) => (out += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => (errors += bytes.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, out, errors };
}
