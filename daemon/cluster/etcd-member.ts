// The etcd member that a replica supervises: an etcd process of its own, with its data under the data
// directory, started again when it ends, and ended with the daemon whatever becomes of that.

import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { SyncerError } from '../../proto/errors.ts';
import { backoff } from '../support/backoff.ts';
import type { Clock, Timer } from '../support/clock.ts';
import type { Logger } from '../support/logger.ts';
import type { Random } from '../support/random.ts';
import { isSupportedEtcd } from './etcd-version.ts';
import type { FoundingPlan } from './founding.ts';

export interface EtcdMemberSettings {
  readonly binary: string;
  /** `etcd` below the data directory: member data, log, process id. */
  readonly directory: string;
  readonly name: string;
  /** Where its peers reach it. */
  readonly peerUrl: string;
  /** The address that it listens on for its peers. */
  readonly listenHost: string;
  /** What it is started with: asked before each start. Read by etcd only without data. */
  readonly formed: () => Promise<{
    readonly initialCluster: FoundingPlan;
    /** `new`: founds the cluster; `existing`: was added to it. */
    readonly initialState: 'new' | 'existing';
  }>;
  /** It cannot start as it was formed (`Formation.lost`). */
  readonly lost: (how: 'removed' | 'never-started') => void;
  /** No start will come of it: `formed` has rejected. */
  readonly failed: (error: unknown) => void;
  readonly token: string;
}

export interface EtcdMember {
  /** Where this daemon reaches it. */
  readonly clientUrl: string;
  /** Why it does not run, for people; `undefined` while it does. */
  readonly trouble: string | undefined;
  stop(): Promise<void>;
}

/** In the member's directory: where it is reached, for the commands that are run beside the daemon. */
export const clientUrlFile = 'client-url';
/** Size of the log file from which it begins anew at the next start. */
const maxLogBytes = 16 * 1024 * 1024;
const stopMs = 5_000;

/**
 * Runs etcd, and ends it when our end of the pipe closes: a daemon that is killed leaves none behind.
 */
const guardian = `
exec 3<&0
"$@" </dev/null 3<&- & etcd=$!
echo $etcd > "$SYNCER_ETCD_PID_FILE"
( read _ <&3; kill -TERM $etcd; sleep 4; kill -KILL $etcd ) 2>/dev/null & watch=$!
wait $etcd; code=$?
kill $watch 2>/dev/null
exit $code
`;

/** Checks that there is an etcd that we can use. Rejects with `etcd.missing` or `etcd.unsupported`. */
export async function checkEtcdBinary(binary: string): Promise<string> {
  let text: string;
  try {
    text = (await promisify(execFile)(binary, ['--version'], { timeout: 10_000 })).stdout;
  } catch (error) {
    throw new SyncerError('etcd.missing', { binary, reason: firstLine(error) }, error);
  }
  const version = /etcd Version: (\S+)/.exec(text)?.[1] ?? '';
  if (!isSupportedEtcd(version)) {
    throw new SyncerError('etcd.unsupported', { binary, version: text.split('\n')[0] ?? '' });
  }
  return version;
}

/** How etcd says that its member was taken out of the cluster. */
const removedWords = /permanently removed|removed from the cluster|removed member/i;

