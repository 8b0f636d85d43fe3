// A port that is free now and likely to stay so, for programs that cannot be told to choose one
// themselves.

import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

/**
 * Below the ports that systems give to outgoing connections and to listeners on port 0 (32,768 and
 * up on Linux), of which one could be taken between the choice and its use; and away from the
 * usual ports of registries.
 */
const [lowest, beyond] = [12_000, 28_000] as const;

/** A program that starts slowly must not lose its port to the next one. */
const given = new Set<number>();

/** Gives a port of `host` that is free for streams and for datagrams, each only once. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  for (;;) {
    const port = randomInt(lowest, beyond);
    if (given.has(port)) continue;
    given.add(port);
    if ((await isFreeForStreams(port, host)) && (await isFreeForDatagrams(port, host))) return port;
  }
}

function isFreeForStreams(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}

function isFreeForDatagrams(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    socket.once('error', () => resolve(false));
    socket.bind(port, host, () => socket.close(() => resolve(true)));
  });
}
