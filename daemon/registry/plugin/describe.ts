// What a driver says of itself, before it is used: asked of a thread of its own, which ends afterwards.
// The caller waits for it, as it waits for its configuration file: nothing else runs yet.

import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { readDescription } from './border.ts';
import type { DriverDescription } from './definition.ts';
import type { DriverLocation } from './locate.ts';

/** How long a module may take to load. Raising it lets a module that hangs hold the start for longer. */
const usualLoadLimitMs = 20_000;

const workerUrl = new URL(
  import.meta.url.endsWith('.ts') ? './describe-worker.ts' : './describe-worker.js',
  import.meta.url,
);

/** Gives the description; throws an error that names the driver, what is wrong and the remedy. */
export function describeDriver(
  location: DriverLocation,
  loadLimitMs = usualLoadLimitMs,
): DriverDescription {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(workerUrl, {
    name: 'driver-description',
    workerData: { url: location.url, flag, port: port2 },
    transferList: [port2],
    stdout: true,
    stderr: true,
  });
  worker.on('error', () => undefined);
  worker.unref();
  try {
    const woken = Atomics.wait(flag, 0, 0, loadLimitMs);
    const answer = (receiveMessageOnPort(port1) as { message: unknown } | undefined)?.message;
    if (typeof answer === 'object' && answer !== null) {
      if ('description' in answer) return readDescription(answer.description);
      if ('message' in answer) throw new Error(String(answer.message));
    }
    throw new Error(
      woken === 'timed-out'
        ? `it did not load within ${loadLimitMs / 1_000} s: does it wait for something at the top of its module?`
        : 'it ended its thread while it was loading: a module only exports its driver',
    );
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`driver '${location.wanted}': ${reason}`, { cause: error });
  } finally {
    port1.close();
    void worker.terminate();
  }
}