/** Starts the member and keeps it running. Rejects when `formed` does. */
export async function startEtcdMember(
  settings: EtcdMemberSettings,
  parts: { readonly clock: Clock; readonly random: Random; readonly logger: Logger },
): Promise<EtcdMember> {
  const { clock, logger } = parts;
  const clientUrl = `http://127.0.0.1:${await freePort()}`;
  const logFile = path.join(settings.directory, 'etcd.log');
  const waits = backoff({ initialMs: 200, maxMs: 10_000, factor: 2 }, parts.random);
  let child: ChildProcess | undefined;
  let stopped = false;
  let trouble: string | undefined;
  let timer: Timer | undefined;
  let startedMs = 0;

  let formed = await settings.formed();

  const start = (): void => {
    if (stopped) return;
    startedMs = clock.monotonicMs();
    boundLog(logFile);
    const log = openSync(logFile, 'a', 0o600);
    const args = [settings.binary, ...argumentsOf(settings, formed, clientUrl)];
    const process_ = spawn('/bin/sh', ['-c', guardian, 'etcd', ...args], {
      stdio: ['pipe', log, log],
      env: {
        PATH: process.env.PATH,
        SYNCER_ETCD_PID_FILE: path.join(settings.directory, 'etcd.pid'),
      },
    });
    closeSync(log);
    process_.stdin?.on('error', () => undefined);
    process_.once('error', (error) => ended(error.message));
    process_.once('exit', (code, signal) => ended(`it ended with ${signal ?? code ?? 'no code'}`));
    child = process_;
    trouble = undefined;
  };

  const ended = (how: string): void => {
    child = undefined;
    if (stopped) return;
    if (clock.monotonicMs() - startedMs > 30_000) waits.reset();
    trouble = `${how}: ${lastWords(logFile)}`;
    logger.warn({ log: logFile }, `etcd does not run: ${trouble}`);
    const hasData = existsSync(path.join(settings.directory, 'member', 'member', 'wal'));
    if (hasData && removedWords.test(trouble)) settings.lost('removed');
    else if (!hasData && formed.initialState === 'existing') settings.lost('never-started');
    timer = clock.after(waits.nextMs(), () => void again());
  };

  const again = async (): Promise<void> => {
    try {
      formed = await settings.formed();
      start();
    } catch (error) {
      if (!stopped) settings.failed(error);
    }
  };

  writeFileSync(path.join(settings.directory, clientUrlFile), clientUrl, { mode: 0o600 });
  start();
  return {
    clientUrl,
    get trouble() {
      return trouble;
    },
    async stop() {
      stopped = true;
      timer?.cancel();
      const running = child;
      if (running === undefined) return;
      await new Promise<void>((resolve) => {
        const patience = setTimeout(() => {
          running.kill('SIGKILL');
          resolve();
        }, stopMs);
        running.once('exit', () => {
          clearTimeout(patience);
          resolve();
        });
        running.stdin?.end();
      });
    },
  };
}

function argumentsOf(
  settings: EtcdMemberSettings,
  { initialCluster, initialState }: Awaited<ReturnType<EtcdMemberSettings['formed']>>,
  clientUrl: string,
): readonly string[] {
  const { name, directory, peerUrl, listenHost, token } = settings;
  const port = new URL(peerUrl).port;
  const host = listenHost.includes(':') ? `[${listenHost}]` : listenHost;
  return [
    ...['--name', name, '--data-dir', path.join(directory, 'member')],
    ...['--listen-peer-urls', `http://${host}:${port}`],
    ...['--initial-advertise-peer-urls', peerUrl],
    ...['--listen-client-urls', clientUrl, '--advertise-client-urls', clientUrl],
    ...['--initial-cluster', initialCluster.map((one) => `${one.name}=${one.peerUrl}`).join(',')],
    ...['--initial-cluster-state', initialState, '--initial-cluster-token', token],
    // An hour of history: a replica that was away for longer reads the mapping anew.
    ...['--auto-compaction-mode', 'periodic', '--auto-compaction-retention', '1h'],
    ...['--logger', 'zap', '--log-outputs', 'stderr'],
  ];
}

function boundLog(file: string): void {
  try {
    if (statSync(file).size > maxLogBytes) truncateSync(file);
  } catch {
    // There is none yet.
  }
}

/** The newest complaint in etcd's log. */
function lastWords(file: string): string {
  let lines: readonly string[];
  try {
    lines = readFileSync(file, 'utf8').slice(-32_768).trimEnd().split('\n').reverse();
  } catch {
    return 'no log';
  }
  for (const line of lines) {
    try {
      const { level, msg, error } = JSON.parse(line) as Record<string, string | undefined>;
      const isComplaint = level === 'fatal' || level === 'panic' || level === 'error';
      if (isComplaint || msg === 'server error') {
        return `${msg ?? ''}${error === undefined ? '' : `: ${error}`}`;
      }
    } catch {
      // Half a line, or a stack.
    }
  }
  return `see ${file}`;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' ? (address?.port ?? 0) : 0));
    });
  });
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}
