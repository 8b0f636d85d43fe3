#!/usr/bin/env node
// Starts the program on a Node that can run it. Plain JavaScript that any Node since 14 understands:
// older ones cannot read TypeScript, and SQLite's addon would crash there.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL, URL } from 'node:url';

/** Sources need type stripping (22.18); the built program needs Node-API 10 (22.14). */
const source = fileURLToPath(new URL('./index.ts', import.meta.url));
const built = fileURLToPath(new URL('./index.js', import.meta.url));
const program = existsSync(built) ? built : source;
const needed = program === built ? [22, 14] : [22, 18];

/** @param {string} version */
function isEnough(version) {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  return major > needed[0] || (major === needed[0] && minor >= needed[1]);
}

/** The Node that is named, or the one of the npm package `node`, when it is new enough. */
function findNode() {
  const candidates = [process.env.SYNCER_NODE_BINARY];
  try {
    const require = createRequire(import.meta.url);
    const folder = path.dirname(require.resolve('node/package.json'));
    candidates.push(path.join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node'));
  } catch {
    // The package is not installed; a packaged program brings its own.
  }
  return candidates.find((candidate) => {
    if (!candidate) return false;
    const answer = spawnSync(candidate, ['--version'], { encoding: 'utf8' });
    return answer.status === 0 && isEnough(answer.stdout.trim());
  });
}

if (isEnough(process.version)) {
  process.argv[1] = program;
  await import(pathToFileURL(program).href);
} else {
  const node = findNode();
  if (node === undefined) {
    const wanted = needed.join('.');
    process.stderr.write(
      `Node ${process.version} runs this program; it needs Node ${wanted} or newer. ` +
        `Install one, or name one with SYNCER_NODE_BINARY=/path/to/node; in a checkout, "npm ci" installs one.\n` +
        `当前 Node 版本为 ${process.version}；本程序需要 Node ${wanted} 或更新版本。` +
        `请安装，或用 SYNCER_NODE_BINARY=/path/to/node 指定；在源码目录中可运行 "npm ci"。\n`,
    );
    // `system` of proto/errors.ts.
    process.exit(71);
  }
  const child = spawn(node, [program, ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2']) {
    if (process.platform === 'win32' && signal.startsWith('SIGUSR')) continue;
    // A terminal sends SIGINT to both of us; the second one is the child's to ignore.
    process.on(signal, () => child.kill(signal));
  }
  child.on('error', (error) => {
    process.stderr.write(`${node}: ${error.message}\n`);
    process.exit(71);
  });
  child.on('exit', (code, signal) => {
    process.exit(code === null ? 128 + (constants.signals[signal] ?? 0) : code);
  });
}
