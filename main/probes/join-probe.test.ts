import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { probeJoin } from './join-probe.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A port that answers whatever comes first. */
async function answering(answer: Buffer): Promise<string> {
  const server = createServer((socket) => socket.once('data', () => socket.end(answer)));
  servers.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as { port: number }).port}`;
}

describe('a try of an address to join', () => {
  // The answers of a member to a ping over a stream, plain and compressed.
  it.each([
    ['plain', '0282a55365714e6f01a75061796c6f6164c0'],
    ['compressed', '0982a4416c676f00a3427566b70005083a0525'],
  ])('knows a member by its %s ack', async (_, hex) => {
    const address = await answering(Buffer.from(hex, 'hex'));
    expect(await probeJoin(address)).toMatchObject({ ok: true, found: 'gossip' });
  });

  it.each([
    ['rpc-port', Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])],
    ['http', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['silent', Buffer.from('220 mail.example ESMTP\r\n')],
  ])('knows by its answer: %s', async (found, answer) => {
    expect(await probeJoin(await answering(answer))).toMatchObject({ ok: false, found });
  });

  it('says that nothing answers, and takes no address that is none', async () => {
    expect(await probeJoin('127.0.0.1:1')).toMatchObject({ ok: false, found: 'nothing' });
    expect(await probeJoin('not an address')).toMatchObject({ ok: false, found: 'nothing' });
  });
});
