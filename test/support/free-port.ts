// A port that is free now, for programs that cannot be told to choose one themselves.

import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

/** Gives a port of `host` that is free for streams and for datagrams. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  for (;;) {
    const port = await freeStreamPort(host);
    if (await isFreeForDatagrams(port, host)) return port;
  }
}

function freeStreamPort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, host, () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

function isFreeForDatagrams(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    socket.once('error', () => resolve(false));
    socket.bind(port, host, () => socket.close(() => resolve(true)));
  });
}
