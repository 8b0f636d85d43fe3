// One etcd process on a host of `netns.ts`, reached by its clients over the network.

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createEtcdClient } from '../../daemon/cluster/etcd-client.ts';
import type { Host } from './netns.ts';
import { poll } from './poll.ts';

export interface HostEtcd {
  readonly clientUrl: string;
  stop(): Promise<void>;
}

/** Starts it and waits until it answers. */
export async function startHostEtcd(host: Host): Promise<HostEtcd> {
  const directory = await mkdtemp(path.join(tmpdir(), 'syncer-host-etcd-'));
  // Alone on its host: the usual ports are free.
  const clientUrl = `http://${host.address}:2379`;
  const [file = '', ...args] = host.wrap([
    ...['etcd', '--data-dir', path.join(directory, 'member')],
    ...['--listen-client-urls', clientUrl, '--advertise-client-urls', clientUrl],
  ]);
  const child = spawn(file, args, { stdio: 'ignore' });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const client = createEtcdClient({ endpoints: [clientUrl] });
  try {
    await poll(async () => ((await client.status()).version === '' ? undefined : true), 60_000);
  } finally {
    client.close();
  }
  return {
    clientUrl,
    async stop() {
      child.kill('SIGTERM');
      await Promise.race([exited, wait(10_000).then(() => child.kill('SIGKILL'))]);
      await exited;
      await rm(directory, { recursive: true, force: true });
    },
  };
}
