// Leaves timers and a server behind, and its `stop` never ends. Its address is the server's.
import { createServer, type AddressInfo } from 'node:net';
import { animal } from './herd.ts';

const server = createServer();

export const driver = animal('leaks', (behaves) => ({
  start(observer, memory) {
    setInterval(() => undefined, 1);
    server.listen(0, '127.0.0.1', () => behaves.start(observer, memory));
  },
  facts: () => ({
    ...behaves.facts(),
    address: String((server.address() as AddressInfo | null)?.port ?? ''),
  }),
  stop: () => new Promise(() => undefined),
}));
