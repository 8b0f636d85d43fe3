// Peers that cannot be dialled, that lie, that stall, that are newer, that leave.

import { Client, credentials, Server, ServerCredentials, status } from '@grpc/grpc-js';
import type { ServerDuplexStream, UntypedHandleCall } from '@grpc/grpc-js';
import fc from 'fast-check';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { encodeImporterFrame } from '../../daemon/replication/frame-codec.ts';
import { replicationService } from '../../daemon/replication/grpc-service.ts';
import { poll } from '../support/poll.ts';
import { fill, isEqual, newState, payload, startSite } from './models/site.ts';

const limitMs = 40_000;
const truly = (condition: boolean): true | undefined => (condition ? true : undefined);

describe('a site that cannot be dialled', () => {
  it('pushes its export through the connection that it opens', async () => {
    const [inner, outer] = [newState('inner'), newState('outer')];
    fill(inner.source, 3_000);
    fill(outer.source, 100, 'o');
    await using a = await startSite(inner, { pushAfterMs: 200 });
    await using b = await startSite(outer, { push: 'never' });
    // The outer site knows the inner one from the pool, and has no way to it.
    b.replication.connect({ cluster: 'inner', addresses: ['127.0.0.1:1'], tls: false });
    a.replication.connect({ cluster: 'outer', addresses: [b.address], tls: false });
    await poll(() => truly(isEqual(inner.source, b.sink('inner'))), limitMs);
    await poll(() => truly(isEqual(outer.source, a.sink('outer'))), limitMs);
    inner.source.put('instance', 'i/a/late', payload('late'));
    await poll(() => truly(isEqual(inner.source, b.sink('inner'))), limitMs);
    const link = b.replication.links().find(({ direction }) => direction === 'import');
    expect(link).toMatchObject({
      cluster: 'inner',
      node: 'inner-1',
      via: 'push',
      state: 'connected',
    });
  });

  it('does not push what is pulled already', async () => {
    const [left, right] = [newState('left'), newState('right')];
    fill(left.source, 100);
    await using a = await startSite(left, { push: 'always' });
    await using b = await startSite(right, { push: 'always' });
    b.replication.connect({ cluster: 'left', addresses: [a.address], tls: false });
    await poll(() => truly(isEqual(left.source, b.sink('left'))), limitMs);
    a.replication.connect({ cluster: 'right', addresses: [b.address], tls: false });
    await poll(() => truly(a.sink('right').state === 'connected'), limitMs);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const imports = b.replication.links().filter(({ direction }) => direction === 'import');
    expect(imports).toMatchObject([{ via: 'pull', state: 'connected' }]);
    expect(b.sink('left').snapshotsBegun).toBe(1);
  });

  it('is refused when the pool does not know it', async () => {
    const [a, b] = [newState('stranger'), newState('there')];
    fill(a.source, 10);
    await using siteA = await startSite(a, { push: 'always' });
    await using siteB = await startSite(b);
    siteA.replication.connect({ cluster: 'there', addresses: [siteB.address], tls: false });
    await poll(() => truly(siteA.sink('there').state === 'connected'), limitMs);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(siteB.replication.links().filter(({ direction }) => direction === 'import')).toEqual([]);
  });
});

