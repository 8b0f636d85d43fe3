import { connect, createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../support/clock.ts';
import { noLoopbackV6 } from './loopback-v6.ts';
import { netTransport } from './net-transport.ts';
import type { Address, Stream, Transport } from './transport.ts';

const limits = { streamTimeoutMs: 60_000, maxStreams: 16 };
const withoutV6 = noLoopbackV6();
const opened: Transport[] = [];

interface Seen {
  readonly datagrams: { text: string; from: Address }[];
  readonly streams: Stream[];
}

async function open(host: string, changes = {}): Promise<[Transport, Seen]> {
  const seen: Seen = { datagrams: [], streams: [] };
  const transport = await netTransport(systemClock)(
    { host, port: 0, ...limits, ...changes },
    {
      datagram: (bytes, from) => seen.datagrams.push({ text: Buffer.from(bytes).toString(), from }),
      stream: (stream) => seen.streams.push(stream),
    },
  );
  opened.push(transport);
  return [transport, seen];
}

/** Polls until the condition holds. */
async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries += 1) {
    if (tries > 1000) throw new Error('it did not happen in 10 s');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((transport) => transport.close()));
});

describe('net transport', () => {
  it('has datagrams and streams on one port, and carries both', async () => {
    const [a, atA] = await open('127.0.0.1');
    const [b, atB] = await open('127.0.0.1');
    a.send(b.local, Buffer.from('hello'));
    await until(() => atB.datagrams.length === 1);
    expect(atB.datagrams[0]).toEqual({ text: 'hello', from: a.local });

    const near = await b.dial(a.local, systemClock.monotonicMs() + 60_000);
    await near.write(Buffer.from('ping'));
    near.end();
    await until(() => atA.streams.length === 1);
    const far = atA.streams[0]!;
    expect(Buffer.from((await far.read()) ?? []).toString()).toBe('ping');
    expect(await far.read()).toBeUndefined();
    await far.write(Buffer.from('pong'));
    far.end();
    expect(Buffer.from((await near.read()) ?? []).toString()).toBe('pong');
  });

  // `::` cannot be bound where there is no IPv6; `0.0.0.0` then means IPv4 alone.
  it.for(['0.0.0.0', '::'])('bound to %s takes IPv4, and shows it as such', async (any, ctx) => {
    if (any === '::') ctx.skip(withoutV6 !== '', withoutV6);
    const [wide, atWide] = await open(any);
    const [four, atFour] = await open('127.0.0.1');
    four.send({ host: '127.0.0.1', port: wide.local.port }, Buffer.from('four'));
    await until(() => atWide.datagrams.length === 1);
    expect(atWide.datagrams[0]?.from).toEqual(four.local);
    wide.send(four.local, Buffer.from('back'));
    await until(() => atFour.datagrams.length === 1);
  });

  it.for(['0.0.0.0', '::'])('bound to %s takes IPv6, too', async (any, ctx) => {
    ctx.skip(withoutV6 !== '', withoutV6);
    const [wide, atWide] = await open(any);
    const [six] = await open('::1');
    six.send({ host: '::1', port: wide.local.port }, Buffer.from('six'));
    await until(() => atWide.datagrams.length === 1);
    expect(atWide.datagrams[0]?.from).toEqual(six.local);
  });

  it('says which port is in use, and what to do', async () => {
    const [a] = await open('127.0.0.1');
    await expect(open('127.0.0.1', { port: a.local.port })).rejects.toThrow(
      /cannot bind the gossip port \d+ on 127\.0\.0\.1: the port is in use/,
    );
    await expect(open('192.0.2.1')).rejects.toThrow(/no interface of this host/);
  });

  it('rejects a dial that is refused, and one that is not answered by its deadline', async () => {
    const [a] = await open('127.0.0.1');
    await expect(
      a.dial({ host: '127.0.0.1', port: 1 }, systemClock.monotonicMs() + 60_000),
    ).rejects.toThrow(/ECONNREFUSED/);
    const silent = createServer();
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const stream = await a.dial({ host: '127.0.0.1', port }, systemClock.monotonicMs() + 100);
    await expect(stream.read()).rejects.toThrow(/in time/);
    await new Promise((resolve) => silent.close(resolve));
  });

  it('destroys an accepted stream at its deadline, however slowly it talks', async () => {
    const [a, atA] = await open('127.0.0.1', { streamTimeoutMs: 200 });
    const socket = connect(a.local.port, '127.0.0.1');
    const drip = setInterval(() => socket.write('x'), 20);
    socket.on('error', () => undefined);
    const closed = new Promise((resolve) => socket.on('close', resolve));
    await until(() => atA.streams.length === 1);
    const reading = (async () => {
      while ((await atA.streams[0]!.read()) !== undefined);
    })();
    await expect(reading).rejects.toThrow(/in time/);
    await closed;
    clearInterval(drip);
  });

  it('takes no more streams than its limit', async () => {
    const [a, atA] = await open('127.0.0.1', { maxStreams: 2 });
    const sockets = Array.from({ length: 6 }, () => connect(a.local.port, '127.0.0.1'));
    let closed = 0;
    for (const socket of sockets) {
      socket.on('error', () => undefined);
      socket.on('close', () => (closed += 1));
      socket.resume();
    }
    await until(() => closed >= 4);
    expect(atA.streams).toHaveLength(2);
    expect(a.streamsRefused).toBe(4);
    for (const socket of sockets) socket.destroy();
  });

  it('counts what cannot be sent, and does not throw', async () => {
    const [a] = await open('127.0.0.1');
    a.send({ host: '127.0.0.1', port: 0 }, Buffer.from('x'));
    a.send({ host: '127.0.0.1', port: 9 }, new Uint8Array(70_000));
    await until(() => a.sendErrors >= 2);
  });

  it('resolves literals to themselves and names to all addresses', async () => {
    const [a] = await open('127.0.0.1');
    expect(await a.resolve('::1')).toEqual(['::1']);
    expect(await a.resolve('localhost')).toContain('127.0.0.1');
    await expect(a.resolve('nobody.invalid')).rejects.toThrow();
  });
});
