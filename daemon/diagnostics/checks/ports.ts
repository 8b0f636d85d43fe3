// The ports are free, or held by the daemon that runs.

import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import { fail, ok, type Check, type CheckContext, type HostPort } from '../check.ts';
import { isWildcard, joinAddress } from '../addresses.ts';

const answerTimeoutMs = 2_000;

export const ports: Check = {
  id: 'ports',
  async run(context) {
    const { bind, rpc } = context;
    const values = { bind: joinAddress(bind), rpc: joinAddress(rpc) };
    for (const [place, option] of [
      [bind, '--bind-addr'],
      [rpc, '--rpc-addr'],
    ] as const) {
      const trouble = await troubleAt(context, place, place === bind);
      if (trouble === undefined) continue;
      const detail = { address: joinAddress(place), option, detail: trouble };
      return context.running === undefined
        ? fail('doctor.text.ports-taken', 'doctor.remedy.ports-taken', detail)
        : fail('doctor.text.ports-silent', 'doctor.remedy.ports-silent', detail);
    }
    return context.running === undefined
      ? ok('doctor.text.ports-free', values)
      : ok('doctor.text.ports-held', values);
  },
};

async function troubleAt(
  { running }: CheckContext,
  place: HostPort,
  gossip: boolean,
): Promise<string | undefined> {
  if (running !== undefined) return connects(place);
  return (await listensTcp(place)) ?? (gossip ? await listensUdp(place) : undefined);
}

/** Each gives `undefined` when all is well, else the system's word for what is not. */
type Probe = Promise<string | undefined>;

function connects({ host, port }: HostPort): Probe {
  return new Promise((resolve) => {
    const socket = connect({ host: isWildcard(host) ? 'localhost' : host, port });
    socket.setTimeout(answerTimeoutMs);
    const end = (result: string | undefined): void => {
      socket.destroy();
      resolve(result);
    };
    socket.once('connect', () => end(undefined));
    socket.once('timeout', () => end('ETIMEDOUT'));
    socket.once('error', (error) => end(codeOf(error)));
  });
}

function listensTcp({ host, port }: HostPort): Probe {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(codeOf(error)));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

function listensUdp({ host, port }: HostPort): Probe {
  return new Promise((resolve) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    socket.once('error', (error) => {
      socket.close();
      resolve(codeOf(error));
    });
    socket.bind({ address: host, port, exclusive: true }, () =>
      socket.close(() => resolve(undefined)),
    );
  });
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
