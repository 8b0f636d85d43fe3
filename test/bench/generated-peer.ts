// A peer cluster whose export is made up, in a process of its own: a member of the gossip pool that
// serves services and instances through the product's own replication.

import { fork } from 'node:child_process';
import { once } from 'node:events';

export interface PeerOrder {
  readonly cluster: string;
  readonly services: number;
  readonly instancesPerService: number;
}

export interface GeneratedPeer extends AsyncDisposable {
  /** What a daemon joins. */
  readonly gossip: string;
  readonly instances: number;
}

/** Starts one; resolves when it can be joined. */
export async function startGeneratedPeer(order: PeerOrder): Promise<GeneratedPeer> {
  const child = fork(new URL('./generated-peer-process.ts', import.meta.url), [
    JSON.stringify(order),
  ]);
  const exited = once(child, 'exit');
  const [{ gossip }] = (await Promise.race([
    once(child, 'message'),
    exited.then(() => Promise.reject(new Error('the generated peer did not start'))),
  ])) as [{ readonly gossip: string }];
  return {
    gossip,
    instances: order.services * order.instancesPerService,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      const patience = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await exited;
      clearTimeout(patience);
    },
  };
}
