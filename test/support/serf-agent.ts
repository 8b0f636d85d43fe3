// A real `serf` agent (Debian package serf), started for a test and spoken to with its own command
// line over its RPC port.

import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';
import { poll } from './poll.ts';

const run = promisify(execFile);

/** How long an agent may take to answer, on a machine that is busy with other things. */
const readyMs = 60_000;
/** A port that is taken is another one at the next attempt, where the test does not set it. */
const launchAttempts = 5;
/** Ten minutes of debug lines and more: a failure early in a test is still seen at its end. */
const maxLogChars = 16 * 1024 * 1024;

/**
 * Why the tests against the real agent cannot run here, or `undefined`. In CI a missing agent is
 * an error, not a reason to skip.
 */
export function serfUnavailable(): string | undefined {
  const probe = spawnSync('serf', ['version']);
  if (probe.error === undefined) return undefined;
  if (process.env.CI !== undefined) {
    throw new Error('CI has no `serf` on its PATH: install the Debian package serf');
  }
  return 'the `serf` agent is not installed (Debian: apt install serf)';
}

export interface SerfAgentOptions {
  readonly node: string;
  readonly host?: string;
  readonly port?: number;
  readonly tags?: Readonly<Record<string, string>>;
  readonly profile?: 'lan' | 'wan' | 'local';
  /** Base64 key; or a keyring file. */
  readonly encrypt?: string;
  readonly keyringFile?: string;
  readonly snapshotFile?: string;
  readonly join?: readonly string[];
  /** `event=command` as the agent takes it: `query:lookup=cat`. */
  readonly eventHandlers?: readonly string[];
  /** Runs the agent under another command, for example inside a namespace. */
  readonly wrap?: (command: readonly string[]) => readonly string[];
}

export interface AgentMember {
  readonly name: string;
  /** `host:port`. */
  readonly addr: string;
  readonly status: string;
  readonly tags: Readonly<Record<string, string>>;
}

export class SerfAgent {
  readonly node: string;
  /** `host:port` of its gossip. */
  readonly address: string;
  readonly pid: number;
  readonly #rpc: string;
  readonly #child: ChildProcess;
  readonly #wrap: (command: readonly string[]) => readonly string[];
  #log = '';

  private constructor(
    options: SerfAgentOptions,
    child: ChildProcess,
    address: string,
    rpc: string,
    wrap: (command: readonly string[]) => readonly string[],
  ) {
    this.node = options.node;
    this.address = address;
    this.#rpc = rpc;
    this.#child = child;
    this.#wrap = wrap;
    this.pid = child.pid ?? 0;
    const keep = (chunk: Buffer): void => {
      this.#log = (this.#log + chunk.toString()).slice(-maxLogChars);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
  }

  /** Starts an agent and waits until it answers its RPC. */
  static async start(options: SerfAgentOptions): Promise<SerfAgent> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await SerfAgent.#launch(options);
      } catch (error) {
        // Another process may have taken a port that was free a moment ago.
        const taken = String(error).includes('address already in use');
        if (!taken || attempt === launchAttempts) throw error;
      }
    }
  }

  static async #launch(options: SerfAgentOptions): Promise<SerfAgent> {
    const { host = '127.0.0.1', wrap = (command) => command } = options;
    const address = `${host}:${options.port ?? (await freePort())}`;
    const rpc = `127.0.0.1:${await freePort()}`;
    const args = [
      'agent',
      `-node=${options.node}`,
      `-bind=${address}`,
      `-rpc-addr=${rpc}`,
      `-profile=${options.profile ?? 'lan'}`,
      '-log-level=debug',
      ...Object.entries(options.tags ?? {}).flatMap(([key, value]) => ['-tag', `${key}=${value}`]),
      ...(options.encrypt === undefined ? [] : [`-encrypt=${options.encrypt}`]),
      ...(options.keyringFile === undefined ? [] : [`-keyring-file=${options.keyringFile}`]),
      ...(options.snapshotFile === undefined ? [] : [`-snapshot=${options.snapshotFile}`]),
      ...(options.join ?? []).map((peer) => `-join=${peer}`),
      ...(options.eventHandlers ?? []).map((handler) => `-event-handler=${handler}`),
    ];
    const [command = '', ...rest] = wrap(['serf', ...args]);
    const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
    const agent = new SerfAgent(options, child, address, rpc, wrap);
    try {
      const state = await poll(async () => {
        if (child.exitCode !== null || child.signalCode !== null) return 'ended';
        return (await agent.run('members')) === '' ? undefined : 'ready';
      }, readyMs);
      if (state === 'ended') throw new Error('it ended');
    } catch (error) {
      await agent.kill();
      throw new Error(`serf agent ${options.node} did not start: ${agent.log}`, { cause: error });
    }
    return agent;
  }

  /** What the agent has printed. */
  get log(): string {
    return this.#log;
  }

  /** Runs `serf COMMAND` against this agent and gives its output; rejects when it fails. */
  async run(command: string, ...args: readonly string[]): Promise<string> {
    const [file = '', ...rest] = this.#wrap(['serf', command, `-rpc-addr=${this.#rpc}`, ...args]);
    const { stdout } = await run(file, rest);
    return stdout;
  }

  async members(): Promise<readonly AgentMember[]> {
    const { members } = JSON.parse(await this.run('members', '-format=json')) as {
      members: AgentMember[];
    };
    return members;
  }

  /** Status of one member as this agent sees it. */
  async statusOf(node: string): Promise<string | undefined> {
    return (await this.members()).find(({ name }) => name === node)?.status;
  }

  /** Ends the agent at once (SIGKILL): the pool sees a failure. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** The agent ends without a word to the pool, but puts its snapshot in order first (SIGTERM). */
  async terminate(): Promise<void> {
    await this.#end('SIGTERM');
  }

  /** The agent leaves the pool (SIGINT) and ends. */
  async leave(): Promise<void> {
    await this.#end('SIGINT');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }
}
