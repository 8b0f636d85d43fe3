// The join addresses are gossip ports: not the RPC port of a syncer (the original's guide names
// that one by mistake), and not a registry.

import { connect } from 'node:net';
import { fail, ok, skipped, type Check, type HostPort } from '../check.ts';
import { splitAddress } from '../addresses.ts';

const timeoutMs = 2_000;
/** How long a port that says nothing is listened to: gossip says nothing until it is spoken to. */
const quietMs = 500;

/** HTTP/2's connection preface and an empty SETTINGS frame (RFC 9113 §3.4, §6.5). */
const preface = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
]);

type Spoken =
  | { readonly kind: 'rpc' | 'http' | 'quiet' }
  | { readonly kind: 'unreachable'; readonly detail: string };

export const joinPorts: Check = {
  id: 'join-ports',
  async run({ joinAddresses }) {
    if (joinAddresses.length === 0) return skipped('doctor.text.join-ports-none');
    for (const address of joinAddresses) {
      const spoken = await listenTo(splitAddress(address));
      switch (spoken.kind) {
        case 'rpc':
          return fail('errors.join.rpc-port.text', 'errors.join.rpc-port.remedy', { address });
        case 'http':
          return fail('errors.join.http-port.text', 'errors.join.http-port.remedy', { address });
        case 'unreachable':
          return fail('errors.join.unreachable.text', 'errors.join.unreachable.remedy', {
            address,
            detail: spoken.detail,
          });
        case 'quiet':
          break;
      }
    }
    return ok('doctor.text.join-ports', { addresses: joinAddresses.join(', ') });
  },
};

function listenTo({ host, port }: HostPort): Promise<Spoken> {
  return new Promise((resolve) => {
    let heard = Buffer.alloc(0);
    let connected = false;
    const socket = connect({ host, port });
    const end = (spoken: Spoken): void => {
      socket.destroy();
      resolve(spoken);
    };
    socket.setTimeout(timeoutMs);
    socket.once('timeout', () =>
      end(connected ? { kind: 'quiet' } : { kind: 'unreachable', detail: 'ETIMEDOUT' }),
    );
    socket.once('connect', () => {
      connected = true;
      socket.setTimeout(quietMs);
      socket.write(preface);
    });
    socket.on('data', (chunk) => {
      heard = Buffer.concat([heard, chunk]);
      if (heard.length >= 9) end({ kind: kindOf(heard) });
    });
    socket.once('error', (error) =>
      // A member that breaks off because it was greeted in the wrong language is a gossip port.
      end(connected ? { kind: kindOf(heard) } : { kind: 'unreachable', detail: codeOf(error) }),
    );
    socket.once('close', () => end({ kind: kindOf(heard) }));
  });
}

function kindOf(heard: Buffer): 'rpc' | 'http' | 'quiet' {
  if (heard.subarray(0, 5).toString('latin1') === 'HTTP/') return 'http';
  // A SETTINGS frame on stream 0 opens every HTTP/2 connection.
  const isSettings = heard.length >= 9 && heard[3] === 4 && heard.readUInt32BE(5) === 0;
  return isSettings ? 'rpc' : 'quiet';
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
