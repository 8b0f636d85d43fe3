// A thread that floods one port with datagrams from several addresses of this machine, at a pace, as
// far as the machine can keep it; it posts what came of it (`FloodResult`) when all are sent.

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';

export interface FloodOrder {
  readonly port: number;
  readonly payloads: readonly Uint8Array[];
  /** Addresses of 127.0.0.0/8 to send from, each in its turn. */
  readonly sources: readonly string[];
  readonly total: number;
  readonly perSecond: number;
  /** After this the rest is not sent. */
  readonly limitMs: number;
}

export interface FloodResult {
  readonly sent: number;
  /** Refused by this machine's own network stack: they never left. */
  readonly refused: number;
  readonly tookMs: number;
}

/** Sent without a pause, so that a thread that was held up makes up for it in bounded bursts. */
const burst = 1000;

const { port, payloads, sources, total, perSecond, limitMs } = workerData as FloodOrder;
const sockets = await Promise.all(sources.map(open));
const startMs = performance.now();
let given = 0;
let refused = 0;
let done = 0;

while (given < total && performance.now() - startMs < limitMs) {
  const due = Math.min(total, Math.floor(((performance.now() - startMs) * perSecond) / 1000));
  for (const end = Math.min(due, given + burst); given < end; given += 1) {
    sockets[given % sockets.length]?.send(payloads[given % payloads.length] ?? '', (error) => {
      done += 1;
      if (error !== null) refused += 1;
    });
  }
  await new Promise((resolve) => setImmediate(resolve));
}
while (done < given) await new Promise((resolve) => setImmediate(resolve));
const tookMs = performance.now() - startMs;
for (const socket of sockets) socket.close();
const result: FloodResult = { sent: given - refused, refused, tookMs };
parentPort?.postMessage(result);

/** Connected, so that sending looks nothing up. */
async function open(address: string): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.on('error', () => undefined);
  socket.bind(0, address);
  await once(socket, 'listening');
  socket.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}
