// A real Eureka server as a process of the test's own. EUREKA_PEER_TOOL names the script that starts
// one (port, then properties; prints READY); without it the folder beside the checkout is tried.

import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { freePort } from '../../support/free-port.ts';
import { poll } from '../../support/poll.ts';

const beside = new URL('../../../../shared/tools/eureka/start.sh', import.meta.url).pathname;

/** The script, or why there is none. */
export const eurekaTool: { readonly path: string } | { readonly missing: string } = findTool();

function findTool(): typeof eurekaTool {
  const named = process.env.EUREKA_PEER_TOOL ?? '';
  if (named !== '') {
    return existsSync(named)
      ? { path: named }
      : { missing: `EUREKA_PEER_TOOL: no file '${named}'` };
  }
  return existsSync(beside)
    ? { path: beside }
    : { missing: 'EUREKA_PEER_TOOL names no script that starts a Eureka' };
}

/** In CI a missing tool is a failure: these tests are wanted there. */
export function requireToolInCi(): void {
  if ('missing' in eurekaTool && process.env.CI !== undefined) throw new Error(eurekaTool.missing);
}

/** Settings of a server that answers at once and evicts to the second. */
export const fastServer = [
  '--eureka.server.useReadOnlyResponseCache=false',
  '--eureka.server.enableSelfPreservation=false',
  '--eureka.server.evictionIntervalTimerInMs=1000',
] as const;

export interface EurekaServer {
  /** Base address of the API. */
  readonly url: string;
  readonly port: number;
  /** Ends the process and starts another on the same port: Eureka keeps nothing. */
  restart(): Promise<void>;
  /** Ends it; `start` brings another one. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Stands still: connections stay, nothing is answered, leases run. */
  freeze(): void;
  thaw(): void;
  close(): Promise<void>;
}

/** Starts a server; building the first one takes some 10 s. */
export async function startEureka(
  properties: readonly string[] = fastServer,
  options: { readonly port?: number; readonly peers?: readonly string[] } = {},
): Promise<EurekaServer> {
  if ('missing' in eurekaTool) throw new Error(eurekaTool.missing);
  const tool = eurekaTool.path;
  const port = options.port ?? (await freePort());
  let child: ChildProcess | undefined;
  const signal = (name: NodeJS.Signals): void => {
    if (child?.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    // The script and its Java are a group of their own.
    process.kill(-child.pid, name);
  };
  const killAtExit = (): void => signal('SIGKILL');
  process.on('exit', killAtExit);

  const start = async (): Promise<void> => {
    const started = spawn('bash', [tool, String(port), ...properties], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: {
        ...process.env,
        ...(options.peers === undefined ? {} : { EUREKA_PEERS: options.peers.join(',') }),
      },
    });
    child = started;
    const said: string[] = [];
    let ready = false;
    for (const stream of [started.stdout, started.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        if (line === 'READY') ready = true;
        said.push(line);
        if (said.length > 50) said.shift();
      });
    }
    await poll(() => {
      if (started.exitCode !== null) throw new Error(`Eureka ended:\n${said.join('\n')}`);
      return ready ? true : undefined;
    }, 180_000).catch((error: unknown) => {
      signal('SIGKILL');
      throw error;
    });
  };
  const stop = async (): Promise<void> => {
    const ending = child;
    if (ending?.exitCode !== null || ending.signalCode !== null) return;
    const exited = new Promise<void>((resolve) => void ending.once('exit', () => resolve()));
    signal('SIGCONT');
    signal('SIGKILL');
    await exited;
    await wait(50);
  };

  await start();
  return {
    url: `http://127.0.0.1:${port}/eureka`,
    port,
    start,
    stop,
    async restart() {
      await stop();
      await start();
    },
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    async close() {
      await stop();
      process.off('exit', killAtExit);
    },
  };
}
