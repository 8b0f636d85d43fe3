// Members on real sockets of this machine: joining, keys, ports of other kinds, and hostile input.

import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../support/clock.ts';
import { systemRandom } from '../../support/random.ts';
import { netTransport } from '../transport/net-transport.ts';
import { compressMessage } from '../wire/compress.ts';
import { alive, pushPullHeader, userMsgHeader } from '../wire/messages.ts';
import { memberlistConfig, type MemberlistConfig } from './config.ts';
import type { Trouble } from './delegate.ts';
import { Memberlist } from './memberlist.ts';
import { formatAddress } from './node.ts';

const runs = Number(process.env.TEST_FUZZ_RUNS ?? 2000);
/** Streams cost a connection each: one for every twenty datagrams. */
const streams = Math.max(300, Math.ceil(runs / 20));
const streamsAtOnce = 200;
const datagramsAtOnce = 50;
const fuzzOptions = { timeout: 60_000 + 2 * runs };
const key = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

const closing: (() => Promise<unknown>)[] = [];

interface Live {
  readonly memberlist: Memberlist;
  readonly address: string;
  readonly messages: string[];
  readonly troubles: Trouble[];
}

async function start(name: string, changes: Partial<MemberlistConfig> = {}): Promise<Live> {
  const messages: string[] = [];
  const troubles: Trouble[] = [];
  const memberlist = new Memberlist({
    config: memberlistConfig('local', {
      name,
      bind: { host: '127.0.0.1', port: 0 },
      // This machine may be busy: slow answers are no failures here.
      probeTimeoutMs: 5000,
      tcpTimeoutMs: 10_000,
      ...changes,
    }),
    openTransport: netTransport(systemClock),
    clock: systemClock,
    random: systemRandom,
    delegate: {
      nodeMeta: () => Buffer.from(`meta of ${name}`),
      notifyMessage: (bytes) => messages.push(Buffer.from(bytes).toString()),
      getBroadcasts: () => [],
      takeNews: () => [],
      localState: () => Buffer.from(`state of ${name}`),
      mergeRemoteState: (bytes) => messages.push(Buffer.from(bytes).toString()),
    },
    trouble: (trouble) => troubles.push(trouble),
  });
  const address = formatAddress(await memberlist.start());
  closing.push(() => memberlist.shutdown());
  return { memberlist, address, messages, troubles };
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => new Promise((resolve) => server.close(resolve)));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let tries = 0; !condition(); tries += 1) {
    if (tries > 1500) throw new Error(`not in 15 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

describe('a pool on this machine', () => {
  it.each([[[]], [[key(1)]]])('joins, talks, updates and leaves (keys: %#)', async (keys) => {
    const [a, b, c] = [
      await start('a', { keys }),
      await start('b', { keys }),
      await start('c', { keys }),
    ];
    expect(await b.memberlist.join([a.address])).toEqual({ joined: 1, failures: [] });
    expect(await c.memberlist.join([b.address, c.address])).toEqual({ joined: 1, failures: [] });
    await until(() => a.memberlist.members().length === 3, 'a knows all');
    expect(a.messages).toContain('state of b');
    expect(b.messages).toContain('state of a');

    const to = a.memberlist.localNode();
    const target = { host: '127.0.0.1', port: to.port };
    c.memberlist.sendUser(target, Buffer.from('datagram'));
    await c.memberlist.sendReliable(target, Buffer.from('x'.repeat(100_000)));
    await until(() => a.messages.includes('datagram'), 'the datagram');
    await until(() => a.messages.includes('x'.repeat(100_000)), 'the reliable message');
    expect(() => c.memberlist.sendUser(target, new Uint8Array(1400))).toThrow(/1400 bytes/);

    await b.memberlist.leave(5000);
    await b.memberlist.shutdown();
    await until(() => a.memberlist.members().length === 2, 'b has left');
    await expect(b.memberlist.join([a.address])).rejects.toThrow(/shut down/);
  });

  it('goes over to another key without losing anybody', async () => {
    const [a, b] = [await start('a', { keys: [key(1)] }), await start('b', { keys: [key(1)] })];
    await b.memberlist.join([a.address]);
    for (const { memberlist } of [a, b]) memberlist.keyring.install(key(2));
    for (const { memberlist } of [a, b]) memberlist.keyring.use(key(2));
    for (const { memberlist } of [a, b]) memberlist.keyring.remove(key(1));
    const c = await start('c', { keys: [key(2)] });
    expect(await c.memberlist.join([a.address])).toMatchObject({ joined: 1 });
    await until(() => b.memberlist.members().length === 3, 'all three');
    expect(a.memberlist.stats().datagramsUndecryptable ?? 0).toBe(0);
  });
});

describe('a join that fails says why', () => {
  it('nobody listens; no such name; no address', async () => {
    const { memberlist } = await start('a');
    const result = await memberlist.join([
      '127.0.0.1:1',
      'nobody.invalid',
      'a:b:c',
      '127.0.0.1:99999',
    ]);
    expect(result.joined).toBe(0);
    expect(result.failures.map(({ reason }) => reason)).toEqual(Array(4).fill('unreachable'));
    expect(result.failures.map(({ detail }) => detail).join()).toMatch(/ECONNREFUSED/);
  });

  it('the keys differ, or only one side has one', async () => {
    const one = await start('one', { keys: [key(1)] });
    const two = await start('two', { keys: [key(2)] });
    const open = await start('open');
    for (const [from, to] of [
      [one, two],
      [one, open],
      [open, one],
    ] as const) {
      const { failures } = await from.memberlist.join([to.address]);
      expect(failures).toMatchObject([{ reason: 'key' }]);
      expect(to.troubles.map(({ code }) => code)).toContain('key-mismatch');
    }
  });

  it('the port speaks HTTP/2, HTTP/1, nothing, or never answers', async () => {
    const { memberlist } = await start('a', { tcpTimeoutMs: 1500 });
    const rpc = await listen(createHttp2Server());
    const http = await listen(createHttpServer());
    const closes = await listen(createServer((socket) => socket.resume().end()));
    const silent = await listen(
      createServer((socket) => {
        socket.on('error', () => undefined);
        socket.resume();
      }),
    );
    const reasons: string[] = [];
    for (const address of [rpc, http, closes, silent]) {
      const { failures } = await memberlist.join([address]);
      reasons.push(...failures.map(({ reason }) => reason));
    }
    expect(reasons).toEqual(['rpc-port', 'http-port', 'bad-answer', 'timeout']);
  });
});

/** Bytes that look like what a member reads, and bytes that do not. */
const hostile = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc
    .tuple(fc.nat(13), fc.uint8Array({ maxLength: 100 }))
    .map(([type, bytes]) => Uint8Array.of(type, ...bytes)),
  fc
    .record({ node: fc.string({ maxLength: 9 }), addr: fc.uint8Array({ maxLength: 16 }) })
    .map(({ node, addr }) =>
      alive.encode({
        incarnation: 1,
        node,
        addr,
        port: 1,
        meta: undefined,
        vsn: Uint8Array.of(1, 5, 2, 2, 5, 4),
      }),
    ),
  fc.uint8Array({ maxLength: 60 }).map((bytes) => compressMessage(bytes)),
  fc.nat(100).map((nodes) => pushPullHeader.encode({ nodes, userStateLen: nodes, join: true })),
  fc.nat(2 ** 31 - 1).map((userMsgLen) => userMsgHeader.encode({ userMsgLen })),
);

/**
 * One stream with these bytes, then: left open until the member closes it or half a second has
 * passed (0), ended (1), reset (2).
 */
async function hostileStream(port: number, bytes: Uint8Array, ending: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.resume();
  if (ending === 0) socket.write(bytes);
  else if (ending === 1) socket.end(bytes);
  else socket.write(bytes, () => socket.resetAndDestroy());
  const patience = setTimeout(() => socket.destroy(), 500);
  await once(socket, 'close');
  clearTimeout(patience);
}

describe(
  `live listeners under hostile input (${runs} datagrams, ${streams} streams)`,
  fuzzOptions,
  () => {
    it('datagrams: all are read, and the member answers afterwards as before', async () => {
      // Else the rate of strangers would keep nearly all of them from the decoders.
      const { limits } = memberlistConfig('local', { name: 'a', bind: { host: '', port: 0 } });
      const unlimited = { ...limits, strangerRate: 1_000_000 };
      const [a, b] = [await start('a', { limits: unlimited }), await start('b')];
      const { port } = a.memberlist.localNode();
      const socket = createSocket('udp4');
      const received = (): number => a.memberlist.stats().datagramsReceived ?? 0;
      for (let sent = 0; sent < runs; sent += datagramsAtOnce) {
        for (const bytes of fc.sample(hostile, { numRuns: datagramsAtOnce, seed: sent })) {
          socket.send(bytes, port, '127.0.0.1');
        }
        const patience = performance.now() + 1000;
        while (received() < sent + datagramsAtOnce && performance.now() < patience) {
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
      expect(received()).toBeGreaterThan(0.9 * runs);
      expect(await b.memberlist.join([a.address])).toMatchObject({ joined: 1 });
      socket.close();
      expect(a.memberlist.stats().internalErrors ?? 0).toBe(0);
      expect(a.memberlist.stats().datagramsGarbage).toBeGreaterThan(0);
    });

    it('streams: cut off, broken or never ended', async () => {
      const [a, b] = [await start('a'), await start('b')];
      const { port } = a.memberlist.localNode();
      for (let opened = 0; opened < streams; opened += streamsAtOnce) {
        const inputs = fc.sample(hostile, { numRuns: streamsAtOnce, seed: opened });
        await Promise.all(inputs.map((bytes, index) => hostileStream(port, bytes, index % 3)));
      }
      await until(() => (a.memberlist.stats().streamsGarbage ?? 0) > 0, 'garbage was seen');
      await until(() => a.memberlist.stats().streamsOpen === 0, 'all streams ended');
      expect(await b.memberlist.join([a.address])).toMatchObject({ joined: 1 });
      expect(a.memberlist.stats().internalErrors ?? 0).toBe(0);
    });
  },
);
