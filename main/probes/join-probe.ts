// Tries an address that a person wants to join: is it a gossip port, or the RPC or web port beside it?

import { connect } from 'node:net';
import type { ProbeResult } from '../../proto/ipc/contract.ts';

/** For connecting, and again for each of the two questions. */
const answerTimeoutMs = 2_000;
const usualGossipPort = 30_190;

/** A ping over TCP without a name, which every member answers with an ack (serf-wire.md §3, §5). */
const gossipPing = Buffer.concat([
  Buffer.from([0x00, 0x82, 0xa5]),
  Buffer.from('SeqNo'),
  Buffer.from([0x01, 0xa4]),
  Buffer.from('Node'),
  Buffer.from([0xa0]),
]);
/** What a member answers: an ack, or, as most do, one that is compressed (serf-wire.md §2, §3). */
const ackType = 0x02;
const compressedStart = Buffer.concat([Buffer.from([0x09, 0x82, 0xa4]), Buffer.from('Algo')]);
/** HTTP/2 preface and empty SETTINGS (RFC 9113 §3.4); an HTTP/1 server answers it with an error. */
const http2Preface = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
]);

/** Says what answers. A port that says nothing may be a pool with encryption. Never rejects. */
export async function probeJoin(typed: string): Promise<ProbeResult> {
  const place = placeOf(typed);
  if (place === undefined) return { ok: false, found: 'nothing', detail: { address: typed } };
  const detail = { ...place };
  try {
    const startMs = performance.now();
    const ack = await exchange(place, gossipPing);
    const tookMs = Math.round(performance.now() - startMs);
    if (isAck(ack)) return { ok: true, found: 'gossip', detail: { ...detail, tookMs } };
    const answer = await exchange(place, http2Preface);
    if (answer[3] === 4) return { ok: false, found: 'rpc-port', detail };
    if (answer.toString('latin1').startsWith('HTTP/1')) return { ok: false, found: 'http', detail };
    return { ok: false, found: 'silent', detail };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { ok: false, found: 'nothing', detail: { ...detail, reason } };
  }
}

function isAck(answer: Buffer): boolean {
  const start = answer.subarray(0, compressedStart.length);
  return answer[0] === ackType || start.equals(compressedStart);
}

interface Place {
  readonly host: string;
  readonly port: number;
}

function placeOf(typed: string): Place | undefined {
  const match = /^(?:\[([0-9a-fA-F:.%\w]+)\]|([^\s:/[\]]+))(?::(\d{1,5}))?$/.exec(typed.trim());
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3] ?? usualGossipPort);
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port };
}

/** Sends bytes and gives the first that come back; empty when nothing comes. Rejects without a connection. */
function exchange({ host, port }: Place, bytes: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    let connected = false;
    const end = (received: Buffer): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(received);
    };
    const fail = (error: Error): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    const timer = setTimeout(
      () => (connected ? end(Buffer.alloc(0)) : fail(new Error('no answer'))),
      answerTimeoutMs,
    );
    socket.once('connect', () => {
      connected = true;
      socket.write(bytes);
    });
    socket.once('data', end);
    // It closed on us: connected, and nothing was said.
    socket.once('close', () => end(Buffer.alloc(0)));
    socket.once('error', (error) => (connected ? end(Buffer.alloc(0)) : fail(error)));
  });
}
