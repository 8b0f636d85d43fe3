// What one member does with each message, seen from a peer that speaks the wire by hand.

import { beforeEach, describe, expect, it } from 'vitest';
import { seededRandom } from '../../support/random.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { MemoryNetwork } from '../transport/memory-transport.ts';
import type { Transport } from '../transport/transport.ts';
import { compressMessage } from '../wire/compress.ts';
import { openDatagram, sealDatagram, type Envelope } from '../wire/datagram.ts';
import {
  ackResp,
  alive,
  dead,
  indirectPing,
  messageType,
  nackResp,
  ping,
  pushNodeState,
  pushPullHeader,
  suspect,
  type Alive,
} from '../wire/messages.ts';
import { openStreamMessage, StreamReader } from '../wire/stream.ts';
import { memberlistConfig, type MemberlistConfig } from './config.ts';
import type { Trouble } from './delegate.ts';
import { Memberlist } from './memberlist.ts';
import { hostOf, type Node } from './node.ts';

const plain: Envelope = {
  keys: [],
  encryptOutgoing: true,
  verifyIncoming: true,
  label: new Uint8Array(0),
  compression: true,
};
const vsn = Uint8Array.of(1, 5, 2, 2, 5, 4);
const subjectAddress = { host: '10.0.0.1', port: 7946 };
const peerAddress = { host: '10.0.0.2', port: 7946 };

let clock: VirtualClock;
let network: MemoryNetwork;
let peer: Transport;
/** Messages that the peer got, oldest first. */
let received: Uint8Array[];
let events: string[];
let conflicts: string[];
let troubles: Trouble[];
let subject: Memberlist;

async function start(changes: Partial<MemberlistConfig> = {}): Promise<void> {
  subject = new Memberlist({
    config: memberlistConfig('lan', { name: 'subject', bind: subjectAddress, ...changes }),
    openTransport: network.transport(clock),
    clock,
    random: seededRandom(2),
    events: {
      notifyJoin: ({ name }) => events.push(`join ${name}`),
      notifyLeave: ({ name, state }) => events.push(`${state} ${name}`),
      notifyUpdate: ({ name }) => events.push(`update ${name}`),
    },
    conflict: {
      notifyConflict: (existing: Node, other: Node) =>
        conflicts.push(`${existing.name}: ${hostOf(existing.addr)} and ${hostOf(other.addr)}`),
    },
    trouble: (trouble) => troubles.push(trouble),
  });
  await subject.start();
}

beforeEach(async () => {
  clock = new VirtualClock();
  network = new MemoryNetwork(clock, seededRandom(1));
  [received, events, conflicts, troubles] = [[], [], [], []];
  peer = await network.transport(clock)(
    { ...peerAddress, streamTimeoutMs: 10_000, maxStreams: 9 },
    {
      datagram: (bytes) => received.push(...openDatagram(bytes, plain, 65_536).messages),
      stream: (stream) => stream.destroy(),
    },
  );
});

async function say(...messages: Uint8Array[]): Promise<void> {
  for (const message of messages) peer.send(subjectAddress, sealDatagram(message, plain, false));
  await clock.advanceAsync(20);
}

function aliveOf(node: string, changes: Partial<Alive> = {}): Uint8Array {
  const addr = Uint8Array.of(10, 0, 0, 2);
  return alive.encode({ incarnation: 1, node, addr, port: 7946, meta: undefined, vsn, ...changes });
}

/** The newest of the subject's incarnations that the peer heard of. */
function subjectIncarnation(): number {
  const heard = received
    .filter((message) => message[0] === messageType.alive)
    .map((message) => alive.decode(message.subarray(1)))
    .filter(({ node }) => node === 'subject');
  return Math.max(0, ...heard.map(({ incarnation }) => incarnation));
}

/** The last message of a type that the peer got. */
function last(type: number): Uint8Array | undefined {
  return received.findLast((message) => message[0] === type)?.subarray(1);
}

