// Leaves timers and a server behind, and its `stop` never ends.
import { createServer } from 'node:net';
import { animal } from './herd.ts';

export const driver = animal('leaks', (behaves) => ({
  start(observer, memory) {
    setInterval(() => undefined, 1);
    createServer().listen(0, '127.0.0.1');
    behaves.start(observer, memory);
  },
  stop: () => new Promise(() => undefined),
}));
