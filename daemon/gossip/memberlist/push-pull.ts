// Both sides exchange their whole state over a stream (serf-wire.md §6): on joining, and now and
// then with a random member, which repairs what gossip missed.

import type { Address, Stream } from '../transport/transport.ts';
import type { Envelope } from '../wire/datagram.ts';
import {
  errResp,
  messageType,
  pushNodeState,
  pushPullHeader,
  type PushNodeState,
} from '../wire/messages.ts';
import {
  openStreamMessage,
  sealStreamMessage,
  StreamReader,
  type ByteSource,
  type StreamMessage,
} from '../wire/stream.ts';
import { WireError } from '../wire/wire-error.ts';
import type { Core } from './core.ts';
import { decodeVersions, type Node } from './node.ts';
import { refusedVersions } from './protocol-check.ts';

/** Above this many members the interval of push/pulls grows, a step with each doubling. */
const scaleThreshold = 32;

/** The interval in a pool of `nodes`: ×1 up to 32 members, ×2 up to 64, ×3 up to 128, ... */
export function pushPullScaleMs(intervalMs: number, nodes: number): number {
  if (nodes <= scaleThreshold) return intervalMs;
  return (Math.ceil(Math.log2(nodes) - Math.log2(scaleThreshold)) + 1) * intervalMs;
}

/** The other side answered with an error of its own. */
export class RemoteError extends Error {
  override readonly name = 'RemoteError';
}

/** We refuse to merge: protocol versions, or the layer above said why. */
export class MergeRefused extends Error {
  override readonly name = 'MergeRefused';
}

interface RemoteState {
  readonly nodes: readonly PushNodeState[];
  readonly userState: Uint8Array;
  readonly join: boolean;
}

/**
 * The client's side: sends our state, reads theirs, merges. Rejects with `StreamError`,
 * `WireError`, `RemoteError` or `MergeRefused`.
 */
export async function pushPull(core: Core, to: Address, join: boolean): Promise<void> {
  const { transport, clock, config, counters } = core;
  const stream = await transport.dial(to, clock.monotonicMs() + config.tcpTimeoutMs);
  try {
    const envelope = core.envelope();
    // A peer that refuses us may say why before it has read everything: its answer counts.
    const sent = stream.write(localState(core, envelope, join)).then(
      () => undefined,
      (error: unknown) => error,
    );
    let beginning: Uint8Array = new Uint8Array(0);
    const source: ByteSource = {
      read: async () => {
        const chunk = await stream.read();
        if (beginning.length === 0 && chunk !== undefined) beginning = chunk.slice(0, 64);
        return chunk;
      },
    };
    const reader = new StreamReader(source, config.limits.streamBytes);
    const answer = await readAnswer(reader, envelope, config.limits.streamBytes).catch(
      async (error: unknown) => {
        throw new AnswerError(error, beginning, await sent);
      },
    );
    counters.add('pushPulls');
    merge(core, await readState(core, answer), join);
  } finally {
    stream.destroy();
  }
}

/** The answer could not be read; `beginning` is what came, to tell what kind of server it was. */
export class AnswerError extends Error {
  override readonly name = 'AnswerError';
  readonly beginning: Uint8Array;

  constructor(cause: unknown, beginning: Uint8Array, sendError: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause: cause ?? sendError });
    this.beginning = beginning;
  }
}

async function readAnswer(
  reader: StreamReader,
  envelope: Envelope,
  maxBytes: number,
): Promise<StreamMessage> {
  const answer = await openStreamMessage(reader, envelope, maxBytes);
  if (answer.type === messageType.err) {
    throw new RemoteError((await answer.body.value(errResp)).error);
  }
  if (answer.type !== messageType.pushPull) {
    throw new WireError(`an answer of type ${answer.type} to a push/pull`);
  }
  return answer;
}

/** The server's side, once the message's type is known: reads, answers, then merges. */
export async function servePushPull(
  core: Core,
  stream: Stream,
  message: StreamMessage,
): Promise<void> {
  const remote = await readState(core, message);
  await stream.write(localState(core, core.envelope(), remote.join));
  stream.end();
  core.counters.add('pushPullsServed');
  merge(core, remote, remote.join);
}

function localState(core: Core, envelope: Envelope, join: boolean): Uint8Array {
  const states = core.rules.snapshot();
  const userState = core.delegates.delegate?.localState(join) ?? new Uint8Array(0);
  const header = pushPullHeader.encode({
    nodes: states.length,
    userStateLen: userState.length,
    join,
  });
  const bodies = states.map((state) => pushNodeState.encodeBody(state));
  return sealStreamMessage(Buffer.concat([header, ...bodies, userState]), envelope);
}

async function readState(core: Core, { body }: StreamMessage): Promise<RemoteState> {
  const { maxPushPullNodes } = core.config.limits;
  const { nodes: count, userStateLen, join } = await body.value(pushPullHeader);
  if (count > maxPushPullNodes) {
    throw new WireError(`${count} nodes where at most ${maxPushPullNodes} are allowed`);
  }
  const nodes: PushNodeState[] = [];
  while (nodes.length < count) nodes.push(await body.value(pushNodeState));
  return { nodes, userState: await body.bytes(userStateLen), join };
}

function merge(core: Core, remote: RemoteState, join: boolean): void {
  const { nodes, rules, delegates, counters } = core;
  const refused =
    refusedVersions(
      remote.nodes,
      nodes.all().map(({ node }) => node),
    ) ?? (join ? delegates.merge?.notifyMerge(remote.nodes.flatMap(toNode)) : undefined);
  if (refused !== undefined) {
    counters.add('mergesRefused');
    throw new MergeRefused(refused);
  }
  rules.merge(remote.nodes);
  if (remote.userState.length > 0) delegates.delegate?.mergeRemoteState(remote.userState, join);
}

const states = ['alive', 'suspect', 'dead', 'left'] as const;

function toNode({ name, addr, port, meta, state, vsn }: PushNodeState): Node[] {
  const versions = decodeVersions(vsn);
  const status = states[state];
  if (versions === undefined || status === undefined) return [];
  return [{ name, addr, port, meta: meta ?? new Uint8Array(0), versions, state: status }];
}
