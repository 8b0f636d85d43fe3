// A real Consul server as a process of the test's own. CONSUL_PEER_TOOL names the script that starts one
// (port, datacenter, then options of the agent; CONSUL_DATA: where it keeps its state; prints READY);
// without it the folder beside the checkout is tried. The first start builds Consul, which takes minutes:
// these tests run at night (TEST_NIGHTLY=1), or where CONSUL_PEER_TOOL is set.

import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { poll } from '../../support/poll.ts';

const beside = new URL('../../../../shared/tools/consul/start.sh', import.meta.url).pathname;
const nightly = process.env.TEST_NIGHTLY === '1';

/** The script, or why these tests do not run. */
export const consulTool: { readonly path: string } | { readonly missing: string } = findTool();

function findTool(): typeof consulTool {
  const named = process.env.CONSUL_PEER_TOOL ?? '';
  if (named !== '') {
    return existsSync(named)
      ? { path: named }
      : { missing: `CONSUL_PEER_TOOL: no file '${named}'` };
  }
  if (!nightly) {
    return { missing: 'Consul is a nightly peer: TEST_NIGHTLY=1, or CONSUL_PEER_TOOL' };
  }
  return existsSync(beside)
    ? { path: beside }
    : { missing: 'CONSUL_PEER_TOOL names no script that starts a Consul' };
}

/** At night in CI a missing tool is a failure: these tests are wanted there. */
export function requireToolAtNight(): void {
  const wanted = nightly && process.env.CI !== undefined;
  if ('missing' in consulTool && wanted) throw new Error(consulTool.missing);
}

export interface ConsulServer {
  /** Base address of the API. */
  readonly url: string;
  readonly port: number;
  /** Ends the process; `start` brings another one on the same port, with its data where it keeps any. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Loses its data, if it kept any. To be called while it is stopped. */
  forget(): Promise<void>;
  /** Stands still: connections stay, nothing is answered. */
  freeze(): void;
  thaw(): void;
  close(): Promise<void>;
}

export interface ConsulOptions {
  /** Keeps its state over a restart; otherwise every start is one with nothing. */
  readonly data?: boolean;
  /** Access control, with this as the token that may do everything. */
  readonly managementToken?: string;
  /** Options of the agent. */
  readonly flags?: readonly string[];
}

/** Ports that a server takes, from the first one on. */
const portsTaken = 6;
/** The first start of all builds the program. */
const startLimitMs = 900_000;

/** Starts a server. */
export async function startConsul(options: ConsulOptions = {}): Promise<ConsulServer> {
  if ('missing' in consulTool) throw new Error(consulTool.missing);
  const tool = consulTool.path;
  const port = await freePorts();
  const makeData = (): Promise<string> => mkdtemp(join(tmpdir(), 'consul-'));
  let data = options.data === true ? await makeData() : undefined;
  let child: ChildProcess | undefined;
  const signal = (name: NodeJS.Signals): void => {
    if (child?.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    // The script and its server are a group of their own.
    process.kill(-child.pid, name);
  };
  const killAtExit = (): void => signal('SIGKILL');
  process.on('exit', killAtExit);
  const acl =
    options.managementToken === undefined
      ? []
      : [
          `-hcl=acl { enabled = true default_policy = "deny" tokens { ` +
            `initial_management = "${options.managementToken}" agent = "${options.managementToken}" } }`,
        ];

  const start = async (): Promise<void> => {
    const flags = [...acl, ...(options.flags ?? [])];
    const started = spawn('bash', [tool, String(port), 'dc1', ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: { ...process.env, CONSUL_DATA: data ?? '' },
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
      if (started.exitCode !== null) throw new Error(`Consul ended:\n${said.join('\n')}`);
      return ready ? true : undefined;
    }, startLimitMs).catch((error: unknown) => {
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
  const dropData = async (): Promise<void> => {
    if (data !== undefined) await rm(data, { recursive: true, force: true, maxRetries: 5 });
  };

  await start();
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    start,
    stop,
    async forget() {
      await dropData();
      if (data !== undefined) data = await makeData();
    },
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    async close() {
      await stop();
      await dropData();
      process.off('exit', killAtExit);
    },
  };
}

/** Gives the first of as many free ports in a row as a server takes, below those that the system gives out. */
async function freePorts(): Promise<number> {
  for (let attempt = 0; attempt < 500; attempt += 1) {
    const first = 10_000 + Math.floor(Math.random() * 22_000);
    const servers: Server[] = [];
    try {
      for (let port = first; port < first + portsTaken; port += 1) servers.push(await listen(port));
      return first;
    } catch {
      // One of them is taken.
    } finally {
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    }
  }
  throw new Error('no six free ports in a row');
}

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
