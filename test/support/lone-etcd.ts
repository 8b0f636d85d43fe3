// One etcd process of the test's own, as a replica would run its member, alone.

import { mkdirSync } from 'node:fs';
import { createEtcdClient } from '../../daemon/cluster/etcd-client.ts';
import { startEtcdMember, type EtcdMember } from '../../daemon/cluster/etcd-member.ts';
import { systemClock } from '../../daemon/support/clock.ts';
import { silentLogger } from '../../daemon/support/logger.ts';
import { systemRandom } from '../../daemon/support/random.ts';
import { freePort } from './free-port.ts';
import { poll } from './poll.ts';

/** Starts it and waits until it answers. `directory` is made, and left to the caller. */
export async function startLoneEtcd(directory: string): Promise<EtcdMember> {
  mkdirSync(directory, { recursive: true });
  const peerUrl = `http://127.0.0.1:${await freePort()}`;
  const member = await startEtcdMember(
    {
      ...{ binary: 'etcd', directory, name: 'alone', listenHost: '127.0.0.1', token: 't', peerUrl },
      formed: () =>
        Promise.resolve({ initialCluster: [{ name: 'alone', peerUrl }], initialState: 'new' }),
      lost: () => undefined,
      failed: () => undefined,
    },
    { clock: systemClock, random: systemRandom, logger: silentLogger },
  );
  const client = createEtcdClient({ endpoints: [member.clientUrl] });
  try {
    await poll(async () => ((await client.status()).version === '' ? undefined : true), 60_000);
  } finally {
    client.close();
  }
  return member;
}
