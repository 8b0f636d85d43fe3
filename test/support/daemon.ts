// A real daemon as a process of the test's own: started from the sources with the flags that a
// person would use, watched through its log, ended by its pid.

import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { cleanEnvironment } from './clean-environment.ts';
import { poll } from './poll.ts';

const entry = new URL('../../daemon/index.ts', import.meta.url).pathname;

export interface DaemonOptions {
  readonly cluster: string;
  readonly registries: readonly string[];
  /** Where it listens; ports are chosen by the system unless given. */
  readonly host?: string;
  readonly gossipPort?: number;
  readonly rpcPort?: number;
  readonly join?: readonly string[];
  /** Kept by the caller across restarts; made and removed by this one otherwise. */
  readonly dataDir?: string;
  readonly node?: string;
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Puts the process into a host of `netns.ts`. */
  readonly wrap?: (command: readonly string[]) => readonly string[];
}

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface TestDaemon {
  readonly pid: number;
  readonly cluster: string;
  readonly node: string;
  readonly gossip: string;
  readonly rpc: string;
  readonly dataDir: string;
  readonly log: readonly LogLine[];
  signal(name: NodeJS.Signals): void;
  /** Ends it as a service manager would, and gives its exit code (null: ended by a signal). */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts a daemon and waits until it says that it is ready (the registry may be absent still). */
export async function startDaemon(options: DaemonOptions): Promise<TestDaemon> {
  const host = options.host ?? '127.0.0.1';
  const node = options.node ?? `${options.cluster}-${process.pid}`;
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'syncer-')));
  const command = [
    process.execPath,
    entry,
    'daemon',
    ...['--sc-addr', options.registries.join(',')],
    ...['--bind-addr', `${host}:${options.gossipPort ?? 0}`],
    ...['--rpc-addr', `${host}:${options.rpcPort ?? 0}`],
    ...(options.join === undefined ? [] : ['--join-addr', options.join.join(',')]),
    ...['--cluster-name', options.cluster, '--node', node, '--data-dir', dataDir],
    ...['--log-format', 'json', '--log-level', 'debug'],
    ...(options.flags ?? []),
  ];
  const [file = '', ...args] = options.wrap?.(command) ?? command;
  const child = spawn(file, args, {
    env: { ...cleanEnvironment(), ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log: LogLine[] = [];
  const noise: string[] = [];
  collect(child, log, noise);
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  let gone = false;
  void exited.then(() => (gone = true));
  const ready = await poll(
    () => log.find(({ msg }) => msg === 'ready') ?? (gone ? 'gone' : undefined),
    90_000,
  ).catch(() => undefined);
  if (ready === undefined || ready === 'gone') {
    child.kill('SIGKILL');
    const said = [...log.slice(-10).map((line) => JSON.stringify(line)), ...noise.slice(-20)];
    throw new Error(`the daemon of ${options.cluster} did not start:\n${said.join('\n')}`);
  }
  return {
    pid: child.pid ?? 0,
    cluster: options.cluster,
    node,
    gossip: String(ready.gossip),
    rpc: String(ready.rpc),
    dataDir,
    log,
    signal: (name) => void child.kill(name),
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      // A process that was stopped must go on before it can end.
      if (signal !== 'SIGKILL') child.kill('SIGCONT');
      const patience = setTimeout(() => child.kill('SIGKILL'), 20_000);
      const code = await exited;
      clearTimeout(patience);
      if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
      return code;
    },
  };
}

function collect(child: ChildProcess, log: LogLine[], noise: string[]): void {
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on('line', (line) => {
      try {
        log.push(JSON.parse(line) as LogLine);
      } catch {
        // Not a log line: a stack trace or a warning of Node, kept for the error message.
        noise.push(line);
      }
    });
  }
}