describe('who answers', () => {
  it.each([
    {
      who: 'another cluster',
      cluster: 'wanted',
      registry: '',
      says: "this is cluster 'there', not 'wanted'",
    },
    {
      who: 'another site of the same name',
      cluster: 'there',
      registry: 'registry-one',
      says: "cluster 'there' at another registry answered",
    },
  ])('is refused when it is $who', async ({ cluster, registry, says }) => {
    const [a, b] = [newState('here'), newState('there')];
    fill(b.source, 10);
    await using siteA = await startSite(a);
    await using siteB = await startSite(b, { registry: 'registry-two' });
    siteA.replication.connect({ cluster, addresses: [siteB.address], tls: false, registry });
    const sink = siteA.sink(cluster);
    const link = await poll(() => sink.links.find(({ reason }) => reason !== ''), limitMs);
    expect(link.reason).toContain(says);
    expect(sink.held.size).toBe(0);
  });

  it('is refused when its name is ours and its registry is not', async () => {
    const [a, b] = [newState('same'), newState('same')];
    await using siteA = await startSite(a, { node: 'a', registry: 'one' });
    await using siteB = await startSite(b, { node: 'b', registry: 'two' });
    siteA.replication.connect({ cluster: 'same', addresses: [siteB.address], tls: false });
    const sink = siteA.sink('same');
    const link = await poll(() => sink.links.find(({ reason }) => reason !== ''), limitMs);
    expect(link.reason).toContain("calls its cluster 'same' as we do, beside another registry");
  });

  it('is spoken to when newer, if a version is common', async () => {
    const [a, b, c] = [newState('here'), newState('newer'), newState('alien')];
    fill(b.source, 10);
    fill(c.source, 10);
    await using siteA = await startSite(a);
    await using siteB = await startSite(b, { versions: { min: 1, max: 9 } });
    await using siteC = await startSite(c, { versions: { min: 8, max: 9 } });
    siteA.replication.connect({ cluster: 'newer', addresses: [siteB.address], tls: false });
    siteA.replication.connect({ cluster: 'alien', addresses: [siteC.address], tls: false });
    await poll(() => truly(isEqual(b.source, siteA.sink('newer'))), limitMs);
    const alien = siteA.sink('alien');
    const link = await poll(() => alien.links.find(({ reason }) => reason !== ''), limitMs);
    expect(link.reason).toContain('no common replication version: here 1, there 8 to 9');
    expect(alien.held.size).toBe(0);
  });

  it('is tried at its other addresses', async () => {
    const [a, b] = [newState('here'), newState('there')];
    fill(b.source, 10);
    await using siteA = await startSite(a);
    await using siteB = await startSite(b);
    const addresses = ['127.0.0.1:1', '127.0.0.1:2', siteB.address];
    siteA.replication.connect({ cluster: 'there', addresses, tls: false });
    await poll(() => truly(isEqual(b.source, siteA.sink('there'))), limitMs);
  });

  it('is believed when it says that it leaves', async () => {
    const [a, b] = [newState('here'), newState('there')];
    await using siteA = await startSite(a);
    const siteB = await startSite(b);
    siteA.replication.connect({ cluster: 'there', addresses: [siteB.address], tls: false });
    await poll(() => truly(siteA.sink('there').state === 'connected'), limitMs);
    await siteB.replication.stop(true);
    await poll(() => truly(siteA.sink('there').state === 'left'), limitMs);
  });

  it('is no longer listened to once it is disconnected', async () => {
    const [a, b] = [newState('here'), newState('there')];
    await using siteA = await startSite(a);
    await using siteB = await startSite(b);
    siteA.replication.connect({ cluster: 'there', addresses: [siteB.address], tls: false });
    const sink = siteA.sink('there');
    await poll(() => truly(sink.state === 'connected'), limitMs);
    siteA.replication.disconnect('there', true);
    expect(sink.state).toBe('left');
    siteB.source.put('instance', 'i/a/1', payload('1'));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(sink.held.size).toBe(0);
    await poll(() => truly(siteB.source.listeners === 0), limitMs);
  });
});

describe('a look-up', () => {
  it('comes in pages, and says how much there is', async () => {
    const [a, b] = [newState('here'), newState('there')];
    fill(b.source, 2_500, 'many');
    await using siteA = await startSite(a);
    await using siteB = await startSite(b);
    siteA.replication.connect({ cluster: 'there', addresses: [siteB.address], tls: false });
    const query = { service: 'many', instance: '' };
    const answer = await siteA.replication.lookup('there', query, 2_200, 10_000);
    expect(answer.total).toBe(2_500);
    expect(new Set(answer.records.map(({ key }) => key)).size).toBe(2_200);
    expect(answer.records[0]).toEqual(b.source.get(answer.records[0]!.key));
    const empty = { service: '', instance: '' };
    await expect(siteA.replication.lookup('there', empty, 1, 10_000)).rejects.toThrow(/no member/);
    await expect(siteA.replication.lookup('nobody', query, 1, 10_000)).rejects.toThrow(
      /no cluster/,
    );
  });
});