describe('pings', () => {
  it('are answered, by name or without one, but not for another name', async () => {
    await start();
    await say(ping.encode({ seqNo: 7, node: 'subject' }));
    expect(ackResp.decode(last(messageType.ackResp)!).seqNo).toBe(7);
    await say(ping.encode({ seqNo: 8, node: '' }));
    expect(ackResp.decode(last(messageType.ackResp)!).seqNo).toBe(8);
    await say(ping.encode({ seqNo: 9, node: 'another' }));
    expect(ackResp.decode(last(messageType.ackResp)!).seqNo).toBe(8);
    expect(subject.stats().pingsForOthers).toBe(1);
  });

  it('for a third member are relayed, and answered by ack or nack with the asker’s number', async () => {
    await start();
    const target = { target: Uint8Array.of(10, 0, 0, 2), port: 7946, node: 'peer', nack: true };
    await say(indirectPing.encode({ seqNo: 500, ...target }));
    const relayed = ping.decode(last(messageType.ping)!);
    expect(relayed.node).toBe('peer');
    await say(ackResp.encode({ seqNo: relayed.seqNo, payload: undefined }));
    expect(ackResp.decode(last(messageType.ackResp)!).seqNo).toBe(500);

    await say(indirectPing.encode({ seqNo: 501, ...target, target: Uint8Array.of(10, 9, 9, 9) }));
    await clock.advanceAsync(600);
    expect(nackResp.decode(last(messageType.nackResp)!).seqNo).toBe(501);
    expect(subject.stats().acksAwaited).toBe(0);
  });
});

describe('alive', () => {
  it('adds a member, updates its meta-data, and keeps what is older out', async () => {
    await start();
    await say(aliveOf('peer'));
    await say(aliveOf('peer', { incarnation: 2, meta: Uint8Array.of(1) }));
    await say(aliveOf('peer', { incarnation: 2, meta: Uint8Array.of(2) }));
    await say(aliveOf('peer', { incarnation: 1, meta: Uint8Array.of(3) }));
    expect(events).toEqual(['join subject', 'join peer', 'update peer']);
    expect(subject.members().find(({ name }) => name === 'peer')?.meta).toEqual(Uint8Array.of(1));
  });

  it('from a second address is a conflict, and changes nothing', async () => {
    await start();
    await say(aliveOf('peer'));
    await say(aliveOf('peer', { incarnation: 9, addr: Uint8Array.of(10, 0, 0, 3) }));
    // The same IPv4 address in 16 bytes is another address to Go, hence to us.
    const mapped = Buffer.from('00000000000000000000ffff0a000002', 'hex');
    await say(aliveOf('peer', { incarnation: 9, addr: mapped }));
    expect(conflicts).toEqual(['peer: 10.0.0.2 and 10.0.0.3', 'peer: 10.0.0.2 and 10.0.0.2']);
    await say(aliveOf('subject', { incarnation: 9 }));
    expect(conflicts).toHaveLength(3);
    expect(subject.localNode().addr).toEqual(Uint8Array.of(10, 0, 0, 1));
  });

  it('from a new address is taken once the old one is dead', async () => {
    await start();
    await say(aliveOf('peer', { incarnation: 5 }));
    await say(dead.encode({ incarnation: 5, node: 'peer', from: 'other' }));
    await say(aliveOf('peer', { incarnation: 1, addr: Uint8Array.of(10, 0, 0, 3) }));
    expect(events).toEqual(['join subject', 'join peer', 'dead peer', 'join peer']);
    expect(conflicts).toEqual([]);
  });

  it('with an address, a version or an incarnation that cannot be is refused', async () => {
    await start();
    await say(
      aliveOf('a', { addr: Uint8Array.of(1, 2, 3) }),
      aliveOf('b', { vsn: new Uint8Array(0) }),
      aliveOf('c', { vsn: Uint8Array.of(3, 2, 2, 2, 5, 4) }),
      aliveOf('d', { incarnation: 2 ** 32 - 1 }),
      aliveOf(''),
    );
    expect(subject.numMembers()).toBe(1);
    expect(subject.stats().aliveRefused).toBe(5);
  });

  it('beyond the limit of nodes is refused', async () => {
    await start({
      limits: { ...memberlistConfig('lan', { name: '', bind: peerAddress }).limits, maxNodes: 3 },
    });
    await say(aliveOf('a'), aliveOf('b'), aliveOf('c'), aliveOf('d'));
    expect(subject.numMembers()).toBe(3);
    expect(subject.stats().nodeLimitRefused).toBe(2);
  });
});

