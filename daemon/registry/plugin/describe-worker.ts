// The thread in which a driver's module is loaded to see what it says of itself.

import { workerData, type MessagePort } from 'node:worker_threads';
import { loadDefinition } from './load-definition.ts';

const { url, flag, port } = workerData as {
  readonly url: string;
  readonly flag: Int32Array<SharedArrayBuffer>;
  readonly port: MessagePort;
};

const wake = (): void => {
  Atomics.store(flag, 0, 1);
  Atomics.notify(flag, 0);
};
// A module that ends the process ends this thread: whoever waits is to know at once.
process.on('exit', wake);
try {
  const { description } = await loadDefinition(url);
  port.postMessage({ description });
} catch (error) {
  port.postMessage({ message: error instanceof Error ? error.message : String(error) });
}
wake();
