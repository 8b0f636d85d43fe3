// The parent's side of `gossip-member.ts`: members of our own engine in a process that can be
// killed, weighed and put into a namespace.

import { spawn, type ChildProcess } from 'node:child_process';
import type { JoinResult, PoolEvent, PoolMember, PoolSettings } from '../../daemon/gossip/pool.ts';
import type { MemberReply, MemberRequest } from './gossip-member.ts';

type Ask = MemberRequest extends infer R
  ? R extends { id: number }
    ? Omit<R, 'id'>
    : never
  : never;

/** An event of a member of this process, and when it was sent from there (wall clock). */
export interface SeenEvent {
  readonly node: string;
  readonly event: PoolEvent;
  readonly atMs: number;
}

export class MemberProcess {
  readonly pid: number;
  readonly events: SeenEvent[] = [];
  readonly #child: ChildProcess;
  readonly #waiting = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: Error) => void }
  >();
  #nextId = 0;

  constructor(wrap: (command: readonly string[]) => readonly string[] = (command) => command) {
    const script = new URL('./gossip-member.ts', import.meta.url).pathname;
    const [file = '', ...args] = wrap([process.execPath, script]);
    const child = spawn(file, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#child = child;
    this.pid = child.pid ?? 0;
    child.on('message', (reply: MemberReply) => this.#receive(reply));
    child.on('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the process ended'));
      this.#waiting.clear();
    });
  }

  /** Starts a member; gives its `host:port`. */
  async start(settings: PoolSettings): Promise<string> {
    const { host, port } = (await this.ask({ op: 'start', settings })) as {
      host: string;
      port: number;
    };
    return `${host}:${port}`;
  }

  /** Joins; gives with the result when the process began, wall clock. */
  async join(
    node: string,
    addresses: readonly string[],
  ): Promise<JoinResult & { readonly begunMs: number }> {
    return (await this.ask({ op: 'join', node, addresses })) as JoinResult & { begunMs: number };
  }

  async members(node: string): Promise<readonly PoolMember[]> {
    return (await this.ask({ op: 'members', node })) as PoolMember[];
  }

  async ask(request: Ask): Promise<unknown> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ ...request, id });
    });
  }

  /** Ends the process without a word to the pool (SIGKILL). */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await ended;
  }

  #receive(reply: MemberReply): void {
    if ('event' in reply) {
      this.events.push(reply);
      return;
    }
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ('error' in reply) waiting?.reject(new Error(reply.error));
    else waiting?.resolve(reply.value);
  }
}