describe('accusations', () => {
  it('of ourselves are refuted at once, with a higher incarnation', async () => {
    await start();
    await say(aliveOf('peer'));
    const accused = { node: 'subject', from: 'peer' };
    await say(ping.encode({ seqNo: 1, node: '' }), suspect.encode({ incarnation: 4, ...accused }));
    await clock.advanceAsync(300);
    expect(subjectIncarnation()).toBe(5);
    await say(dead.encode({ incarnation: 5, ...accused }));
    await clock.advanceAsync(300);
    expect(subjectIncarnation()).toBe(6);
    expect(subject.healthScore).toBe(2);
    expect(events).toEqual(['join subject', 'join peer']);
  });

  it('with an incarnation that would leave no number to refute with are refused', async () => {
    await start();
    await say(aliveOf('peer'));
    await say(
      suspect.encode({ incarnation: 2 ** 32 - 1, node: 'subject', from: 'peer' }),
      dead.encode({ incarnation: 2 ** 32 - 1, node: 'peer', from: 'x' }),
    );
    expect(subject.stats()).toMatchObject({ incarnationRefused: 2, members: 2 });
  });

  it('run their time, unless the accused says that it lives', async () => {
    await start();
    await say(aliveOf('peer'), aliveOf('quiet', { port: 7947 }));
    await say(suspect.encode({ incarnation: 1, node: 'peer', from: 'x' }));
    expect(subject.members().map(({ name, state }) => `${name} ${state}`)).toContain(
      'peer suspect',
    );
    await say(aliveOf('peer', { incarnation: 2 }));
    expect(subject.members().map(({ name, state }) => `${name} ${state}`)).toContain('peer alive');
    await say(suspect.encode({ incarnation: 2, node: 'peer', from: 'x' }));
    await clock.advanceAsync(5000);
    expect(events).toContain('dead peer');
  });

  it('by the node itself mean that it left, and are not gossiped to', async () => {
    await start();
    await say(aliveOf('peer'));
    await say(dead.encode({ incarnation: 1, node: 'peer', from: 'peer' }));
    expect(events.at(-1)).toBe('left peer');
    received.length = 0;
    await clock.advanceAsync(5000);
    expect(received).toEqual([]);
  });
});