describe('hostile peers', () => {
  it('a server that sends garbage is named, dropped, and nothing of it is kept', async () => {
    const server = new Server();
    let calls = 0;
    const garble = (call: ServerDuplexStream<Buffer, Buffer>): void => {
      calls++;
      call.write(Buffer.from('this is no frame'));
    };
    server.addService(replicationService, {
      subscribe: garble as UntypedHandleCall,
      push: garble as UntypedHandleCall,
      lookup: garble,
    });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
    const a = newState('here');
    await using site = await startSite(a);
    site.replication.connect({ cluster: 'liar', addresses: [`127.0.0.1:${port}`], tls: false });
    const sink = site.sink('liar');
    const link = await poll(() => sink.links.find(({ reason }) => reason !== ''), limitMs);
    expect(link.reason).toMatch(/no frame|frame that ends|wire type|tag/);
    await poll(() => truly(sink.state === 'silent'), limitMs);
    // Waits grow: some five seconds take a handful of attempts.
    expect(calls).toBeLessThan(20);
    expect(sink.held.size).toBe(0);
    server.forceShutdown();
  });

  it('clients that send garbage get an answer and disturb nobody', async () => {
    const [a, b] = [newState('here'), newState('there')];
    fill(b.source, 100);
    await using siteA = await startSite(a);
    await using siteB = await startSite(b);
    siteA.replication.connect({ cluster: 'there', addresses: [siteB.address], tls: false });
    await poll(() => truly(isEqual(b.source, siteA.sink('there'))), limitMs);
    const client = new Client(siteB.address, credentials.createInsecure());
    const hello = encodeImporterFrame({
      type: 'hello',
      cluster: 'x',
      node: 'x',
      registry: '',
      versionMin: 1,
      versionMax: 1,
      position: undefined,
      windowBytes: 0,
      wantedCluster: 'there',
    });
    const method = fc.constantFrom('subscribe' as const, 'push' as const);
    const frames = fc.array(fc.uint8Array({ maxLength: 200 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(method, frames, fc.boolean(), async (name, list, withHello) => {
        const { path, requestSerialize, responseDeserialize } = replicationService[name];
        const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
        call.on('data', () => undefined);
        call.on('error', () => undefined);
        if (withHello) call.write(hello);
        // What no reading takes for a frame: the last of it ends the stream for sure.
        for (const bytes of list) call.write(Buffer.from(bytes));
        call.write(Buffer.from([0xff, 0xff]));
        const code = await new Promise<status>((resolve) => {
          call.on('status', (result) => resolve(result.code));
        });
        expect(code).not.toBe(status.OK);
      }),
      { numRuns: Number(process.env.TEST_FUZZ_RUNS ?? 200) },
    );
    client.close();
    b.source.put('instance', 'i/a/after', payload('after'));
    await poll(() => truly(isEqual(b.source, siteA.sink('there'))), limitMs);
    expect(siteA.sink('there').snapshotsBegun).toBe(1);
  });

  it('raw bytes on the port disturb nobody', async () => {
    const [a, b] = [newState('here'), newState('there')];
    await using siteA = await startSite(a);
    await using siteB = await startSite(b);
    siteA.replication.connect({ cluster: 'there', addresses: [siteB.address], tls: false });
    await poll(() => truly(siteA.sink('there').state === 'connected'), limitMs);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (bytes) => {
        const socket = connect(siteB.port, '127.0.0.1');
        socket.on('error', () => undefined);
        socket.end(Buffer.from(bytes));
        await once(socket.resume(), 'close');
      }),
      { numRuns: 50 },
    );
    b.source.put('instance', 'i/a/1', payload('1'));
    await poll(() => truly(isEqual(b.source, siteA.sink('there'))), limitMs);
  });
});

describe('a way that stalls', () => {
  it('is noticed, and another connection takes over without a snapshot', async () => {
    const [a, b] = [newState('here'), newState('there')];
    fill(b.source, 1_000);
    await using siteA = await startSite(a);
    await using siteB = await startSite(b);
    await using proxy = await stallingProxy(siteB.port);
    siteA.replication.connect({ cluster: 'there', addresses: [proxy.address], tls: false });
    const sink = siteA.sink('there');
    await poll(() => truly(isEqual(b.source, sink)), limitMs);
    // Half open: nothing arrives, nothing says so.
    proxy.stall();
    b.source.put('instance', 'i/a/during', payload('during'));
    await poll(() => sink.links.find(({ state }) => state === 'silent'), limitMs);
    expect(sink.held.size).toBe(1_000);
    await poll(() => truly(isEqual(b.source, sink)), limitMs);
    expect(sink.state).toBe('connected');
    expect(sink.snapshotsBegun).toBe(1);
  });

  it('holds no more than its window, and does not slow down a fast peer', async () => {
    const [fast, slow, b] = [newState('fast'), newState('slow'), newState('there')];
    fill(b.source, 100);
    const limits = { windowBytes: 256 * 1024, silentAfterMs: 60_000 };
    await using siteB = await startSite(b, { limits });
    await using siteFast = await startSite(fast, { limits });
    await using siteSlow = await startSite(slow, { limits });
    await using proxy = await stallingProxy(siteB.port);
    siteFast.replication.connect({ cluster: 'there', addresses: [siteB.address], tls: false });
    siteSlow.replication.connect({ cluster: 'there', addresses: [proxy.address], tls: false });
    const [fastSink, slowSink] = [siteFast.sink('there'), siteSlow.sink('there')];
    await poll(() => truly(isEqual(b.source, fastSink) && isEqual(b.source, slowSink)), limitMs);
    proxy.stall();
    const sentTo = (cluster: string): number =>
      siteB.replication
        .links()
        .find((link) => link.direction === 'export' && link.cluster === cluster)!.bytesOut;
    const before = sentTo('slow');
    fill(b.source, 20_000, 'flood');
    await poll(() => truly(isEqual(b.source, fastSink)), limitMs);
    expect(sentTo('fast')).toBeGreaterThan(4_000_000);
    // The window, one frame beyond its edge, and heartbeats.
    expect(sentTo('slow') - before).toBeLessThan(256 * 1024 + 200 * 1024 + 50_000);
    expect(slowSink.held.size).toBeLessThan(5_000);
  });
});

interface Proxy extends AsyncDisposable {
  readonly address: string;
  /** Connections that are open pass on nothing more, and stay open; new ones work. */
  stall(): void;
}

async function stallingProxy(port: number): Promise<Proxy> {
  const open = new Set<Socket>();
  const server = createServer((inner) => {
    const outer = connect(port, '127.0.0.1');
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      open.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
      from.pipe(to);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    address: `127.0.0.1:${address.port}`,
    stall() {
      for (const socket of open) socket.unpipe().pause();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
