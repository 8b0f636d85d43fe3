// The real agent: one process a member, watched through its debug log, whose lines arrive here as
// they are written.

import { spawn, type ChildProcess } from 'node:child_process';
import { freePort } from '../../support/free-port.ts';
import { poll } from '../../support/poll.ts';
import { SerfRpc } from './serf-rpc.ts';
import {
  eventPatienceMs,
  limitMs,
  placeOf,
  portOf,
  rpcPortOf,
  type Places,
  type Side,
} from './side.ts';

interface Agent {
  readonly child: ChildProcess;
  readonly address: string;
  readonly rpcAddress: string;
  readonly joined: Set<string>;
  failed: number;
  /** Line → when it came first. */
  readonly seen: Map<string, number>;
}

/** Starts `count` agents. */
export async function startSerfSide(count: number, places: Places): Promise<Side> {
  const agents: Agent[] = [];
  for (let index = 0; index < count; index += 1) {
    const host = placeOf(places, index);
    const bind =
      host === undefined ? `127.0.0.1:${await freePort()}` : `${host.address}:${portOf(index)}`;
    // Reached from outside of its namespace.
    const rpc =
      host === undefined ? `127.0.0.1:${await freePort()}` : `${host.address}:${rpcPortOf(index)}`;
    agents.push(launch(`m${index}`, bind, rpc, host?.wrap ?? ((command) => command)));
  }
  await poll(() => agents.every(({ joined }) => joined.size === 1) || undefined, limitMs);
  const rpcs = new Map<Agent, SerfRpc>();
  for (const agent of agents) {
    // The port opens a moment after the agent has begun.
    const connect = (): Promise<SerfRpc | undefined> =>
      SerfRpc.connect(agent.rpcAddress).catch(() => undefined);
    rpcs.set(agent, await poll(connect, limitMs));
  }
  const [first] = agents;
  if (first === undefined) throw new RangeError('a pool has members');

  return {
    processes: agents.map(({ child }) => ({ pid: child.pid ?? 0, members: 1 })),
    async formMs() {
      // From the first dial, as for ours: an agent notes the request before it dials.
      const request = { Existing: [first.address], Replay: false };
      for (const agent of agents.slice(1)) rpcs.get(agent)?.send('join', request);
      await poll(
        () => agents.every(({ joined }) => joined.size === count) || undefined,
        limitMs,
        5,
      );
      const begun = agents.map(({ seen }) => seen.get('joining') ?? Infinity);
      return (
        Math.max(...agents.map(({ seen }) => seen.get(`known ${count}`) ?? 0)) - Math.min(...begun)
      );
    },
    async event(name) {
      const request = { Name: name, Payload: Buffer.from('payload'), Coalesce: false };
      rpcs.get(first)?.send('event', request);
      await poll(() => first.seen.has(`sent ${name}`) || undefined, limitMs, 5);
      const others = agents.slice(1);
      const all = (): boolean => others.every(({ seen }) => seen.has(`event ${name}`));
      await poll(() => all() || undefined, eventPatienceMs, 5).catch(() => undefined);
      const sentMs = first.seen.get(`sent ${name}`) ?? NaN;
      return others.map(({ seen }) => (seen.get(`event ${name}`) ?? Infinity) - sentMs);
    },
    async detectMs() {
      const victim = agents.pop();
      const name = `m${agents.length}`;
      const killedMs = performance.now();
      victim?.child.kill('SIGKILL');
      await poll(
        () => agents.every(({ seen }) => seen.has(`failed ${name}`)) || undefined,
        limitMs,
        20,
      );
      return Math.max(...agents.map(({ seen }) => seen.get(`failed ${name}`) ?? 0)) - killedMs;
    },
    failures: () => agents.reduce((sum, { failed }) => sum + failed, 0),
    async stop() {
      for (const rpc of rpcs.values()) rpc.close();
      for (const { child } of agents) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        const ended = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGKILL');
        await ended;
      }
    },
  };
}

function launch(
  node: string,
  address: string,
  rpc: string,
  wrap: (command: readonly string[]) => readonly string[],
): Agent {
  const flags = [`-node=${node}`, `-bind=${address}`, `-rpc-addr=${rpc}`, '-log-level=debug'];
  const [file = '', ...args] = wrap(['serf', 'agent', ...flags]);
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const agent: Agent = {
    child,
    address,
    rpcAddress: rpc,
    joined: new Set(),
    failed: 0,
    seen: new Map(),
  };
  let rest = '';
  child.stdout.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) read(agent, line);
  });
  return agent;
}

function read(agent: Agent, line: string): void {
  const note = (key: string): void => {
    if (!agent.seen.has(key)) agent.seen.set(key, performance.now());
  };
  const joined = /EventMemberJoin: (\S+)/.exec(line)?.[1];
  if (joined !== undefined) {
    agent.joined.add(joined);
    note(`known ${agent.joined.size}`);
  }
  const failed = /EventMemberFailed: (\S+)/.exec(line)?.[1];
  if (failed !== undefined) {
    agent.failed += 1;
    note(`failed ${failed}`);
  }
  if (line.includes('agent: joining:')) note('joining');
  // By gossip; or by a push/pull, of which only the agent's own line tells.
  const event = /(?:messageUserEventType|Received event: user-event): (\S+)/.exec(line)?.[1];
  if (event !== undefined) note(`event ${event}`);
  const sent = /Requesting user event send: (\S+?)\.? /.exec(line)?.[1];
  if (sent !== undefined) note(`sent ${sent}`);
}
