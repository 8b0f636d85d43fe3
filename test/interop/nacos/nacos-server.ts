// A real Nacos server as a process of the test's own. NACOS_PEER_TOOL names the script that starts one
// (port, then properties; prints READY); without it the folder beside the checkout is tried.

import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { freePort } from '../../support/free-port.ts';
import { poll } from '../../support/poll.ts';

const beside = new URL('../../../../shared/tools/nacos/start.sh', import.meta.url).pathname;

/** The script, or why there is none. */
export const nacosTool: { readonly path: string } | { readonly missing: string } = findTool();

function findTool(): typeof nacosTool {
  const named = process.env.NACOS_PEER_TOOL ?? '';
  if (named !== '') {
    return existsSync(named) ? { path: named } : { missing: `NACOS_PEER_TOOL: no file '${named}'` };
  }
  return existsSync(beside)
    ? { path: beside }
    : { missing: 'NACOS_PEER_TOOL names no script that starts a Nacos' };
}

/** In CI a missing tool is a failure: these tests are wanted there. */
export function requireToolInCi(): void {
  if ('missing' in nacosTool && process.env.CI !== undefined) throw new Error(nacosTool.missing);
}

/** Lists follow writes by 20 ms and a little; a server's own setting is 500 ms. */
export const fastLists = ['--nacos.naming.push.pushTaskDelay=20'] as const;

export interface NacosServer {
  /** Base address of the API. */
  readonly url: string;
  readonly port: number;
  /** Ends the process and starts another on the same port: it keeps no ephemeral instance. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** The server's own database gets a minute to let it in; 3 s are too few on a busy machine. */
const patientDatabase = '--db.pool.config.connectionTimeout=60000';
/**
 * On a busy machine a start fails now and then: its own database's `Login timeout exceeded`, or one of
 * its four ports was taken meanwhile. The last one's output is in the error.
 */
const starts = 4;
/** Limit of all starts together, for hooks. */
export const startLimitMs = 600_000;

export interface NacosServerOptions {
  readonly properties?: readonly string[];
  /** Asks for a login. */
  readonly auth?: boolean;
}

/** Starts a server; building the first one takes half a minute and the packages of Maven Central. */
export async function startNacos(options: NacosServerOptions = {}): Promise<NacosServer> {
  if ('missing' in nacosTool) throw new Error(nacosTool.missing);
  const tool = nacosTool.path;
  let port = await freePorts();
  let child: ChildProcess | undefined;
  const signal = (name: NodeJS.Signals): void => {
    if (child?.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    // The script and its Java are a group of their own.
    process.kill(-child.pid, name);
  };
  const killAtExit = (): void => signal('SIGKILL');
  process.on('exit', killAtExit);

  /** Gives what it said when it ended before it was ready; `undefined`: it is ready. */
  const startOnce = async (): Promise<string | undefined> => {
    const properties = [patientDatabase, ...(options.properties ?? [])];
    const started = spawn('bash', [tool, String(port), ...properties], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: { ...process.env, ...(options.auth === true ? { NACOS_AUTH: 'true' } : {}) },
    });
    child = started;
    const said: string[] = [];
    let ready = false;
    for (const stream of [started.stdout, started.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        if (line === 'READY') ready = true;
        said.push(line);
        if (said.length > 200) said.shift();
      });
    }
    return poll(() => {
      if (ready) return { ended: undefined };
      return started.exitCode === null ? undefined : { ended: said.join('\n') };
    }, startLimitMs / starts).then(
      ({ ended }) => ended,
      (error: unknown) => {
        signal('SIGKILL');
        throw error;
      },
    );
  };
  const start = async (again: boolean): Promise<void> => {
    let ended: string | undefined;
    for (let count = 0; count < starts; count += 1) {
      if (count > 0 && !again) port = await freePorts();
      ended = await startOnce();
      if (ended === undefined) return;
    }
    throw new Error(`Nacos ended ${starts} times:\n${ended ?? ''}`);
  };
  const stop = async (): Promise<void> => {
    const ending = child;
    if (ending?.exitCode !== null || ending.signalCode !== null) return;
    const exited = new Promise<void>((resolve) => void ending.once('exit', () => resolve()));
    // The script removes the server's folder when it is asked to end.
    ending.kill('SIGTERM');
    await Promise.race([exited, wait(15_000, undefined, { ref: false })]);
    signal('SIGKILL');
    await exited;
    await wait(50);
  };

  await start(false);
  return {
    url: `http://127.0.0.1:${port}/nacos`,
    port,
    async restart() {
      await stop();
      await start(true);
    },
    async close() {
      await stop();
      process.off('exit', killAtExit);
    },
  };
}

/** A port whose companions (gRPC of clients and servers, raft) are free too. */
async function freePorts(): Promise<number> {
  for (;;) {
    const port = await freePort();
    if (port < 20_000 || port > 60_000) continue;
    const companions = [port + 1_000, port + 1_001, port - 1_000];
    const free = await Promise.all(companions.map(isFree));
    if (free.every(Boolean)) return port;
  }
}

/** On all addresses, where the server listens. */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, () => server.close(() => resolve(true)));
  });
}