describe('garbage', () => {
  it('is counted and named once, and the good parts beside it still count', async () => {
    await start();
    const compound = Buffer.concat([
      Uint8Array.of(messageType.compound, 3, 0, 2, 0, aliveOf('peer').length, 0, 200),
      Uint8Array.of(messageType.hasCrc, 0),
      aliveOf('peer'),
      Uint8Array.of(1, 2, 3),
    ]);
    await say(compound, Uint8Array.of(99), Uint8Array.of(messageType.alive, 0x81));
    await say(compressMessage(new Uint8Array(1_000_000)));
    expect(events).toContain('join peer');
    expect(subject.stats()).toMatchObject({ messagesBroken: 2, datagramsGarbage: 3 });
    expect(troubles).toHaveLength(1);
    expect(troubles[0]).toMatchObject({ code: 'garbage', source: '10.0.0.2:7946', count: 1 });
    await clock.advanceAsync(61_000);
    await say(Uint8Array.of(99));
    expect(troubles.at(-1)).toMatchObject({ code: 'garbage', count: 4 });
  });

  it('of another key is a key mismatch', async () => {
    await start({ keys: [new Uint8Array(16).fill(1)] });
    const other = { ...plain, keys: [new Uint8Array(16).fill(2)] };
    peer.send(subjectAddress, sealDatagram(aliveOf('peer'), other, false));
    await say(aliveOf('peer'));
    expect(events).toEqual(['join subject']);
    expect(subject.stats().datagramsUndecryptable).toBe(2);
    expect(troubles.map(({ code }) => code)).toEqual(['key-mismatch']);
  });

  it('in a flood is dropped early: what waits and what is handled stay bounded', async () => {
    await start();
    await say(aliveOf('peer'));
    const stranger = { host: '10.9.9.9', port: 1 };
    for (let count = 0; count < 50_000; count += 1) {
      network.send(stranger, subjectAddress, Uint8Array.of(99));
    }
    // The member's own ping, in the middle of it.
    await say(ping.encode({ seqNo: 77, node: 'subject' }));
    const stats = subject.stats();
    expect(stats.datagramsOverRate).toBeGreaterThan(45_000);
    expect(stats.datagramsGarbage).toBeLessThan(3000);
    expect(stats.datagramsWaiting).toBeLessThanOrEqual(1024);
    expect(ackResp.decode(last(messageType.ackResp)!).seqNo).toBe(77);
    expect(troubles.map(({ code }) => code)).toContain('flood');
  });
});

describe('push/pull', () => {
  async function exchange(
    nodes: Parameters<typeof pushNodeState.encodeBody>[0][],
  ): Promise<Alive[]> {
    const stream = await dial();
    const header = pushPullHeader.encode({ nodes: nodes.length, userStateLen: 0, join: true });
    await stream.write(
      Buffer.concat([header, ...nodes.map((node) => pushNodeState.encodeBody(node))]),
    );
    await clock.advanceAsync(50);
    const { type, body } = await openStreamMessage(new StreamReader(stream, 1e6), plain, 1e6);
    expect(type).toBe(messageType.pushPull);
    const { nodes: count } = await body.value(pushPullHeader);
    const states: Alive[] = [];
    for (let left = count; left > 0; left -= 1) {
      const { name, ...rest } = await body.value(pushNodeState);
      states.push({ node: name, ...rest });
    }
    return states;
  }

  async function dial(): ReturnType<Transport['dial']> {
    const dialling = peer.dial(subjectAddress, clock.monotonicMs() + 60_000);
    await clock.advanceAsync(50);
    return dialling;
  }

  const entry = {
    name: 'peer',
    addr: Uint8Array.of(10, 0, 0, 2),
    port: 7946,
    meta: undefined,
    incarnation: 1,
    state: 0,
    vsn,
  };

  it('gives our state and takes theirs; their dead are only suspected', async () => {
    await start();
    await say(aliveOf('third', { port: 7950 }));
    const states = await exchange([entry, { ...entry, name: 'third', port: 7950, state: 2 }]);
    expect(states.map(({ node }) => node).sort()).toEqual(['subject', 'third']);
    expect(events).toContain('join peer');
    expect(events).not.toContain('dead third');
    expect(subject.members().find(({ name }) => name === 'third')?.state).toBe('suspect');
  });

  it('with versions that not all understand is refused whole', async () => {
    await start();
    await exchange([entry, { ...entry, name: 'new', vsn: Uint8Array.of(1, 5, 5, 6, 9, 9) }]);
    expect(subject.numMembers()).toBe(1);
    expect(troubles[0]).toMatchObject({ code: 'refused-merge' });
    expect(troubles[0]?.detail).toMatch(/delegate protocol/);
  });

  it('that never ends is ended at the deadline', async () => {
    await start();
    const stream = await dial();
    await stream.write(pushPullHeader.encode({ nodes: 5, userStateLen: 0, join: true }));
    await clock.advanceAsync(1000);
    expect(subject.stats().streamsOpen).toBe(1);
    await clock.advanceAsync(10_000);
    expect(subject.stats()).toMatchObject({ streamsOpen: 0, streamsBroken: 1 });
  });
});
